import type { Ipv4 } from '../../../codec/ipv4.ts';
import { MESSAGE_TYPE_NAMES } from '../../../codec/v4/header.ts';
import type { Lease, LeaseState } from '../lease.ts';
import type { ServerDrop } from './drops.ts';
import type { ServerObserver } from './observer.ts';

/** The label of types that nobody has registered. */
const OTHER = MESSAGE_TYPE_NAMES.length;
/** Servers are few; who forges more is told of no further ones. */
const FOREIGN_MAX = 64;

/** What a server has done, counted without allocating anything for a message. Totals since the start. */
export class ServerCounters implements ServerObserver {
  readonly drops = new Map<ServerDrop, number>();
  /** By errno name of a failed transmission. */
  readonly sendErrors = new Map<string, number>();
  /** Leases written, by what became of them. */
  readonly leases = new Map<LeaseState, number>();
  /** Other servers on our links, and how often each was heard. */
  readonly foreignServers = new Map<Ipv4, number>();
  conflicts = 0;
  declines = 0;
  clones = 0;
  probesSkipped = 0;
  informationsOmitted = 0;
  private readonly requests = new Map<string, Float64Array>();
  private readonly replies = new Map<string, Float64Array>();

  request(interfaceName: string, type: number): void {
    count(this.requests, interfaceName, type);
  }

  reply(interfaceName: string, type: number): void {
    count(this.replies, interfaceName, type);
  }

  drop(reason: ServerDrop): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  lease({ state }: Lease): void {
    this.leases.set(state, (this.leases.get(state) ?? 0) + 1);
  }

  conflict(_address: Ipv4, _hardwareAddress: Uint8Array | null): void {
    this.conflicts++;
  }

  declined(_address: Ipv4, _hardwareAddress: Uint8Array): void {
    this.declines++;
  }

  clone(_clientId: Uint8Array, _hardwareAddress: Uint8Array): void {
    this.clones++;
  }

  probeSkipped(_address: Ipv4): void {
    this.probesSkipped++;
  }

  informationOmitted(): void {
    this.informationsOmitted++;
  }

  foreignServer(server: Ipv4, _interfaceName: string): void {
    const before = this.foreignServers.get(server);
    if (before === undefined && this.foreignServers.size >= FOREIGN_MAX) return;
    this.foreignServers.set(server, (before ?? 0) + 1);
  }

  sendError(errno: string): void {
    this.sendErrors.set(errno, (this.sendErrors.get(errno) ?? 0) + 1);
  }

  /** Calls back for each count that is not zero; `type` is DISCOVER, OFFER … or other. */
  eachMessage(
    visit: (direction: 'request' | 'reply', ifname: string, type: string, n: number) => void,
  ): void {
    for (const [direction, table] of [
      ['request', this.requests],
      ['reply', this.replies],
    ] as const) {
      for (const [ifname, counts] of table) {
        counts.forEach((n, type) => {
          if (n > 0) visit(direction, ifname, MESSAGE_TYPE_NAMES[type] ?? 'other', n);
        });
      }
    }
  }
}

function count(table: Map<string, Float64Array>, ifname: string, type: number): void {
  let counts = table.get(ifname);
  if (counts === undefined) {
    counts = new Float64Array(OTHER + 1);
    table.set(ifname, counts);
  }
  counts[Math.min(type, OTHER)]!++;
}
