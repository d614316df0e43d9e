import { type Ipv4, readIpv4 } from '../../../codec/ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import type { Machine, Millis } from '../../../codec/machine.ts';
import { CLIENT_PORT, SERVER_PORT } from '../../../codec/v4/header.ts';
import type { ServerConfig } from '../../../crds/types/serverconfig.ts';
import type { HashKey } from '../lease/siphash.ts';
import type { LeaseTable, Ticket } from '../lease.ts';
import { Outbox } from '../outbox.ts';
import type { RelayLink } from '../relay/links.ts';
import { ENTRY, PACKET_TYPE, SLOT } from '../ring.ts';
import { arenaBytes, ReplyArena } from './arena.ts';
import { ServerCore } from './core.ts';
import type { ServerDrop } from './drops.ts';
import type { ServerObserver } from './observer.ts';

/** What happens to a server. */
export type ServerEvent =
  | ReceivedEvent
  /** Leases up to this ticket are on disk. */
  | { readonly kind: 'durable'; readonly ticket: Ticket }
  | {
      readonly kind: 'probeAnswered';
      readonly address: Ipv4;
      readonly hardwareAddress: Uint8Array | null;
    }
  | { readonly kind: 'configured'; readonly config: ServerConfig }
  | { readonly kind: 'linksChanged'; readonly links: readonly RelayLink[] };

/** A datagram has come. */
export interface ReceivedEvent {
  readonly kind: 'received';
  readonly ifindex: number;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly message: Uint8Array;
  /** Defaults: 68 and 67. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Who sent the frame. */
  readonly sender?: Uint8Array;
}

/** What a server wants done. */
export type ServerAction =
  | {
      readonly kind: 'send';
      /** Null: by whatever route there is. */
      readonly link: { readonly ifindex: number; readonly hardwareAddress: Uint8Array } | null;
      readonly source: Ipv4;
      readonly sourcePort: number;
      readonly destination: Ipv4;
      readonly destinationPort: number;
      readonly message: Uint8Array;
    }
  | { readonly kind: 'arpProbe'; readonly ifindex: number; readonly address: Ipv4 }
  | { readonly kind: 'icmpProbe'; readonly address: Ipv4 }
  | { readonly kind: 'drop'; readonly reason: ServerDrop };

/** What a server machine is made of. */
export interface ServerMachineParts {
  readonly config: ServerConfig;
  readonly links: readonly RelayLink[];
  readonly leases: LeaseTable;
  readonly keys: readonly [HashKey, HashKey];
  /** Is told everything but drops, which are actions here. */
  readonly observer: Omit<ServerObserver, 'drop'>;
  readonly epoch?: number;
  /** Replies that may wait to be durable. */
  readonly held?: number;
}

const PACKET_MAX = 2048;
const REPLIES = 64;
const HELD = 256;

/**
 * The server core as a machine that trades values: for simulations and scripts, where a packet is worth an object. What
 * it does is what production does, byte for byte.
 */
export class ServerMachine implements Machine<ServerEvent, ServerAction> {
  readonly core: ServerCore;
  private actions: ServerAction[] = [];
  private readonly ring: Buffer;
  private readonly meta = new Uint32Array(SLOT.WORDS);
  private readonly arena: ReplyArena;

  constructor(parts: ServerMachineParts) {
    const held = parts.held ?? HELD;
    const arenaAt = PACKET_MAX;
    const headersAt = arenaAt + arenaBytes(REPLIES, held);
    this.ring = Buffer.alloc(headersAt + 2 * REPLIES * HEADERS_LENGTH);
    this.arena = new ReplyArena({
      bytes: this.ring,
      at: arenaAt,
      immediate: REPLIES,
      held,
      routed: new Outbox(this.ring, headersAt, REPLIES),
      link: new Outbox(this.ring, headersAt + REPLIES * HEADERS_LENGTH, REPLIES),
    });
    const { observer } = parts;
    this.core = new ServerCore({
      config: parts.config,
      links: parts.links,
      leases: parts.leases,
      keys: parts.keys,
      epoch: parts.epoch ?? 0,
      arena: this.arena,
      observer: {
        request: (interfaceName, type) => observer.request(interfaceName, type),
        reply: (interfaceName, type) => observer.reply(interfaceName, type),
        drop: (reason) => {
          this.actions.push({ kind: 'drop', reason });
        },
        lease: (lease) => observer.lease(lease),
        conflict: (address, hardware) => observer.conflict(address, hardware),
        declined: (address, hardware) => observer.declined(address, hardware),
        clone: (clientId, hardware) => observer.clone(clientId, hardware),
        probeSkipped: (address) => observer.probeSkipped(address),
        informationOmitted: () => observer.informationOmitted(),
        foreignServer: (server, interfaceName) => observer.foreignServer(server, interfaceName),
      },
      port: {
        arp: (ifindex, address) => {
          this.actions.push({ kind: 'arpProbe', ifindex, address });
        },
        icmp: (address) => {
          this.actions.push({ kind: 'icmpProbe', address });
        },
      },
    });
  }

