// What the relay's tests share: a relay on a ring of one slot, and messages to put into it.
import assert from 'node:assert/strict';
import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import type {
  RelayConfig,
  RelayInformationConfig,
  RelayInterfaceConfig,
} from '../../../crds/types/agentconfig.ts';
import { Outbox } from '../outbox.ts';
import { ENTRY, PACKET_TYPE, SLOT } from '../ring.ts';
import type { RelayLink } from './links.ts';
import { planRelay } from './plan.ts';
import { Relay } from './relay.ts';

/** Parses an address that is right. */
export function ip(text: string): Ipv4 {
  return parseIpv4(text) ?? assert.fail(text);
}

/** An Ethernet link that is up. */
export function linkOf(edit: Partial<RelayLink> = {}): RelayLink {
  return {
    index: 1,
    name: 'lan0',
    up: true,
    broadcast: true,
    loopback: false,
    enslaved: false,
    hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
    vlanId: null,
    addresses: [{ address: ip('192.0.2.1'), prefixLength: 24, secondary: false, global: true }],
    ...edit,
  };
}

/** A link with one address. */
export function linkAt(index: number, name: string, address: string, prefixLength = 24): RelayLink {
  const addresses = [{ address: ip(address), prefixLength, secondary: false, global: true }];
  return linkOf({ index, name, addresses });
}

/** The loopback interface with a host address, as routers carry their identity. */
export function loopbackAt(index: number, address: string): RelayLink {
  return { ...linkAt(index, 'lo', address, 32), loopback: true, broadcast: false };
}

export const INFORMATION: RelayInformationConfig = {
  mode: 'Auto',
  existing: 'Forward',
  circuitId: [{ kind: 'field', field: 'interface' }],
  remoteId: null,
  subscriberId: null,
  relayId: null,
  linkSelection: 'Auto',
  serverIdOverride: false,
  virtualSubnet: null,
  wanted: false,
};

/** One server, every interface, everything at its default. */
export function configOf(
  edit: Partial<RelayConfig> = {},
  entry: Partial<RelayInterfaceConfig> = {},
): RelayConfig {
  return {
    name: 'office',
    interfaces: [
      {
        match: '*',
        giaddr: 'Auto',
        trusted: false,
        upstreams: [{ kind: 'address', address: ip('10.0.0.1') }],
        relayInformation: INFORMATION,
        ...entry,
      },
    ],
    exclude: [],
    replySources: [],
    maxHops: 4,
    maxMessageSize: 1472,
    sourcePort: 67,
    upstreamDevice: null,
    rateLimit: { perClient: 0, perInterface: 0 },
    ...edit,
  };
}

/** Fields of a message that differ from a DISCOVER of a fresh client. */
export interface MessageEdit {
  readonly op?: number;
  readonly hops?: number;
  readonly xid?: number;
  readonly flags?: number;
  readonly ciaddr?: string;
  readonly yiaddr?: string;
  readonly giaddr?: string;
  readonly htype?: number;
  readonly hlen?: number;
  readonly chaddr?: readonly number[];
  /** What follows the cookie; null is plain BOOTP without one. */
  readonly options?: readonly number[] | null;
  /** Octets in all, filled up with zeros. */
  readonly length?: number;
}

export const CHADDR = [0x02, 0, 0, 0, 0, 0x0a];

/** A message as the bytes of a UDP payload. */
export function message(edit: MessageEdit = {}): Buffer {
  const { options = [53, 1, 1, 255] } = edit;
  const bytes = Buffer.alloc(options === null ? 300 : 240);
  bytes.set([edit.op ?? 1, edit.htype ?? 1, edit.hlen ?? 6, edit.hops ?? 0]);
  bytes.writeUInt32BE(edit.xid ?? 0x1234, 4);
  bytes.writeUInt16BE(edit.flags ?? 0, 10);
  bytes.writeUInt32BE(ip(edit.ciaddr ?? '0.0.0.0'), 12);
  bytes.writeUInt32BE(ip(edit.yiaddr ?? '0.0.0.0'), 16);
  bytes.writeUInt32BE(ip(edit.giaddr ?? '0.0.0.0'), 24);
  bytes.set(edit.chaddr ?? CHADDR, 28);
  if (options !== null) bytes.writeUInt32BE(0x63825363, 236);
  const whole = Buffer.concat([bytes, Buffer.from(options ?? [])]);
  return Buffer.concat([whole, Buffer.alloc(Math.max(0, (edit.length ?? 0) - whole.length))]);
}

/** A packet that left the relay: where to, and the message in it. */
export interface Sent {
  readonly to: string;
  readonly from: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Only for packets to a client. */
  readonly ifindex: number;
  readonly hardware: string;
  readonly message: Buffer;
}

