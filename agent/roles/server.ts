import type { Logger } from 'pino';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { dhcpFilter } from '../../codec/link/bpf.ts';
import { HEADERS_LENGTH } from '../../codec/link/datagram.ts';
import { type Millis, TIMER_MAX } from '../../codec/machine.ts';
import { CLIENT_PORT, SERVER_PORT } from '../../codec/v4/header.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import type { Lease, Ticket } from '../core/lease.ts';
import { Outbox } from '../core/outbox.ts';
import { relayLinks } from '../core/relay/links.ts';
import { SLOT } from '../core/ring.ts';
import { arenaBytes, ReplyArena } from '../core/server/arena.ts';
import { isDiscover } from '../core/server/backlog.ts';
import { ServerCore } from '../core/server/core.ts';
import type { Explanation } from '../core/server/explain.ts';
import type { ServerLinks } from '../core/server/links.ts';
import { PROXY_PORT } from '../core/server/proxy.ts';
import { type Question, questionMessage } from '../core/server/question.ts';
import type { LinkState } from '../net/links.ts';
import { errnoName, PacketSocket, type PacketStatistics } from '../net/packet.ts';
import { Pinger } from '../net/ping.ts';
import { ArpProber } from '../net/probe.ts';
import { type HeldPort, holdPort, RawIpSocket } from '../net/rawip.ts';
import { countSendErrors } from './senderrors.ts';
import type { ServerStore } from './server/durability.ts';
import { ServerEvents } from './server/events.ts';
import { type SubnetUse, servedLinks, subnetUse } from './server/status.ts';

const ETHERTYPE_IPV4 = 0x0800;
/** As many as are read at once under load; each may have one reply. */
const BATCH = 256;
/** What may come while we are busy: 4 MiB. */
const SLOTS = 2048;
/** Room for the largest message of an Ethernet frame. */
const SLOT_BYTES = 2048;
/** Replies to a batch, and as many that timers bring about. */
const IMMEDIATE = 2 * BATCH;
/** Replies that wait for the disk: at 80,000 leases a second, 50 ms of it. 6 MB. */
const HELD = 4096;
/** What is sent in one call. */
const OUTBOX = 1024;
/** How often the kernel is asked whether it had to drop packets, while there is a backlog. */
const BACKLOG_CHECK: Millis = 100;

/** What a server needs from the agent around it. */
export interface ServerRoleParts {
  readonly config: ServerConfig;
  readonly links: readonly LinkState[];
  readonly log: Logger;
  readonly store: ServerStore;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** The fencing number that leases are written with; 0 where there is only one server. */
  readonly epoch?: number;
  /** Asked before anything is read or sent: false when another agent may serve in its place. */
  readonly mayAnswer?: () => boolean;
  /** Is told of every lease that changes; the object is only good until it returns. */
  readonly onLease?: (lease: Lease) => void;
}

/** One DhcpServer at work: its sockets, its store and its timer around its core. */
export class ServerRole {
  readonly counters: ServerEvents;
  private config: ServerConfig;
  private readonly log: Logger;
  private readonly store: ServerStore;
  private readonly mayAnswer: () => boolean;
  private readonly random: () => number;
  private readonly packets: PacketSocket;
  private readonly routed: RawIpSocket;
  private readonly arena: ReplyArena;
  private readonly core: ServerCore;
  private readonly pinger: Pinger;
  private arp: ArpProber | null = null;
  private heldPorts: readonly HeldPort[];
  private readonly listening: readonly (() => void)[];
  private timer: NodeJS.Timeout | undefined;
  private timerAt: Millis = Number.POSITIVE_INFINITY;
  private foreignTimer: NodeJS.Timeout | undefined;
  private checkedAt: Millis = 0;
  private dropped = 0;
  private said = '';