  handle(now: Millis, event: ServerEvent): readonly ServerAction[] {
    switch (event.kind) {
      case 'received':
        this.receive(now, event);
        break;
      case 'durable':
        while (!this.core.durable(event.ticket)) this.flush();
        break;
      case 'probeAnswered':
        this.core.probeAnswered(now, event.address, event.hardwareAddress);
        break;
      case 'configured':
        this.core.configure(event.config);
        break;
      case 'linksChanged':
        this.core.linksChanged(event.links);
    }
    return this.done();
  }

  deadline(): Millis | null {
    return this.core.deadline();
  }

  tick(now: Millis): readonly ServerAction[] {
    this.core.tick(now);
    return this.done();
  }

  private receive(now: Millis, event: ReceivedEvent): void {
    const { ring, meta } = this;
    const { source, destination, message, sender } = event;
    const { sourcePort = CLIENT_PORT, destinationPort = SERVER_PORT } = event;
    const end = HEADERS_LENGTH + message.length;
    ring.set(message, HEADERS_LENGTH);
    writeHeaders(ring, 0, source, sourcePort, destination, destinationPort, HEADERS_LENGTH, end);
    meta.fill(0);
    meta[SLOT.LENGTH] = end;
    meta[SLOT.ORIGINAL_LENGTH] = end;
    meta[SLOT.IFINDEX] = event.ifindex;
    meta[SLOT.PACKET_TYPE] = PACKET_TYPE.BROADCAST;
    if (sender !== undefined) {
      const padded = new Uint8Array(8);
      padded.set(sender.subarray(0, 8));
      meta[SLOT.HARDWARE_LENGTH] = Math.min(sender.length, 8);
      meta[SLOT.HARDWARE_HIGH] = readIpv4(padded, 0);
      meta[SLOT.HARDWARE_LOW] = readIpv4(padded, 4);
    }
    this.core.receive(now, ring, meta, 0);
  }

  private done(): readonly ServerAction[] {
    this.flush();
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  private flush(): void {
    const { routed, link } = this.arena;
    this.drain(routed, false);
    this.drain(link, true);
    this.arena.flushed();
  }

  private drain(outbox: Outbox, onLink: boolean): void {
    const { ring } = this;
    for (let i = 0; i < outbox.count; i++) {
      const entry = outbox.entries.subarray(i * ENTRY.WORDS, (i + 1) * ENTRY.WORDS);
      const head = entry[ENTRY.HEAD_AT]!;
      const at = entry[ENTRY.BODY_AT]!;
      this.actions.push({
        kind: 'send',
        link: onLink
          ? { ifindex: entry[ENTRY.IFINDEX]!, hardwareAddress: hardwareOf(entry) }
          : null,
        source: readIpv4(ring, head + 12),
        sourcePort: ring.readUInt16BE(head + 20),
        destination: readIpv4(ring, head + 16),
        destinationPort: ring.readUInt16BE(head + 22),
        message: Uint8Array.prototype.slice.call(ring, at, at + entry[ENTRY.BODY_LENGTH]!),
      });
    }
  }
}

function hardwareOf(entry: Uint32Array): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeUInt32BE(entry[ENTRY.HARDWARE_HIGH]!, 0);
  octets.writeUInt32BE(entry[ENTRY.HARDWARE_LOW]!, 4);
  return new Uint8Array(octets.subarray(0, entry[ENTRY.HARDWARE_LENGTH]!));
}
