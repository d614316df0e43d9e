import assert from 'node:assert/strict';
import type { Ticket } from '../lease.ts';
import type { Outbox } from '../outbox.ts';
import { Delivery } from './destination.ts';

/** The largest message that is sent: what an Ethernet frame carries without fragments. */
export const REPLY_MAX = 1472;
/** The next multiple of 64, a cache line. */
const SLOT = 1536;

/** How much memory an arena of so many replies takes. */
export function arenaBytes(immediate: number, held: number): number {
  return (immediate + held) * SLOT;
}

/**
 * Memory for replies. Those that may go at once lie in slots that are free again after each flush; those that wait for
 * a lease to be durable lie in a ring, as tickets come in order.
 */
export class ReplyArena {
  /** Where replies go out: routed, or straight onto links. Both send from the arena's memory. */
  readonly routed: Outbox;
  readonly link: Outbox;
  readonly bytes: Buffer;
  /** How many replies wait to be durable. */
  waiting = 0;
  readonly capacity: number;
  private readonly immediateAt: number;
  private readonly heldAt: number;
  private readonly immediate: number;
  private used = 0;
  private oldest = 0;
  private readonly deliveries: readonly Delivery[];
  private readonly tickets: Float64Array;
  private readonly ends: Uint32Array;

  /** Uses `arenaBytes(immediate, held)` octets of `bytes` from `at` on. */
  constructor(parts: {
    readonly bytes: Buffer;
    readonly at: number;
    readonly immediate: number;
    readonly held: number;
    readonly routed: Outbox;
    readonly link: Outbox;
  }) {
    const { bytes, at, immediate, held } = parts;
    assert.ok(at + arenaBytes(immediate, held) <= bytes.length);
    this.bytes = bytes;
    this.routed = parts.routed;
    this.link = parts.link;
    this.immediate = immediate;
    this.capacity = held;
    this.immediateAt = at;
    this.heldAt = at + immediate * SLOT;
    this.deliveries = Array.from({ length: held }, () => new Delivery());
    this.tickets = new Float64Array(held);
    this.ends = new Uint32Array(held);
  }

  /** Whether another reply that may go at once would find no room before the next flush. */
  get mustFlush(): boolean {
    return this.used === this.immediate || this.routed.full || this.link.full;
  }

  /** Where the next reply that may go at once is to be written. */
  immediateSlot(): number {
    assert.ok(this.used < this.immediate, 'flush before the arena is full');
    return this.immediateAt + this.used * SLOT;
  }

  /** Where the next reply that has to wait is to be written; -1 when too many wait already. */
  heldSlot(): number {
    if (this.waiting === this.capacity) return -1;
    return this.heldAt + ((this.oldest + this.waiting) % this.capacity) * SLOT;
  }

  /** Queues what was written at `immediateSlot`. */
  send(delivery: Delivery, end: number): void {
    delivery.put(this.routed, this.link, this.immediateSlot(), end);
    this.used++;
  }

  /** Keeps what was written at `heldSlot` until the ticket is durable. */
  hold(delivery: Delivery, end: number, ticket: Ticket): void {
    const index = (this.oldest + this.waiting) % this.capacity;
    this.deliveries[index]!.copy(delivery);
    this.tickets[index] = ticket;
    this.ends[index] = end;
    this.waiting++;
  }

  /** Queues what waited for this ticket or an earlier one; false when the outboxes are full and there is more. */
  release(durable: Ticket): boolean {
    while (this.waiting > 0 && this.tickets[this.oldest]! <= durable) {
      if (this.routed.full || this.link.full) return false;
      const { oldest } = this;
      const at = this.heldAt + oldest * SLOT;
      this.deliveries[oldest]!.put(this.routed, this.link, at, this.ends[oldest]!);
      this.oldest = oldest + 1 === this.capacity ? 0 : oldest + 1;
      this.waiting--;
    }
    return true;
  }

  /** Drops what waited for this ticket or an earlier one: it will never be true. */
  abandon(failed: Ticket): void {
    while (this.waiting > 0 && this.tickets[this.oldest]! <= failed) {
      this.oldest = this.oldest + 1 === this.capacity ? 0 : this.oldest + 1;
      this.waiting--;
    }
  }

  /** What was queued has been sent. */
  flushed(): void {
    this.used = 0;
    this.routed.clear();
    this.link.clear();
  }
}
