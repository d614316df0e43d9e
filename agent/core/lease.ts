import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import type { LeaseRoom } from './lease/room.ts';

/**
 * What became of an address. An offer is not here: it is not durable, so it lives with who made it.
 * `bound` until `expires`; `released` by its client; `declined` and kept out of use until `expires`;
 * `expired` when either time is over. All but `bound` and `declined` are free to give, first of all to the same client.
 */
export type LeaseState = 'bound' | 'released' | 'declined' | 'expired';

/**
 * The binding of an address to a client, and all that has to be remembered of it (RFC 2131 §2.1, §4.3.1).
 * Times are on the lease clock (`store.now()`): wall milliseconds with the steps taken out, never going back, also
 * over restarts. `null` is absent; empty bytes and texts are recorded as absent.
 */
export interface Lease {
  readonly address: Ipv4;
  readonly state: LeaseState;
  /** `htype` and the first `hlen` octets of `chaddr`. */
  readonly hardwareType: number;
  readonly hardwareAddress: Uint8Array;
  /** Option 61 as the client sent it, type octet included. */
  readonly clientId: Uint8Array | null;
  /** Name of the subnet in the configuration; utilisation is counted by it. */
  readonly subnet: string;
  /** When this client first got the address, and when it was last heard of (cltt, RFC 4388 §6.1). */
  readonly starts: Millis;
  readonly lastTransaction: Millis;
  /** The end of the lease or of the quarantine; Infinity for a lease without end (RFC 2131 §3.3). */
  readonly expires: Millis;
  /** What was granted last, in seconds; 0xffffffff is without end. */
  readonly leaseSeconds: number;
  /** The server identifier that the client knows us by (option 54). */
  readonly serverIdentifier: Ipv4;
  /** The relay that last carried it, or 0.0.0.0, and what it said of the client (option 82), for unicast renewals. */
  readonly giaddr: Ipv4;
  readonly relayInformation: Uint8Array | null;
  /** The interface the client was last heard on. */
  readonly interfaceName: string | null;
  /** Option 12. */
  readonly hostname: string | null;
  /** Option 81's name. */
  readonly fqdn: string | null;
  /** Options 60, 77 and 93, as they were sent. */
  readonly vendorClass: Uint8Array | null;
  readonly userClass: Uint8Array | null;
  readonly architecture: Uint8Array | null;
  /** The fencing number of the server that granted it; 0 where there is only one. */
  readonly epoch: number;
  /** Granted because of a reservation. */
  readonly reserved: boolean;
  /** Granted to a BOOTP client (RFC 1534). */
  readonly bootp: boolean;
}

/** Says when a record is durable: once the store reports this number or a higher one. */
export type Ticket = number;

/** How many addresses of a subnet are in each state. */
export type LeaseCounts = { readonly [state in LeaseState]: number };

/** What a server core may know of leases and do to them; `Leases` is the one implementation, the store makes it durable. */
export interface LeaseTable {
  readonly size: number;
  /** The record of an address, whatever its state, in `into` if that is given; undefined when it has none. */
  get(address: Ipv4, into?: LeaseRoom): Lease | undefined;
  /** As `get`, without making an object; `free` when the address has no record. */
  stateOf(address: Ipv4): LeaseState | 'free';
  /** As `get`, without making an object; -Infinity when the address has no record. */
  expiresOf(address: Ipv4): Millis;
  /**
   * The addresses recorded for the client identifier that is `length` octets at `at`, or all of `bytes`; latest first, at
   * most CLIENT_ADDRESSES_MAX.
   */
  byClientId(bytes: Uint8Array, at?: number, length?: number): readonly Ipv4[];
  /** The addresses recorded for a hardware address, whatever client identifier came with it; likewise. */
  byHardwareAddress(type: number, bytes: Uint8Array, at?: number, length?: number): readonly Ipv4[];
  /**
   * Records a lease, in place of what the address had; it is seen by all methods at once. The client may be told
   * when the ticket is durable. 0: refused, because the store cannot write now and the lease is `bound`.
   */
  put(lease: Lease): Ticket;
  /** Removes the record of an address, likewise. */
  forget(address: Ipv4): Ticket;
  /** When the next `bound` or `declined` record ends; null when none does. */
  nextExpiry(): Millis | null;
  /** Makes those that ended by `now` `expired` and returns them, earliest first, at most `limit`. */
  expire(now: Millis, limit: number): readonly Lease[];
  /** Utilisation of a subnet. */
  counts(subnet: string): LeaseCounts;
  /** Every record, in no order. The table may change between steps: what stays is seen once. */
  entries(): IterableIterator<Lease>;
}

/**
 * How many addresses of one client are looked at: one for each subnet that a client is seen on, with room.
 * More come only from hardware addresses shared by many clients (clones, zeros).
 */
export const CLIENT_ADDRESSES_MAX = 64;
