import { formatIpv4, type Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { MessageCounts } from '../messagecounts.ts';
import type { RelayDrop } from './drops.ts';
import type { ServedLink } from './plan.ts';
import type { RelayObserver } from './relay.ts';

/** Upper bounds of the round-trip histogram in ms: from a server in the same rack to one that is giving up. */
export const ROUND_TRIP_BOUNDS: readonly Millis[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
];

/**
 * Servers whose round trips are kept. What a name stands for moves on over months, and anything may pretend to answer from
 * one of `replySources`; the one that began to answer first goes first.
 */
const SERVERS_MAX = 64;

/** Times between a request and a server's answer to it. */
export interface RoundTrips {
  /** One more than the bounds: the last is for everything above. */
  readonly counts: Float64Array;
  sum: Millis;
}

/** What a relay has done, counted without allocating anything for a packet. Totals since the start. */
export class RelayCounters implements RelayObserver {
  readonly drops = new Map<RelayDrop, number>();
  /** By errno name of a failed transmission. */
  readonly sendErrors = new Map<string, number>();
  informationsOmitted = 0;
  private readonly messages = new MessageCounts();
  private readonly roundTrips = new Map<Ipv4, RoundTrips>();

  request(link: ServedLink, type: number): void {
    this.messages.request(link.link.name, type);
  }

  reply(link: ServedLink, type: number, server: Ipv4, age: Millis): void {
    this.messages.reply(link.link.name, type);
    if (age < 0) return;
    let trips = this.roundTrips.get(server);
    if (trips === undefined) {
      this.makeRoom();
      trips = { counts: new Float64Array(ROUND_TRIP_BOUNDS.length + 1), sum: 0 };
      this.roundTrips.set(server, trips);
    }
    let bucket = 0;
    while (bucket < ROUND_TRIP_BOUNDS.length && age > ROUND_TRIP_BOUNDS[bucket]!) bucket++;
    trips.counts[bucket]!++;
    trips.sum += age;
  }

  informationOmitted(): void {
    this.informationsOmitted++;
  }

  drop(reason: RelayDrop): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
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

  /** Calls back for each server that has answered. */
  eachRoundTrip(visit: (server: string, trips: RoundTrips) => void): void {
    for (const [server, trips] of this.roundTrips) visit(formatIpv4(server), trips);
  }

  private makeRoom(): void {
    const [first] = this.roundTrips.keys();
    if (first !== undefined && this.roundTrips.size >= SERVERS_MAX) this.roundTrips.delete(first);
  }
}
