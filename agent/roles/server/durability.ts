import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import type { LeaseTable, Ticket } from '../../core/lease.ts';

/** Where leases are kept. */
export interface ServerStore {
  readonly leases: LeaseTable;
  /** The lease clock: wall milliseconds with the steps taken out, never going back. */
  now(): Millis;
  /** Calls back with the latest ticket whenever leases have become durable; returns what ends that. */
  onDurable(told: (ticket: Ticket) => void): () => void;
  /**
   * Calls back when writing has failed: what is not durable up to this ticket never will be, and these addresses have
   * the record again that they had before.
   */
  onFailed(told: (ticket: Ticket, addresses: readonly Ipv4[]) => void): () => void;
  /** Whether leases can be written, and calls back when that changes. */
  readonly state: StoreState;
  onState(told: (state: StoreState) => void): () => void;
}

/** Whether leases can be written, and for people why not. */
export type StoreState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'degraded'; readonly reason: string };
