import assert from 'node:assert/strict';
import { type Memory, memoryOf } from './record.ts';

// Records lie in chunks of 1 MiB, in blocks of whole 16-octet units, so that a place is one 32-bit
// number (64 GiB) and a million leases are a few hundred objects for the garbage collector.
const UNIT_BITS = 4;
const UNITS_BITS = 16;
const CHUNK_UNITS = 1 << UNITS_BITS;

/** Where a record lies. */
export type Place = number;

/** Memory for records of different lengths; a freed block is used again for one of as many units. */
export class Slab {
  private readonly chunks: Memory[] = [];
  private unitsUsed = CHUNK_UNITS;
  /** Freed places, by units. */
  private readonly free: Place[][] = [];

  /** Whether a record of `after` octets fits where one of `before` octets is, without waste. */
  static fits(before: number, after: number): boolean {
    return unitsOf(before) === unitsOf(after);
  }

  allocate(length: number): Place {
    const units = unitsOf(length);
    assert(units <= CHUNK_UNITS);
    const place = this.free[units]?.pop();
    if (place !== undefined) return place;
    if (this.unitsUsed + units > CHUNK_UNITS) this.addChunk();
    const fresh = ((this.chunks.length - 1) << UNITS_BITS) | this.unitsUsed;
    this.unitsUsed += units;
    return fresh;
  }

  release(place: Place, length: number): void {
    const units = unitsOf(length);
    const places = this.free[units];
    if (places === undefined) this.free[units] = [place];
    else places.push(place);
  }

  memory(place: Place): Memory {
    return this.chunks[place >>> UNITS_BITS]!;
  }

  /** Offset of a place in its memory. */
  static offset(place: Place): number {
    return (place & (CHUNK_UNITS - 1)) << UNIT_BITS;
  }

  private addChunk(): void {
    this.chunks.push(memoryOf(Buffer.allocUnsafeSlow(CHUNK_UNITS << UNIT_BITS)));
    this.unitsUsed = 0;
  }
}

function unitsOf(length: number): number {
  return (length + (1 << UNIT_BITS) - 1) >>> UNIT_BITS;
}
