import type { Ipv4 } from '../../../codec/ipv4.ts';
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { Datagram, parseDatagram } from '../../../codec/link/datagram.ts';
import type { Millis } from '../../../codec/machine.ts';
import * as H from '../../../codec/v4/header.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { ServerConfig } from '../../../crds/types/serverconfig.ts';
import type { HashKey } from '../lease/siphash.ts';
import type { LeaseTable, Ticket } from '../lease.ts';
import type { RelayLink } from '../relay/links.ts';
import { CHECKSUM_VOUCHED, PACKET_TYPE, SLOT } from '../ring.ts';
import type { ReplyArena } from './arena.ts';
import { Circuits } from './circuits.ts';
import { Clones } from './clones.ts';
import { Delivery } from './destination.ts';
import { bootp, discover } from './discover.ts';
import type { ServerDrop, Unanswered } from './drops.ts';
import { type Explanation, explainRequest } from './explain.ts';
import { askForServers, noticeAnswer } from './foreign.ts';
import { endOffers } from './hold.ts';
import { identify } from './identity.ts';
import { inform } from './inform.ts';
import { leaseQuery } from './leasequery.ts';
import { Limits } from './limits.ts';
import { planLinks, type ServerLinks } from './links.ts';
import { locate } from './locate.ts';
import type { ProbePort, ServerObserver } from './observer.ts';
import { type Offer, Offers } from './offers.ts';
import { ServerPlan } from './plan.ts';
import { Probes, type Waiting } from './probes.ts';
import { probeClear, probeTaken, takeUp } from './probing.ts';
import { PROXY_PORT } from './proxy.ts';
import { recall } from './recall.ts';
import { leave, takeBack } from './record.ts';
import { Reply } from './reply.ts';
import { Request } from './request.ts';
import { request as answerRequest } from './select.ts';
import { Choice, Client, type ServerState } from './state.ts';
import { decline, release } from './surrender.ts';

/** What a server core is made of. */
export interface ServerParts {
  readonly config: ServerConfig;
  readonly links: readonly RelayLink[];
  readonly leases: LeaseTable;
  readonly arena: ReplyArena;
  readonly observer: ServerObserver;
  readonly port: ProbePort;
  /** Random, so that nobody can aim at another client's entries. */
  readonly keys: readonly [HashKey, HashKey];
  readonly epoch: number;
}

/** How many leases end at a time, so that a million that end together do not hold up answers. */
const EXPIRE_BATCH = 1000;

/**
 * A DHCP server without a socket, a disk or a clock. Requests lie in the ring they were received in; replies are written
 * into an arena and leave from there, those that speak of a new lease when `durable` says that it is on disk.
 *
 *     receive ► read ► limits ► locate ► discover | request | decline | release | inform | bootp | leaseQuery
 *                                            │                                                      │
 *                                    probe ◄─┴─► probeAnswered, tick            leases.put ► durable ► reply
 */
export class ServerCore {
  private readonly state: ServerState;
  private readonly limits = new Limits();
  private readonly datagram = new Datagram();
  private linkFacts: readonly RelayLink[];
  /** While true, new clients are left to try again later. */
  overloaded = false;

  constructor(parts: ServerParts) {
    const { config, leases, arena, observer, port, keys, epoch } = parts;
    const plan = new ServerPlan(config, leases, null);
    this.linkFacts = parts.links;
    this.limits.configure(config.limits);
    this.state = {
      plan,
      links: planLinks(plan, parts.links),
      leases,
      arena,
      observer,
      port,
      epoch,
      offers: new Offers(),
      probes: new Probes(),
      clones: new Clones(),
      circuits: new Circuits(),
      withheld: new Set(),
      request: new Request(keys),
      client: new Client(),
      choice: new Choice(),
      reply: new Reply(),
      delivery: new Delivery(),
      trace: null,
      refusedUntil: 0,
      attempts: 0,
    };
    this.state.circuits.configure(config.limits.leasesPerCircuit, leases);
  }

  get plan(): ServerPlan {
    return this.state.plan;
  }

  get links(): ServerLinks {
    return this.state.links;
  }

  /** Addresses that are held for clients which have yet to ask for them. */
  get offers(): Iterable<Pick<Offer, 'address'>> {
    return this.state.offers.all();
  }

