import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { LeaseRoom } from '../lease/room.ts';
import type { Lease, LeaseTable } from '../lease.ts';
import type { ReplyArena } from './arena.ts';
import type { Circuits } from './circuits.ts';
import { type ClassSet, NO_CLASSES } from './classes.ts';
import type { Clones } from './clones.ts';
import type { Delivery } from './destination.ts';
import type { ServerLinks } from './links.ts';
import type { ProbePort, ServerObserver, Trace } from './observer.ts';
import type { Offers } from './offers.ts';
import type { Network, ServerPlan, ServerPool, Subnet } from './plan.ts';
import type { Probes } from './probes.ts';
import type { Reply } from './reply.ts';
import type { Request } from './request.ts';
import type { Reservation } from './reservations.ts';

/** All that a server knows and works with, handed to the functions that decide. */
export interface ServerState {
  plan: ServerPlan;
  links: ServerLinks;
  readonly leases: LeaseTable;
  readonly offers: Offers;
  readonly probes: Probes;
  readonly clones: Clones;
  readonly circuits: Circuits;
  /** Our own addresses that lie in pools, taken out of them. */
  readonly withheld: Set<Ipv4>;
  readonly arena: ReplyArena;
  readonly observer: ServerObserver;
  readonly port: ProbePort;
  readonly request: Request;
  readonly client: Client;
  readonly choice: Choice;
  readonly reply: Reply;
  readonly delivery: Delivery;
  /** Steps of the decision, when somebody asks why; null costs nothing. */
  trace: Trace | null;
  /** Until when leases are not written, after the store refused one; 0 while it takes them. */
  refusedUntil: Millis;
  /** How many addresses the request at hand has been refused by probes. */
  attempts: number;
  /** The fencing number that leases are written with. */
  readonly epoch: number;
}

/** Who is asking: where they are, and what is known of them beforehand. Filled again for each request. */
export class Client {
  subnet!: Subnet;
  network!: Network;
  classes: ClassSet = NO_CLASSES;
  reservation: Reservation | null = null;
  /** The client's record of the address that it says it has (ciaddr), if it was looked up. */
  held: Lease | null = null;
  readonly heldRoom = new LeaseRoom();
  /** Whether option 118 said where the client is. */
  bySubnetSelection = false;
  /** Whether sub-option 151 took part in saying so. */
  byVirtualSubnet = false;
}

/** Why a client may have an address. */
export type Origin =
  | 'reserved'
  | 'current'
  | 'previous'
  | 'offered'
  | 'requested'
  | 'fresh'
  | 'aged'
  | 'recycled';

/** The address that a client gets. Filled again for each request. */
export class Choice {
  address: Ipv4 = UNSPECIFIED;
  subnet!: Subnet;
  /** Null for a reserved address outside the pools. */
  pool: ServerPool | null = null;
  origin: Origin = 'fresh';
  /** When the client before left it; -1 for an address that is in no queue. */
  leftAt: Millis = -1;
  /** When this client was last heard of with this address; probes are not needed soon after. */
  heldAt: Millis = Number.NEGATIVE_INFINITY;
  /** Somebody else may still use it: it has to be probed even if it was lately. */
  suspicious = false;
}