  /** Opens the sockets and answers from then on; throws SystemError when they cannot be had. */
  constructor(parts: ServerRoleParts) {
    this.config = parts.config;
    this.store = parts.store;
    this.random = parts.random;
    this.mayAnswer = parts.mayAnswer ?? (() => true);
    this.log = parts.log.child({ server: parts.config.name });
    this.counters = new ServerEvents(this.log, () => this.store.now(), parts.onLease ?? (() => {}));
    this.routed = RawIpSocket.open();
    const arenaSize = arenaBytes(IMMEDIATE, HELD);
    this.packets = PacketSocket.open({
      protocol: ETHERTYPE_IPV4,
      cooked: true,
      // What others answer goes to clients.
      filter: dhcpFilter([SERVER_PORT, PROXY_PORT, CLIENT_PORT]),
      slots: SLOTS,
      slotBytes: SLOT_BYTES,
      headroom: 0,
      batch: BATCH,
      scratchBytes: arenaSize + 2 * OUTBOX * HEADERS_LENGTH,
      onBatch: (count) => this.batch(count),
    });
    const { ring, scratchAt } = this.packets;
    const headersAt = scratchAt + arenaSize;
    this.arena = new ReplyArena({
      bytes: ring,
      at: scratchAt,
      immediate: IMMEDIATE,
      held: HELD,
      routed: new Outbox(ring, headersAt, OUTBOX),
      link: new Outbox(ring, headersAt + OUTBOX * HEADERS_LENGTH, OUTBOX),
    });
    const secret = (): number => Math.floor(this.random() * 0x100000000);
    this.core = new ServerCore({
      config: parts.config,
      links: relayLinks(parts.links),
      leases: this.store.leases,
      arena: this.arena,
      observer: this.counters,
      port: {
        arp: (ifindex, address) => this.probe(ifindex, address),
        icmp: (address) => this.pinger.ping(address),
      },
      keys: [
        { low: secret(), high: secret() },
        { low: secret(), high: secret() },
      ],
      epoch: parts.epoch ?? 0,
    });
    this.pinger = new Pinger({
      identifier: secret() & 0xffff,
      onReply: (address) => this.answered(address, null),
      onError: (error) => this.log.warn({ err: error }, 'ICMP probes do not work'),
    });
    this.core.writable = this.store.state.kind === 'ready';
    this.listening = this.listen();
    this.heldPorts = this.hold();
    this.watchForOthers();
    this.arm();
    this.tell();
  }

  /** Takes another configuration between two packets; leases, offers and probes stay. */
  reconfigure(config: ServerConfig): void {
    const { proxyDhcp } = this.config;
    this.config = config;
    this.core.configure(config);
    if (config.proxyDhcp !== proxyDhcp) {
      for (const port of this.heldPorts) port.close();
      this.heldPorts = this.hold();
    }
    this.watchForOthers();
    this.arm();
    this.tell();
  }

  linksChanged(links: readonly LinkState[]): void {
    this.core.linksChanged(relayLinks(links));
    this.counters.keepInterfaces(new Set(links.map(({ name }) => name)));
    this.tell();
  }

  /** What keeps it from serving, in words; empty when nothing does. */
  notReady(): string[] {
    const { state } = this.store;
    if (state.kind === 'degraded') {
      return [`DhcpServer ${this.config.name} cannot write leases: ${state.reason}`];
    }
    const unreached = this.unreached();
    return unreached === null ? [] : [unreached];
  }

  /** Why no link is served, where some should be. */
  private unreached(): string | null {
    const { links } = this.core;
    if (this.config.interfaces.length === 0 || servedLinks(links).length > 0) return null;
    const reasons = links.unserved.map(({ name, reason }) => `${name} is ${reason}`);
    const why = reasons.length === 0 ? 'no interface matches' : reasons.join(', ');
    return `DhcpServer ${this.config.name} serves no interface: ${why}`;
  }

  /** What it does, for people. */
  status(): object {
    return {
      name: this.config.name,
      served: servedLinks(this.core.links),
      unserved: this.core.links.unserved,
      subnets: this.use(),
      foreignServers: this.foreignServers(),
      waiting: this.waiting,
    };
  }

  /** Other servers that it has heard. */
  foreignServers(): string[] {
    return [...this.counters.foreignServers.keys()].map(formatIpv4);
  }

  /** Its own addresses on the interfaces that it serves. */
  addresses(): string[] {
    return servedLinks(this.core.links).map(({ address }) => address);
  }

  /** How full its subnets are. */
  use(): SubnetUse[] {
    return subnetUse(this.core.plan, this.store.leases, this.core.offers);
  }

  /** How many replies are held back until their lease is durable. */
  get waiting(): number {
    return this.arena.waiting;
  }

  statistics(): PacketStatistics {
    return this.packets.statistics();
  }

  /** What a client would be told, step by step, and why. `ifindex` is the interface it would come in on, 0 for a relay's. */
  explain(question: Question, ifindex: number): Explanation {
    return this.core.explain(this.store.now(), questionMessage(question), ifindex);
  }

  /** The interfaces of this node, as far as it cares. */
  get links(): ServerLinks {
    return this.core.links;
  }

  /** As `ServerCore.release`. */
  release(address: Ipv4): boolean {
    return this.core.release(this.store.now(), address);
  }

  /** Stops answering. Leases that were written are kept; replies that wait for the disk are not sent any more. */
  stop(): void {
    clearTimeout(this.timer);
    clearInterval(this.foreignTimer);
    for (const stop of this.listening) stop();
    this.packets.close();
    this.routed.close();
    this.arp?.close();
    this.pinger.close();
    for (const port of this.heldPorts) port.close();
  }

  private batch(count: number): void {
    if (this.isFenced(count)) return;
    const now = this.store.now();
    if (count === BATCH) {
      this.checkBacklog(now);
      // Clients that have something to lose go first; new ones try again anyway.
      this.receive(now, count, false);
      this.receive(now, count, true);
    } else {
      this.core.overloaded = false;
      this.receive(now, count, null);
    }
    this.flush();
    this.arm();
  }