/** How a packet reaches the relay. */
export interface Arrival {
  readonly ifindex?: number;
  readonly packetType?: number;
  readonly source?: string;
  readonly destination?: string;
  readonly destinationPort?: number;
  readonly now?: number;
}

const SLOT_BYTES = 2048;
const CAPACITY = 32;

/** A relay with everything around it that a test wants to see. */
export class RelayBench {
  readonly ring = Buffer.alloc(SLOT_BYTES + 2 * CAPACITY * HEADERS_LENGTH);
  readonly up = new Outbox(this.ring, SLOT_BYTES, CAPACITY);
  readonly down = new Outbox(this.ring, SLOT_BYTES + CAPACITY * HEADERS_LENGTH, CAPACITY);
  readonly observed: string[] = [];
  readonly relay: Relay;
  private readonly config: RelayConfig;

  constructor(config: RelayConfig = configOf(), links: readonly RelayLink[] = [linkOf()]) {
    this.config = config;
    this.relay = new Relay({
      plan: this.plan(links),
      settings: config,
      up: this.up,
      down: this.down,
      hashSeed: 1,
      observer: {
        request: (link, type) => this.observed.push(`request ${link.link.name} ${type}`),
        reply: (link, type, _, age) => this.observed.push(`reply ${link.link.name} ${type} ${age}`),
        informationOmitted: (link) => this.observed.push(`omitted ${link.link.name}`),
      },
    });
  }

  plan(links: readonly RelayLink[]): Relay['plan'] {
    const nodeDuid = Uint8Array.of(0, 4, 1, 2, 3);
    const resolved = (name: string): Ipv4[] => (name === 'dhcp.example' ? [ip('10.0.0.7')] : []);
    return planRelay({ config: this.config, links, resolved, node: 'node-a', nodeDuid });
  }

  /** Hands a payload to the relay; what left it, or why nothing did. */
  receive(payload: Uint8Array, arrival: Arrival = {}): readonly Sent[] | string {
    const request = payload[0] === 1;
    const source = ip(arrival.source ?? (request ? '0.0.0.0' : '10.0.0.1'));
    const destination = arrival.destination ?? (request ? '255.255.255.255' : '192.0.2.1');
    this.ring.set(payload, 64 + HEADERS_LENGTH);
    const at = 64 + HEADERS_LENGTH;
    const end = at + payload.length;
    const port = arrival.destinationPort ?? 67;
    writeHeaders(this.ring, 64, source, request ? 68 : 67, ip(destination), port, at, end);
    return this.receiveRaw(64, HEADERS_LENGTH + payload.length, arrival);
  }

  /** Hands over whatever lies in the ring. */
  receiveRaw(start: number, length: number, arrival: Arrival = {}): readonly Sent[] | string {
    const meta = new Uint32Array(SLOT.WORDS);
    meta[SLOT.START] = start;
    meta[SLOT.LENGTH] = length;
    meta[SLOT.ORIGINAL_LENGTH] = length;
    meta[SLOT.IFINDEX] = arrival.ifindex ?? 1;
    meta[SLOT.PACKET_TYPE] = arrival.packetType ?? PACKET_TYPE.BROADCAST;
    this.up.clear();
    this.down.clear();
    const drop = this.relay.receive(arrival.now ?? 0, this.ring, meta, 0, SLOT_BYTES);
    const sent = [...this.sent(this.up), ...this.sent(this.down)];
    if (drop === null) return sent;
    assert.equal(sent.length, 0, `dropped as ${drop}, but sent`);
    return drop;
  }

  private sent(outbox: Outbox): Sent[] {
    return Array.from({ length: outbox.count }, (_, i) => {
      const entry = outbox.entries.subarray(i * ENTRY.WORDS, (i + 1) * ENTRY.WORDS);
      const head = this.ring.subarray(entry[ENTRY.HEAD_AT]!, entry[ENTRY.HEAD_AT]! + 28);
      const bodyAt = entry[ENTRY.BODY_AT]!;
      const hardware = Buffer.alloc(8);
      hardware.writeUInt32BE(entry[ENTRY.HARDWARE_HIGH]!, 0);
      hardware.writeUInt32BE(entry[ENTRY.HARDWARE_LOW]!, 4);
      return {
        from: [...head.subarray(12, 16)].join('.'),
        to: [...head.subarray(16, 20)].join('.'),
        sourcePort: head.readUInt16BE(20),
        destinationPort: head.readUInt16BE(22),
        ifindex: entry[ENTRY.IFINDEX]!,
        hardware: hardware.toString('hex', 0, entry[ENTRY.HARDWARE_LENGTH]!),
        message: Buffer.from(this.ring.subarray(bodyAt, bodyAt + entry[ENTRY.BODY_LENGTH]!)),
      };
    });
  }
}
