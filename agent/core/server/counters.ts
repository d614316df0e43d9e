import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease, LeaseState } from '../lease.ts';
import { MessageCounts } from '../messagecounts.ts';
import type { ServerDrop } from './drops.ts';
import type { ServerObserver } from './observer.ts';

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
  private readonly messages = new MessageCounts();

  request(interfaceName: string, type: number): void {
    this.messages.request(interfaceName, type);
  }

  reply(interfaceName: string, type: number): void {
    this.messages.reply(interfaceName, type);
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

  /** Interfaces have come or gone: the counts of others are forgotten. */
  keepInterfaces(ifnames: ReadonlySet<string>): void {
    this.messages.keepOnly(ifnames);
  }

  /** Calls back for each count that is not zero; `type` is DISCOVER, OFFER … or other. */
  eachMessage(visit: Parameters<MessageCounts['each']>[0]): void {
    this.messages.each(visit);
  }
}