  private receive(now: Millis, count: number, discovers: boolean | null): void {
    const { ring, slotMeta } = this.packets;
    for (let word = 0; word < count * SLOT.WORDS; word += SLOT.WORDS) {
      if (discovers !== null && isDiscover(ring, slotMeta, word) !== discovers) continue;
      if (this.arena.mustFlush) this.flush();
      this.core.receive(now, ring, slotMeta, word);
    }
  }

  // More than we can do shows in what the kernel drops. It drops anything; we rather turn away who comes anew.
  private checkBacklog(now: Millis): void {
    if (now - this.checkedAt < BACKLOG_CHECK) return;
    this.checkedAt = now;
    const { dropped } = this.packets.statistics();
    this.core.overloaded = dropped > this.dropped;
    this.dropped = dropped;
  }

  private listen(): readonly (() => void)[] {
    const { store, core } = this;
    return [
      store.onDurable((ticket) => this.durable(ticket)),
      store.onFailed((ticket, addresses) => core.failed(ticket, addresses)),
      store.onState((state) => {
        core.writable = state.kind === 'ready';
      }),
    ];
  }

  private durable(ticket: Ticket): void {
    while (!this.core.durable(ticket)) this.flush();
    this.flush();
  }

  private answered(address: Ipv4, hardwareAddress: Uint8Array | null): void {
    if (this.arena.mustFlush) this.flush();
    this.core.probeAnswered(this.store.now(), address, hardwareAddress);
    this.flush();
    this.arm();
  }

  private probe(ifindex: number, address: Ipv4): void {
    this.arp ??= new ArpProber({
      onReply: (_ifindex, found, hardwareAddress) => this.answered(found, hardwareAddress),
    });
    const link = this.core.links.byIndex.get(ifindex);
    if (link?.hardwareAddress.length !== 6) return;
    const errno = this.arp.probe(ifindex, link.hardwareAddress, address);
    if (errno !== 0) this.counters.sendError(errnoName(errno));
  }

  private flush(): void {
    const { routed, link } = this.arena;
    // A process that was paused, or waited long for its disk, asks again before it says anything.
    const count = routed.count + link.count;
    if (count > 0 && !this.isFenced(count)) this.send(routed, link);
    this.arena.flushed();
  }

  private send(routed: Outbox, link: Outbox): void {
    if (routed.count > 0 && this.routed.send(this.packets.ring, routed.entries, routed.count) > 0) {
      countSendErrors(routed, this.counters, this.log);
    }
    if (link.count > 0 && this.packets.send(link.entries, link.count) > 0)
      countSendErrors(link, this.counters, this.log);
  }

  private isFenced(count: number): boolean {
    const fenced = !this.mayAnswer();
    if (fenced) for (let i = 0; i < count; i++) this.counters.drop('fenced');
    return fenced;
  }

  // One timer, moved only forward: what it was set for may have gone, and then it is set anew when it fires.
  private arm(): void {
    const deadline = this.core.deadline();
    if (deadline === null || deadline >= this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = deadline;
    const delay = Math.min(Math.max(deadline - this.store.now(), 0), TIMER_MAX);
    this.timer = setTimeout(() => this.tick(), Math.ceil(delay));
  }

  private tick(): void {
    this.timerAt = Number.POSITIVE_INFINITY;
    this.core.tick(this.store.now());
    this.flush();
    this.arm();
  }

  private watchForOthers(): void {
    const isNew = this.foreignTimer === undefined;
    clearInterval(this.foreignTimer);
    const { mode, interval } = this.config.foreignServers;
    const ask = (): void => {
      this.core.askForServers(Math.floor(this.random() * 0x100000000));
      this.flush();
    };
    this.foreignTimer = mode === 'Probe' ? setInterval(ask, interval) : undefined;
    if (mode === 'Probe' && isNew) ask();
  }

  private tell(): void {
    const { served, unserved } = this.status() as { served: unknown; unserved: unknown };
    const text = JSON.stringify([served, unserved]);
    if (text === this.said) return;
    this.said = text;
    const unreached = this.unreached();
    if (unreached === null) this.log.info({ served, unserved }, 'serving');
    else this.log.warn({ served, unserved }, unreached);
  }

  // Only a courtesy: with it the kernel does not tell clients that the port is closed.
  private hold(): HeldPort[] {
    const held: HeldPort[] = [];
    for (const port of this.config.proxyDhcp ? [SERVER_PORT, PROXY_PORT] : [SERVER_PORT]) {
      try {
        held.push(holdPort(port));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        this.log.info({ port, code }, 'UDP port is not ours to hold; serving all the same');
      }
    }
    return held;
  }
}
