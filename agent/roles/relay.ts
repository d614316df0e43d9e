import type { Logger } from 'pino';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { dhcpFilter } from '../../codec/link/bpf.ts';
import { HEADERS_LENGTH } from '../../codec/link/datagram.ts';
import type { Millis } from '../../codec/machine.ts';
import { SERVER_PORT } from '../../codec/v4/header.ts';
import type { RelayConfig } from '../../crds/types/agentconfig.ts';
import { Outbox } from '../core/outbox.ts';
import { RelayCounters } from '../core/relay/counters.ts';
import { type RelayLink, relayLinks } from '../core/relay/links.ts';
import { planRelay, type RelayPlan } from '../core/relay/plan.ts';
import { Relay } from '../core/relay/relay.ts';
import { SLOT } from '../core/ring.ts';
import type { LinkState } from '../net/links.ts';
import { Names } from '../net/names.ts';
import { PacketSocket, type PacketStatistics } from '../net/packet.ts';
import { type HeldPort, holdPort, RawIpSocket } from '../net/rawip.ts';
import { countSendErrors } from './senderrors.ts';

const ETHERTYPE_IPV4 = 0x0800;
/** Under load each system call moves as many packets; 256 cost 10 % less a packet than 64. */
const BATCH = 256;
/** What may come while we are busy: 2 MiB, 20 ms of requests and replies at 25,000 exchanges a second. */
const SLOTS = 1024;
/** Room for the largest message of an Ethernet frame, and behind it for option 82. */
const SLOT_BYTES = 2048;
/** As many servers as a DhcpRelay may name. */
const SERVERS_MAX = 16;

/** What a relay needs from the agent around it. */
export interface RelayRoleParts {
  readonly config: RelayConfig;
  readonly links: readonly LinkState[];
  readonly node: string;
  readonly nodeDuid: Uint8Array;
  readonly log: Logger;
  /** Milliseconds, never going back. */
  readonly now: () => Millis;
  readonly hashSeed: number;
}

/** One DhcpRelay at work: its sockets around its core. */
export class RelayRole {
  readonly counters = new RelayCounters();
  private config: RelayConfig;
  private links: readonly RelayLink[];
  private readonly parts: RelayRoleParts;
  private readonly log: Logger;
  private readonly names: Names;
  private readonly packets: PacketSocket;
  private readonly up: Outbox;
  private readonly down: Outbox;
  private readonly relay: Relay;
  private routed: RawIpSocket;
  private heldPort: HeldPort | null;
  private plan: RelayPlan;
  private said = '';

  /** Opens the sockets and relays from then on; throws SystemError when they cannot be had. */
  constructor(parts: RelayRoleParts) {
    this.parts = parts;
    this.config = parts.config;
    this.links = relayLinks(parts.links);
    this.log = parts.log.child({ relay: parts.config.name });
    this.names = new Names((hostname) => this.nameChanged(hostname));
    this.plan = this.planNow();
    this.routed = openRouted(parts.config);
    this.packets = PacketSocket.open({
      protocol: ETHERTYPE_IPV4,
      cooked: true,
      filter: dhcpFilter(portsOf(parts.config)),
      slots: SLOTS,
      slotBytes: SLOT_BYTES,
      headroom: 0,
      batch: BATCH,
      scratchBytes: (BATCH * SERVERS_MAX + BATCH) * HEADERS_LENGTH,
      onBatch: (count) => this.batch(count),
    });
    const { ring, scratchAt } = this.packets;
    this.up = new Outbox(ring, scratchAt, BATCH * SERVERS_MAX);
    this.down = new Outbox(ring, scratchAt + BATCH * SERVERS_MAX * HEADERS_LENGTH, BATCH);
    this.relay = new Relay({
      plan: this.plan,
      settings: parts.config,
      up: this.up,
      down: this.down,
      observer: this.counters,
      hashSeed: parts.hashSeed,
    });
    this.heldPort = this.hold(parts.config.sourcePort);
    this.names.follow(hostnamesOf(parts.config));
    this.replan();
  }

  /** Whether another configuration can be taken without opening the sockets anew. */
  static canReconfigure(from: RelayConfig, to: RelayConfig): boolean {
    return from.sourcePort === to.sourcePort && from.upstreamDevice === to.upstreamDevice;
  }