  /** Takes another configuration between two messages; leases, offers and probes stay. */
  configure(config: ServerConfig): void {
    const { state } = this;
    const plan = new ServerPlan(config, state.leases, state.plan);
    for (const { address } of state.offers.all()) plan.take(address);
    state.plan = plan;
    this.limits.configure(config.limits);
    state.circuits.configure(config.limits.leasesPerCircuit, state.leases);
    this.linksChanged(this.linkFacts);
  }

  /** Interfaces or addresses have changed. */
  linksChanged(links: readonly RelayLink[]): void {
    const { state } = this;
    this.linkFacts = links;
    state.links = planLinks(state.plan, links);
    for (const address of state.withheld) {
      if (state.links.own.has(address)) continue;
      state.withheld.delete(address);
      if (state.leases.stateOf(address) === 'free') state.plan.freed(address);
    }
  }

  /**
   * Takes the packet that `meta` (words from `word` on) describes; it starts with its IP header. Returns why there is no
   * answer, or null when it was dealt with. `arena.mustFlush` has to be false.
   */
  receive(now: Millis, ring: Buffer, meta: Uint32Array, word: number): ServerDrop | null {
    const drop = this.take(now, ring, meta, word);
    if (drop === null || drop === 'putAside') return null;
    this.state.observer.drop(drop);
    return drop;
  }

  /** Leases up to this ticket are on disk: their replies are queued. False when there is more than the outboxes hold. */
  durable(ticket: Ticket): boolean {
    return this.state.arena.release(ticket);
  }

  /**
   * Leases up to this ticket that are not on disk never will be: these addresses have the record again that they had
   * before. Nobody was told of them, and nobody will be.
   */
  failed(ticket: Ticket, addresses: readonly Ipv4[]): void {
    const { state } = this;
    state.arena.abandon(ticket);
    for (const address of addresses) takeBack(state, address);
  }

