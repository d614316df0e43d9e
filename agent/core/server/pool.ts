import assert from 'node:assert/strict';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { RangeConfig } from '../../../crds/types/serverconfig.ts';

/**
 * The addresses of a pool that nobody has a record of. Knows no time and no clients. A bit for each address and a bit
 * for each word of those: finding one takes the same time in a pool of ten as in one of a million with one left.
 */
export class Pool {
  readonly ranges: readonly RangeConfig[];
  readonly size: number;
  /** How many are free. */
  free = 0;
  private readonly offsets: readonly number[];
  private readonly bits: Uint32Array;
  /** One bit for each word of `bits` that is not 0. */
  private readonly summary: Uint32Array;
  private cursor = 0;
  /** What `next` has last given. */
  private turn = -1;

  /** All addresses are free. The ranges ascend and lie apart. */
  constructor(ranges: readonly RangeConfig[]) {
    this.ranges = ranges;
    const offsets: number[] = [];
    let size = 0;
    for (const { start, end } of ranges) {
      offsets.push(size);
      size += end - start + 1;
    }
    this.offsets = offsets;
    this.size = size;
    const words = Math.ceil(size / 32);
    this.bits = new Uint32Array(words).fill(0xffffffff);
    this.summary = new Uint32Array(Math.ceil(words / 32)).fill(0xffffffff);
    trim(this.bits, size);
    trim(this.summary, words);
    this.free = size;
  }

  /** Whether the address belongs to the pool, free or not. */
  has(address: Ipv4): boolean {
    return this.indexOf(address) >= 0;
  }

  /** Whether the address belongs to the pool and is free. */
  isFree(address: Ipv4): boolean {
    const index = this.indexOf(address);
    return index >= 0 && (this.bits[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  /** The free address whose turn it is, which stays free until taken; null when there is none. */
  next(): Ipv4 | null {
    if (this.free === 0) return null;
    const index = this.from(this.cursor);
    this.turn = index >= 0 ? index : this.from(0);
    return this.addressAt(this.turn);
  }

  /** Takes a free address out; false when it was not free. When it was its turn, the one after it is next. */
  take(address: Ipv4): boolean {
    const index = this.indexOf(address);
    if (index < 0) return false;
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    if ((this.bits[word]! & bit) === 0) return false;
    this.bits[word]! &= ~bit;
    if (this.bits[word] === 0) this.summary[word >>> 5]! &= ~(1 << (word & 31));
    this.free--;
    if (index === this.turn) this.cursor = index + 1 === this.size ? 0 : index + 1;
    return true;
  }

  /** Makes an address of the pool free again; others and free ones are left as they are. */
  give(address: Ipv4): void {
    const index = this.indexOf(address);
    if (index < 0) return;
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    if ((this.bits[word]! & bit) !== 0) return;
    this.bits[word]! |= bit;
    this.summary[word >>> 5]! |= 1 << (word & 31);
    this.free++;
  }

  /** The first free index at or after `index`, or -1. */
  private from(index: number): number {
    let word = index >>> 5;
    const here = this.bits[word]! & (0xffffffff << (index & 31));
    if (here !== 0) return (word << 5) + lowest(here);
    word++;
    let group = word >>> 5;
    let left = (this.summary[group] ?? 0) & (0xffffffff << (word & 31));
    while (left === 0 && ++group < this.summary.length) left = this.summary[group]!;
    if (left === 0) return -1;
    word = (group << 5) + lowest(left);
    return (word << 5) + lowest(this.bits[word]!);
  }

  private indexOf(address: Ipv4): number {
    const { ranges } = this;
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = ranges[middle]!;
      if (address < range.start) high = middle - 1;
      else if (address > range.end) low = middle + 1;
      else return this.offsets[middle]! + (address - range.start);
    }
    return -1;
  }

  private addressAt(index: number): Ipv4 {
    assert.ok(index >= 0 && index < this.size);
    let range = this.ranges.length - 1;
    while (this.offsets[range]! > index) range--;
    return (this.ranges[range]!.start + (index - this.offsets[range]!)) as Ipv4;
  }
}

/** Number of the lowest bit that is set; `word` is not 0. */
function lowest(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Clears the bits beyond the first `count`. */
function trim(words: Uint32Array, count: number): void {
  const rest = count & 31;
  if (rest !== 0) words[words.length - 1] = (1 << rest) - 1;
}
