import { type FloatColumn, IntColumn } from './column.ts';

/** Slots in the order of their expiry: a binary heap in which every slot knows its position, so that a renewal moves it. */
export class ExpiryHeap {
  private readonly heap = new IntColumn();
  /** Position + 1 of each slot in the heap; 0 when it is not there. */
  private readonly positions = new IntColumn();
  private readonly expires: FloatColumn;
  private length = 0;

  /** `expires` is read whenever an order is decided; `update` must follow every change of it. */
  constructor(expires: FloatColumn) {
    this.expires = expires;
  }

  reserve(count: number): void {
    this.heap.reserve(count);
    this.positions.reserve(count);
  }

  /** The slot that expires first, or -1. */
  first(): number {
    return this.length === 0 ? -1 : this.heap.get(0);
  }

  /** Puts a slot where its expiry belongs, whether it was there or not. */
  update(slot: number): void {
    let at = this.positions.get(slot) - 1;
    if (at < 0) at = this.length++;
    at = this.rise(slot, at);
    this.sink(slot, at);
  }

  /** Takes a slot out, if it is there. */
  remove(slot: number): void {
    const at = this.positions.get(slot) - 1;
    if (at < 0) return;
    this.positions.set(slot, 0);
    this.length--;
    if (at === this.length) return;
    const last = this.heap.get(this.length);
    this.sink(last, this.rise(last, at));
  }

  /** Moves what expires later out of the way towards the end; the hole that is left is for `slot`. */
  private rise(slot: number, start: number): number {
    const expires = this.expires.get(slot);
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const other = this.heap.get(parent);
      if (this.expires.get(other) <= expires) break;
      this.settle(other, at);
      at = parent;
    }
    return at;
  }

  private sink(slot: number, start: number): void {
    const expires = this.expires.get(slot);
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.length) break;
      let other = this.heap.get(child);
      if (child + 1 < this.length) {
        const right = this.heap.get(child + 1);
        if (this.expires.get(right) < this.expires.get(other)) {
          other = right;
          child++;
        }
      }
      if (this.expires.get(other) >= expires) break;
      this.settle(other, at);
      at = child;
    }
    this.settle(slot, at);
  }

  private settle(slot: number, at: number): void {
    this.heap.set(at, slot);
    this.positions.set(slot, at + 1);
  }
}