  /** Whether leases can be written. While they cannot, renewals are honoured for what is left, and nothing new is given. */
  set writable(writable: boolean) {
    this.state.refusedUntil = writable ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Somebody answered for an address, by ARP (with its hardware address) or ICMP. */
  probeAnswered(now: Millis, address: Ipv4, hardwareAddress: Uint8Array | null): void {
    const { state } = this;
    this.resume(probeTaken(state, address, hardwareAddress, now), now, 1);
  }

  /** When `tick` is next wanted. */
  deadline(): Millis | null {
    const { probes, offers, leases, plan } = this.state;
    const first = Math.min(
      probes.deadline() ?? Number.POSITIVE_INFINITY,
      offers.oldest()?.expires ?? Number.POSITIVE_INFINITY,
      leases.nextExpiry() ?? Number.POSITIVE_INFINITY,
      plan.quarantineEnd(),
    );
    return first === Number.POSITIVE_INFINITY ? null : first;
  }

  /** Does what time alone brings about; again at once if `deadline` is still in the past. */
  tick(now: Millis): void {
    const { state } = this;
    endOffers(state, now);
    state.plan.endQuarantines(now, state.leases, state.offers);
    for (const lease of state.leases.expire(now, EXPIRE_BATCH)) {
      state.circuits.note(lease);
      state.plan.left(lease.address, lease.expires);
      state.observer.lease(lease);
    }
    while (!state.arena.mustFlush) {
      const address = state.probes.due(now);
      if (address === null) break;
      this.resume(probeClear(state, address, now), now, 0);
    }
  }

  /** Broadcasts a DHCPDISCOVER on every link that is served, to see who else answers. */
  askForServers(xid: number): void {
    const { state } = this;
    for (const link of state.links.byIndex.values()) {
      if (link.served && !state.arena.mustFlush) askForServers(state, link, xid);
    }
  }

  /**
   * Takes an address back as if its client had released it, or ends its quarantine after a DHCPDECLINE; false when it is
   * in neither state.
   */
  release(now: Millis, address: Ipv4): boolean {
    const { state } = this;
    const lease = state.leases.get(address);
    if (lease?.state !== 'bound' && lease?.state !== 'declined') return false;
    leave(state, lease, now);
    return true;
  }

  /** What would be done with a request now, and why; nothing is changed, kept or sent. */
  explain(now: Millis, message: Uint8Array, ifindex: number): Explanation {
    return explainRequest(this.state, now, message, ifindex);
  }

  private take(now: Millis, ring: Buffer, meta: Uint32Array, word: number): Unanswered | null {
    const type = meta[word + SLOT.PACKET_TYPE]!;
    if (type === PACKET_TYPE.OTHER_HOST) return 'otherHost';
    if (type === PACKET_TYPE.OUTGOING) return 'ownOutput';
    const start = meta[word + SLOT.START]!;
    const end = start + meta[word + SLOT.LENGTH]!;
    const vouched = (meta[word + SLOT.STATUS]! & CHECKSUM_VOUCHED) !== 0;
    const { datagram } = this;
    const fault = parseDatagram(datagram, ring, start, end, vouched);
    if (fault !== null) return fault;

    const { request, links, plan } = this.state;
    const { destination } = datagram;
    const ifindex = meta[word + SLOT.IFINDEX]!;
    const unicast = destination !== LIMITED_BROADCAST && !links.broadcasts.has(destination);
    if (unicast && !links.own.has(destination)) return 'notForUs';
    if (datagram.destinationPort === PROXY_PORT && !plan.config.proxyDhcp) return 'noProxy';
    if (request.view.over(ring, datagram.payloadAt, datagram.end) !== null) return 'short';
    request.now = now;
    request.ifindex = ifindex;
    request.link = links.byIndex.get(ifindex) ?? null;
    if (datagram.destinationPort === H.CLIENT_PORT) {
      noticeAnswer(this.state, datagram);
      return 'toClient';
    }
    request.source = datagram.source;
    request.sourcePort = datagram.sourcePort;
    request.destination = destination;
    request.destinationPort = datagram.destinationPort;
    request.unicast = unicast;
    request.senderLength = meta[word + SLOT.HARDWARE_LENGTH]!;
    request.senderHigh = meta[word + SLOT.HARDWARE_HIGH]!;
    request.senderLow = meta[word + SLOT.HARDWARE_LOW]!;
    return this.accept();
  }

  private accept(): Unanswered | null {
    const { state } = this;
    const { request } = state;
    const { view, link } = request;
    if (view.op !== H.BOOTREQUEST) return 'badOp';
    if (!request.unicast && link?.served !== true) return 'notServed';
    view.scan();
    if (!request.read()) return 'malformedOptions';
    if (view.hlen > H.CHADDR_LENGTH) return 'badHardwareLength';
    // RFC 4390 §2.1: what has no hardware address, as on InfiniBand, must have an identifier. A query has either.
    const anonymous = view.hlen === 0 && request.clientIdLength === 0;
    if (anonymous && request.type !== H.DHCPLEASEQUERY) return 'badHardwareLength';
    if (this.isHeardTwice()) return 'heardTwice';
    const limit = this.limits.take(request);
    if (limit !== null) return limit;
    if (this.overloaded && request.type === H.DHCPDISCOVER) return 'overload';
    state.observer.request(link?.name ?? '', request.type);
    state.attempts = 0;
    identify(state);
    return this.dispatch();
  }

  // A relay on this node, on a link where we answer as well, brings what we have heard from the client itself.
  private isHeardTwice(): boolean {
    const { request, links } = this.state;
    const { giaddr, type } = request;
    if (giaddr === UNSPECIFIED || !links.own.has(giaddr) || type === H.DHCPLEASEQUERY) return false;
    const place = request.subAddress(SUB_OPTION.linkSelection);
    return links.answered.has(place === UNSPECIFIED ? giaddr : place);
  }

  private dispatch(): Unanswered | null {
    const { state } = this;
    const { type } = state.request;
    if (type === H.DHCPLEASEQUERY) return leaseQuery(state);
    recall(state);
    const drop = locate(state);
    if (drop !== null) return drop;
    switch (type) {
      case 0:
        return bootp(state);
      case H.DHCPDISCOVER:
        return discover(state);
      case H.DHCPREQUEST:
        return answerRequest(state);
      case H.DHCPDECLINE:
        return decline(state);
      case H.DHCPRELEASE:
        return release(state);
      case H.DHCPINFORM:
        return inform(state);
      default:
        return 'badType';
    }
  }

  private resume(waiting: Waiting | null, now: Millis, failed: number): void {
    const { state } = this;
    if (waiting === null || !takeUp(state, waiting, now)) return;
    state.attempts = waiting.attempts + failed;
    const drop = this.dispatch();
    if (drop !== null && drop !== 'putAside') state.observer.drop(drop);
  }
}
