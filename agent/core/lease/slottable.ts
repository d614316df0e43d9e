import type { Ipv4 } from '../../../codec/ipv4.ts';

// Each shard grows by itself, so that no insertion ever waits for more than a 256th of the table to move.
const SHARDS = 256;
const SHARD_START = 8;
const EMPTY = -1;
/** What all shards are before their first entry; never written to. */
const NOTHING = fresh(1);

/**
 * A hash table of slots: open addressing, linear probing, no tombstones. An entry is two numbers, hash and slot, so that
 * most of a search stays in one cache line. The high octet of a hash picks the shard.
 */
export class SlotTable {
  private readonly shards: Int32Array[] = new Array<Int32Array>(SHARDS).fill(NOTHING);
  private readonly filled = new Int32Array(SHARDS);

  /** The slot of this hash for which `matches` holds, or -1. */
  find(hash: number, matches: (slot: number) => boolean): number {
    const shard = this.shards[hash >>> 24]!;
    const last = shard.length - 2;
    const wanted = hash | 0;
    for (let at = (hash << 1) & last; ; at = (at + 2) & last) {
      const slot = shard[at + 1]!;
      if (slot === EMPTY || (shard[at] === wanted && matches(slot))) return slot;
    }
  }

  /** The slot of this hash, or -1, where different keys have different hashes. */
  get(hash: number): number {
    const shard = this.shards[hash >>> 24]!;
    const last = shard.length - 2;
    const wanted = hash | 0;
    for (let at = (hash << 1) & last; ; at = (at + 2) & last) {
      const slot = shard[at + 1]!;
      if (slot === EMPTY || shard[at] === wanted) return slot;
    }
  }

  insert(hash: number, slot: number): void {
    const number = hash >>> 24;
    let shard = this.shards[number]!;
    // At most two thirds full: a miss then looks at five places on average.
    if (shard === NOTHING || 3 * this.filled[number]! >= shard.length) shard = this.grow(number);
    place(shard, hash, slot);
    this.filled[number]!++;
  }

  /** Puts another slot of the same hash in the place of one. */
  replace(hash: number, slot: number, other: number): void {
    const shard = this.shards[hash >>> 24]!;
    shard[positionOf(shard, hash, slot) + 1] = other;
  }

  remove(hash: number, slot: number): void {
    const number = hash >>> 24;
    const shard = this.shards[number]!;
    const last = shard.length - 2;
    let hole = positionOf(shard, hash, slot);
    // Whatever follows moves up, unless it lies between its own first choice and the hole.
    for (let at = (hole + 2) & last; shard[at + 1] !== EMPTY; at = (at + 2) & last) {
      const wanted = (shard[at]! << 1) & last;
      if (((at - wanted) & last) < ((at - hole) & last)) continue;
      shard[hole] = shard[at]!;
      shard[hole + 1] = shard[at + 1]!;
      hole = at;
    }
    shard[hole + 1] = EMPTY;
    this.filled[number]!--;
  }

  private grow(number: number): Int32Array {
    const old = this.shards[number]!;
    const shard = fresh(Math.max(old.length, SHARD_START));
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== EMPTY) place(shard, old[at]!, old[at + 1]!);
    }
    this.shards[number] = shard;
    return shard;
  }
}

/** Spreads neighbours, as pools are runs of addresses. One to one, so that a hash stands for its address (`get`). */
export function hashAddress(address: Ipv4): number {
  const product = Math.imul(address, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function fresh(entries: number): Int32Array {
  return new Int32Array(2 * entries).fill(EMPTY);
}

function place(shard: Int32Array, hash: number, slot: number): void {
  const last = shard.length - 2;
  let at = (hash << 1) & last;
  while (shard[at + 1] !== EMPTY) at = (at + 2) & last;
  shard[at] = hash;
  shard[at + 1] = slot;
}

function positionOf(shard: Int32Array, hash: number, slot: number): number {
  const last = shard.length - 2;
  let at = (hash << 1) & last;
  while (shard[at + 1] !== slot) at = (at + 2) & last;
  return at;
}
