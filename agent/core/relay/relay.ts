import { contains, type Ipv4, LIMITED_BROADCAST, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { Datagram, parseDatagram } from '../../../codec/link/datagram.ts';
import type { Millis } from '../../../codec/machine.ts';
import {
  BOOTREPLY,
  BOOTREQUEST,
  CLIENT_PORT,
  DHCPNAK,
  MESSAGE_LENGTH_MIN,
  SERVER_PORT,
} from '../../../codec/v4/header.ts';
import { MessageView } from '../../../codec/v4/view.ts';
import { hashBytes, RateLimit } from '../limit.ts';
import type { Outbox } from '../outbox.ts';
import { CHECKSUM_VOUCHED, PACKET_TYPE, SLOT } from '../ring.ts';
import { hardwareWord, isStation } from '../station.ts';
import type { RelayDrop } from './drops.ts';
import {
  holdsSubOption,
  type Information,
  stripInformation,
  virtualSubnetIgnored,
} from './information.ts';
import { Pending } from './pending.ts';
import type { RelayPlan, ServedLink } from './plan.ts';

/** A client behind a broken driver may repeat itself at once; this many requests in a row are no attack. */
const CLIENT_BURST = 10;
const CLIENT_IDENTIFIER = 61;
/** Half a megabyte; two clients in 65,536 share a bucket. */
const CLIENT_BUCKETS = 1 << 16;
/** More than a relay has in flight at 100,000 requests a second answered within half a second; 1.5 MB. */
const PENDING_SLOTS = 1 << 16;

/** Settings that a relay has apart from its links. */
export interface RelaySettings {
  readonly maxHops: number;
  readonly maxMessageSize: number;
  readonly sourcePort: number;
  readonly rateLimit: { readonly perClient: number; readonly perInterface: number };
}

/** What a relay tells besides the packets it sends. */
export interface RelayObserver {
  /** A request goes up; `type` is option 53, or 0 for BOOTP. */
  request(link: ServedLink, type: number): void;
  /** A reply goes down; `age` is the time since its request in ms, or -1. */
  reply(link: ServedLink, type: number, server: Ipv4, age: Millis): void;
  /** Option 82 did not fit, and the request goes without (RFC 3046 §2.1). */
  informationOmitted(link: ServedLink): void;
}

/**
 * Requests up, replies down. A message is edited in the ring it was received in and leaves from there; nothing is
 * allocated for a packet. What it does is pushed to two outboxes: `up` is routed, `down` goes out on the client's link.
 *
 *     client ── broadcast ──► link ► receive ► request ► up ──► servers
 *     client ◄─ chaddr ────── link ◄ deliver ◄ reply ◄ receive ◄── server, to giaddr
 */
export class Relay {
  plan: RelayPlan;
  private settings: RelaySettings;
  private readonly up: Outbox;
  private readonly down: Outbox;
  private readonly observer: RelayObserver;
  private readonly hashSeed: number;
  private readonly pending = new Pending(PENDING_SLOTS);
  private readonly datagram = new Datagram();
  private readonly view = new MessageView();
  private clientLimit: RateLimit | null = null;
  private interfaceLimit: RateLimit | null = null;
  private room = 0;

  /** `hashSeed` is random, so that nobody can aim at another's bucket. */
  constructor(parts: {
    readonly plan: RelayPlan;
    readonly settings: RelaySettings;
    readonly up: Outbox;
    readonly down: Outbox;
    readonly observer: RelayObserver;
    readonly hashSeed: number;
  }) {
    this.plan = parts.plan;
    this.up = parts.up;
    this.down = parts.down;
    this.down.headersBefore = true;
    this.observer = parts.observer;
    this.hashSeed = parts.hashSeed;
    this.settings = parts.settings;
    this.configure(parts.settings);
  }

  /** Takes new settings; what is pending stays. */
  configure(settings: RelaySettings): void {
    const { perClient, perInterface } = settings.rateLimit;
    const old = this.settings.rateLimit;
    if (this.clientLimit === null || perClient !== old.perClient) {
      const burst = Math.max(CLIENT_BURST, perClient);
      this.clientLimit = perClient === 0 ? null : new RateLimit(perClient, burst, CLIENT_BUCKETS);
    }
    if (this.interfaceLimit === null || perInterface !== old.perInterface) {
      // Bursts of a tenth of a second: a rack that powers up together is spread by its clients' own back-off.
      const burst = Math.max(64, perInterface / 10);
      this.interfaceLimit = perInterface === 0 ? null : new RateLimit(perInterface, burst, 4096);
    }
    this.settings = settings;
  }

  /**
   * Takes the packet that `meta` (words from `word` on) describes; it starts with its IP header and may be edited up
   * to `slotEnd`. Returns why it went no further, or null when it did.
   */
  receive(
    now: Millis,
    ring: Buffer,
    meta: Uint32Array,
    word: number,
    slotEnd: number,
  ): RelayDrop | null {
    const ifindex = meta[word + SLOT.IFINDEX]!;
    const type = meta[word + SLOT.PACKET_TYPE]!;
    if (type === PACKET_TYPE.OTHER_HOST) return 'otherHost';
    if (type === PACKET_TYPE.OUTGOING) return 'ownOutput';

    const start = meta[word + SLOT.START]!;
    const vouched = (meta[word + SLOT.STATUS]! & CHECKSUM_VOUCHED) !== 0;
    const end = start + meta[word + SLOT.LENGTH]!;
    const fault = parseDatagram(this.datagram, ring, start, end, vouched);
    if (fault !== null) return fault;
    if (!this.isForUs(this.datagram.destination, ifindex)) return 'notForUs';

    const { view } = this;
    if (view.over(ring, this.datagram.payloadAt, this.datagram.end) !== null) return 'short';
    view.scan();
    this.room = slotEnd - view.start;
    if (view.op === BOOTREQUEST) return this.request(now, ifindex);
    return view.op === BOOTREPLY ? this.reply(now) : 'badOp';
  }

  // Client to server: RFC 1542 §4.1.1 for the header, RFC 3046 §2.1 for option 82.
  private request(now: Millis, ifindex: number): RelayDrop | null {
    const { view, settings, plan } = this;
    const link = plan.served.get(ifindex);
    if (link === undefined) return 'notServed';
    const there = this.alreadyThere();
    if (there !== null) return there;
    if (view.hasCookie && view.optionsFault === 'truncated') return 'malformedOptions';
    if (view.hops >= settings.maxHops) return 'tooManyHops';
    const client = this.clientHash();
    if (this.interfaceLimit !== null && !this.interfaceLimit.take(now, ifindex)) {
      return 'interfaceRate';
    }
    if (this.clientLimit !== null && !this.clientLimit.take(now, this.rateHash(client))) {
      return 'clientRate';
    }
    const servers = this.serversFor(link);
    if (typeof servers === 'string') return servers;

    const first = view.giaddr === UNSPECIFIED;
    // RFC 3046 §2.1.1: a request that already carries an address of ours did not come through us.
    if (!first && plan.ownAddresses.has(view.giaddr)) return 'spoofedGiaddr';
    const drop = this.informRequest(link, first);
    if (drop !== null) return drop;

    view.hops = view.hops + 1;
    // RFC 1542 §4.1.1: set only when zero, never modified.
    if (first) {
      view.giaddr = link.giaddr;
      this.pending.note(now, view.xid, client, ifindex);
    }
    view.padTo(MESSAGE_LENGTH_MIN, this.room);
    this.up.headersBefore = servers.length === 1;
    for (const server of servers) {
      this.up.route(link.giaddr, settings.sourcePort, server, SERVER_PORT, view.start, view.end);
    }
    this.observer.request(link, view.messageType);
    return null;
  }

  private alreadyThere(): RelayDrop | null {
    // What we sent ourselves comes back where links are looped or mirrored.
    if (this.plan.ownAddresses.has(this.datagram.source)) return 'ownOutput';
    // A renewal (RFC 2131 §4.3.2) to the server beside us: relayed as well it would be answered twice.
    return this.plan.servers.has(this.datagram.destination) ? 'serverHere' : null;
  }

  // A renewal to our address, which the client takes for the server's (RFC 5107), or what another relay sends there: a
  // server on this node hears it by itself, and should answer it once.
  private serversFor(link: ServedLink): readonly Ipv4[] | RelayDrop {
    if (link.servers.length === 0) return 'noUpstream';
    const servers = this.isUnicast(link.link.index) ? link.elsewhere : link.servers;
    return servers.length === 0 ? 'serverHere' : servers;
  }

  private informRequest(link: ServedLink, first: boolean): RelayDrop | null {
    const { view } = this;
    if (!view.hasCookie) return null;
    if (view.relayInformationAt < 0) {
      // RFC 3046 §2.1.1: a relay that is not the first adds nothing.
      if (first && link.information !== null) this.append(link, link.information);
      return null;
    }
    // RFC 3046 §2.1: without a giaddr only a client, or a switch that is trusted, can have put it there.
    if (first && !link.trusted) return 'untrustedRelayInformation';
    switch (link.existing) {
      case 'Forward':
        return null;
      case 'Discard':
        return 'existingRelayInformation';
      case 'Replace':
        while (view.relayInformationAt >= 0) view.remove(view.relayInformationAt);
        break;
      case 'Append':
    }
    if (link.information !== null) this.append(link, link.information);
    return null;
  }

  private append(link: ServedLink, information: Information): void {
    const unicast = this.isUnicast(link.link.index);
    const option = unicast ? information.unicast : information.broadcast;
    const limit = Math.min(this.settings.maxMessageSize, this.room);
    if (!this.view.append(option, limit)) this.observer.informationOmitted(link);
  }

  // Server to client: RFC 1542 §4.1.2 and RFC 2131 §4.1. `hops` in a reply means nothing and is not looked at.
  private reply(now: Millis): RelayDrop | null {
    const { view, plan, datagram } = this;
    if (!this.isServer(datagram.source)) return 'notFromServer';
    const candidates = plan.byGiaddr.get(view.giaddr);
    if (candidates === undefined) return 'giaddrNotOurs';
    if (view.hasCookie && view.optionsFault === 'truncated') return 'malformedOptions';
    const client = this.clientHash();
    const link = this.linkOfReply(now, candidates, client);
    if (typeof link === 'string') return link;

    if (link.information !== null && view.relayInformationAt >= 0) {
      const at = view.relayInformationAt;
      if (link.information.virtualSubnet && virtualSubnetIgnored(view.bytes, at)) {
        return 'virtualSubnetNotUnderstood';
      }
      stripInformation(view, link.information, link.trusted && link.existing === 'Append');
    }
    view.padTo(MESSAGE_LENGTH_MIN, this.room);
    this.deliver(link);
    const age = this.pending.ageOf(now, view.xid, client);
    this.observer.reply(link, view.messageType, datagram.source, age);
    return null;
  }

  // One link per giaddr is the rule. Where several share one, option 82 tells; if the server did not echo it, the
  // request that is pending does; and if that is not known either, nobody guesses.
  private linkOfReply(
    now: Millis,
    candidates: readonly ServedLink[],
    client: number,
  ): ServedLink | RelayDrop {
    if (candidates.length === 1) return candidates[0]!;
    const at = this.view.relayInformationAt;
    if (at >= 0) {
      for (const link of candidates) {
        const circuit = link.information?.circuit;
        if (circuit !== undefined && holdsSubOption(this.view.bytes, at, circuit)) return link;
      }
    }
    const ifindex = this.pending.linkOf(now, this.view.xid, client);
    if (ifindex === 0) return 'ambiguousLink';
    return candidates.find((link) => link.link.index === ifindex) ?? 'linkGone';
  }

  // RFC 2131 §4.1: the BROADCAST bit means link-layer and IP broadcast; else unicast to the new address at chaddr,
  // which needs no ARP. A DHCPACK to an INFORM has only ciaddr, a NAK neither.
  private deliver(link: ServedLink): void {
    const { view, down } = this;
    const address = view.yiaddr === UNSPECIFIED ? view.ciaddr : view.yiaddr;
    const length = view.chaddrLength;
    const unicast =
      !view.broadcastFlag &&
      view.messageType !== DHCPNAK &&
      address !== UNSPECIFIED &&
      length === link.link.hardwareAddress.length &&
      length <= 8 &&
      isStation(view.bytes, view.chaddrAt, length);
    const ifindex = link.link.index;
    if (unicast) {
      const high = hardwareWord(view.bytes, view.chaddrAt, length);
      const low = hardwareWord(view.bytes, view.chaddrAt + 4, length - 4);
      down.link(
        ifindex,
        length,
        high,
        low,
        link.source,
        SERVER_PORT,
        address,
        CLIENT_PORT,
        view.start,
        view.end,
      );
    } else {
      // An interface without link-layer addresses takes none; 0xff for every octet is the rest's broadcast.
      const own = Math.min(link.link.hardwareAddress.length, 8);
      const ones = 0xffffffff;
      down.link(
        ifindex,
        own,
        ones,
        ones,
        link.source,
        SERVER_PORT,
        LIMITED_BROADCAST,
        CLIENT_PORT,
        view.start,
        view.end,
      );
    }
  }

  private isServer(source: Ipv4): boolean {
    const { servers, replySources } = this.plan;
    return servers.has(source) || replySources.some((network) => contains(network, source));
  }

  // Broadcasts and what is sent to an address of this node. The rest is routed through and none of our business.
  private isForUs(destination: Ipv4, ifindex: number): boolean {
    return (
      destination === LIMITED_BROADCAST ||
      this.plan.ownAddresses.has(destination) ||
      this.plan.broadcasts.get(ifindex)?.has(destination) === true
    );
  }

  private isUnicast(ifindex: number): boolean {
    const { destination } = this.datagram;
    return (
      destination !== LIMITED_BROADCAST &&
      this.plan.broadcasts.get(ifindex)?.has(destination) !== true
    );
  }

  // RFC 4390 §2.1: who has no hardware address, as on InfiniBand, has an identifier.
  private rateHash(client: number): number {
    const { view } = this;
    const at = view.hlen === 0 && view.hasCookie ? view.at(CLIENT_IDENTIFIER) : -1;
    return at < 0 ? client : hashBytes(view.bytes, at + 2, view.bytes[at + 1]!, this.hashSeed);
  }

  private clientHash(): number {
    return hashBytes(this.view.bytes, this.view.chaddrAt, 16, this.hashSeed);
  }
}
