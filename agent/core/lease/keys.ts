import { IntColumn } from './column.ts';
import type { HashKey } from './siphash.ts';
import { sipHash } from './siphash.ts';
import { SlotTable } from './slottable.ts';

/** Where a slot's key lies. */
export interface KeySpan {
  bytes: Uint8Array;
  start: number;
  end: number;
}

const NONE = -1;

/** Slots by a key that several may share: the first of each key is in a hash table, the others hang on it. */
export class KeyIndex {
  private readonly nexts = new IntColumn();
  private readonly previous = new IntColumn();
  private readonly heads = new SlotTable();
  private readonly secret: HashKey;
  private readonly keyOf: (slot: number, span: KeySpan) => void;
  private readonly sought: KeySpan = { bytes: new Uint8Array(0), start: 0, end: 0 };
  private readonly seen: KeySpan = { bytes: new Uint8Array(0), start: 0, end: 0 };
  private soughtHash = 0;

  /** `keyOf` says where the key of a slot lies now; an empty key is not indexed. */
  constructor(secret: HashKey, keyOf: (slot: number, span: KeySpan) => void) {
    this.secret = secret;
    this.keyOf = keyOf;
  }

  reserve(count: number): void {
    this.nexts.reserve(count);
    this.previous.reserve(count);
  }

  /** The latest slot with this key, or -1. */
  first(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return NONE;
    this.sought.bytes = bytes;
    this.sought.start = start;
    this.sought.end = end;
    this.soughtHash = sipHash(bytes, start, end, this.secret);
    return this.heads.find(this.soughtHash, this.matches);
  }

  /** The next slot with the same key, or -1. */
  next(slot: number): number {
    return this.nexts.get(slot);
  }

  /** Adds a slot whose key is in place now. */
  add(slot: number): void {
    this.keyOf(slot, this.seen);
    const { bytes, start, end } = this.seen;
    if (start === end) return;
    const head = this.first(bytes, start, end);
    this.nexts.set(slot, head);
    this.previous.set(slot, NONE);
    if (head === NONE) {
      this.heads.insert(this.soughtHash, slot);
    } else {
      this.previous.set(head, slot);
      this.heads.replace(this.soughtHash, head, slot);
    }
  }

  /** Takes out a slot whose key is still in place. */
  remove(slot: number): void {
    this.keyOf(slot, this.seen);
    const { bytes, start, end } = this.seen;
    if (start === end) return;
    const next = this.nexts.get(slot);
    const previous = this.previous.get(slot);
    if (next !== NONE) this.previous.set(next, previous);
    if (previous !== NONE) this.nexts.set(previous, next);
    if (previous !== NONE) return;
    const hash = sipHash(bytes, start, end, this.secret);
    if (next !== NONE) this.heads.replace(hash, slot, next);
    else this.heads.remove(hash, slot);
  }

  /** Makes a slot the latest of its key. */
  touch(slot: number): void {
    this.keyOf(slot, this.seen);
    if (this.seen.start === this.seen.end || this.previous.get(slot) === NONE) return;
    this.remove(slot);
    this.add(slot);
  }

  private readonly matches = (slot: number): boolean => {
    this.keyOf(slot, this.seen);
    return sameKey(this.sought, this.seen);
  };
}

/** Whether two keys are the same octets. */
export function sameKey(a: KeySpan, b: KeySpan): boolean {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return false;
  for (let i = 0; i < length; i++) {
    if (a.bytes[a.start + i] !== b.bytes[b.start + i]) return false;
  }
  return true;
}