  /** Takes another configuration between two packets; nothing pending is lost. */
  reconfigure(config: RelayConfig): void {
    this.config = config;
    this.relay.configure(config);
    this.names.follow(hostnamesOf(config));
    this.replan();
  }

  linksChanged(links: readonly LinkState[]): void {
    this.links = relayLinks(links);
    this.counters.keepInterfaces(new Set(links.map(({ name }) => name)));
    this.replan();
  }

  /** What keeps it from relaying, in words; empty when nothing does. */
  notReady(): string[] {
    const names = hostnamesOf(this.config)
      .filter((name) => this.names.addressesOf(name).length === 0)
      .map(
        (name) => `${name} does not resolve (${this.names.failureOf(name) ?? 'asked just now'})`,
      );
    return this.plan.servers.size === 0 && this.plan.served.size > 0 ? names : [];
  }

  /** What goes into giaddr, on each interface that it serves. */
  addresses(): string[] {
    return [...this.plan.served.values()].map(({ giaddr }) => formatIpv4(giaddr));
  }

  /** What it does on which interface, for people. */
  status(): { readonly name: string; readonly [fact: string]: unknown } {
    return {
      name: this.config.name,
      served: [...this.plan.served.values()].map((served) => ({
        interface: served.link.name,
        giaddr: formatIpv4(served.giaddr),
        relayInformation: served.information !== null,
        servers: served.servers.map(formatIpv4),
      })),
      unserved: this.plan.unserved,
    };
  }

  statistics(): PacketStatistics {
    return this.packets.statistics();
  }

  stop(): void {
    this.names.close();
    this.packets.close();
    this.routed.close();
    this.heldPort?.close();
  }

  private batch(count: number): void {
    const { ring, slotMeta } = this.packets;
    const now = this.parts.now();
    for (let word = 0; word < count * SLOT.WORDS; word += SLOT.WORDS) {
      const drop = this.relay.receive(now, ring, slotMeta, word, slotMeta[word + SLOT.END]!);
      if (drop !== null) this.counters.drop(drop);
    }
    this.flush();
  }

  private flush(): void {
    const { up, down } = this;
    if (up.count > 0) {
      const failures = this.routed.send(this.packets.ring, up.entries, up.count);
      if (failures > 0) countSendErrors(up, this.counters, this.log);
      up.clear();
    }
    if (down.count > 0) {
      const failures = this.packets.send(down.entries, down.count);
      if (failures > 0) countSendErrors(down, this.counters, this.log);
      down.clear();
    }
  }

  private nameChanged(hostname: string): void {
    const failure = this.names.failureOf(hostname);
    const addresses = this.names.addressesOf(hostname).map(formatIpv4);
    if (failure === null) this.log.info({ hostname, addresses }, 'upstream resolved');
    else this.log.warn({ hostname, failure, kept: addresses }, 'upstream does not resolve');
    this.replan();
  }

  private replan(): void {
    this.plan = this.planNow();
    this.relay.plan = this.plan;
    const { name: _, ...facts } = this.status();
    const text = JSON.stringify(facts);
    if (text === this.said) return;
    this.said = text;
    if (this.plan.served.size > 0) this.log.info(facts, 'relaying');
    else this.log.warn(facts, 'no interface is served');
  }

  private planNow(): RelayPlan {
    const { node, nodeDuid } = this.parts;
    const resolved = (hostname: string): readonly Ipv4[] => this.names.addressesOf(hostname);
    return planRelay({ config: this.config, links: this.links, resolved, node, nodeDuid });
  }

  // Only a courtesy: with it the kernel does not tell servers that the port is closed.
  private hold(port: number): HeldPort | null {
    try {
      return holdPort(port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.log.info({ port, code }, 'UDP port is not ours to hold; relaying all the same');
      return null;
    }
  }
}

function openRouted(config: RelayConfig): RawIpSocket {
  return RawIpSocket.open(config.upstreamDevice === null ? {} : { device: config.upstreamDevice });
}

function portsOf(config: RelayConfig): number[] {
  return [...new Set([SERVER_PORT, config.sourcePort])];
}

function hostnamesOf(config: RelayConfig): string[] {
  return config.interfaces.flatMap((entry) =>
    entry.upstreams.flatMap((upstream) =>
      upstream.kind === 'hostname' ? [upstream.hostname] : [],
    ),
  );
}
