import { parseHardwareAddress } from '../../../codec/hardware.ts';
import {
  formatIpv4,
  type Ipv4,
  LIMITED_BROADCAST,
  parseIpv4,
  UNSPECIFIED,
} from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { encodeMessage } from '../../../codec/v4/encode.ts';
import * as H from '../../../codec/v4/header.ts';
import { ipv4, u8List, u16, u32 } from '../../../codec/v4/kinds.ts';
import { decodeMessage, type Message, optionOf } from '../../../codec/v4/message.ts';
import { OPTION, printOption } from '../../../codec/v4/options.ts';
import { compileServer } from '../../../crds/compile/server.ts';
import type { DhcpServerSpec } from '../../../crds/types/dhcpserver.ts';
import type { IntentConfig, ServerConfig } from '../../../crds/types/serverconfig.ts';
import { Leases } from '../lease/table.ts';
import type { Lease, LeaseTable } from '../lease.ts';
import type { RelayLink } from '../relay/links.ts';
import { type ServerAction, ServerMachine } from './machine.ts';

/** What a client says; the rest is filled in as a client in INIT would have it. */
export interface Say {
  readonly type?: keyof typeof TYPES | number;
  readonly mac?: string;
  readonly xid?: number;
  readonly secs?: number;
  readonly broadcast?: boolean;
  readonly htype?: number;
  readonly hops?: number;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  /** Where the packet comes from and goes to; by default from the client, or its relay, to everyone, or the server. */
  readonly from?: string;
  readonly to?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly ifindex?: number;
  readonly clientId?: Uint8Array;
  readonly requested?: string;
  readonly server?: string;
  readonly leaseTime?: number;
  readonly ask?: readonly number[];
  readonly maxSize?: number;
  /** Option 82, as its data. */
  readonly relay?: Uint8Array;
  /** Other options by code. */
  readonly options?: { readonly [code: number]: Uint8Array };
  readonly cookie?: boolean;
}

/** What came back, in words. */
export interface Heard {
  readonly type: string;
  readonly yiaddr: string;
  /** `eth0 02:…:01 192.0.2.10:68` on a link, `192.0.2.9:67` by route. */
  readonly to: string;
  readonly from: string;
  readonly message: Message;
  readonly bytes: Uint8Array;
  /** The option as printed, or null. */
  option(code: number): string | null;
}

const TYPES = {
  DISCOVER: H.DHCPDISCOVER,
  REQUEST: H.DHCPREQUEST,
  DECLINE: H.DHCPDECLINE,
  RELEASE: H.DHCPRELEASE,
  INFORM: H.DHCPINFORM,
  LEASEQUERY: H.DHCPLEASEQUERY,
  BOOTP: 0,
} as const;

/** The address of the server on its link, eth0. */
export const SERVER = '192.0.2.1';
/** The link that the server is on. */
export const ETH0 = 2;
/** Another one, which is not served. */
export const ETH1 = 3;

/** A subnet with eleven addresses to give, .10 to .20. */
export const SUBNET = {
  cidr: '192.0.2.0/24',
  pools: [{ start: '192.0.2.10', end: '192.0.2.20' }],
  options: { routers: ['192.0.2.254'], domainNameServers: ['192.0.2.53'] },
};

const KEYS = [
  { low: 1, high: 2 },
  { low: 3, high: 4 },
] as const;

/** An interface of the server. */
export function link(index: number, name: string, address: string, length = 24): RelayLink {
  return {
    index,
    name,
    up: true,
    broadcast: true,
    loopback: false,
    enslaved: false,
    hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0xff, index),
    vlanId: null,
    addresses: [{ address: ip(address), prefixLength: length, secondary: false, global: true }],
  };
}

/** Compiles what a test says over a server of one subnet on eth0 that probes nothing. */
export function configOf(
  spec: Partial<DhcpServerSpec>,
  intents: readonly IntentConfig[] = [],
): ServerConfig {
  const { config, problems } = compileServer(
    {
      apiVersion: 'dhcp-operator.io/v1alpha1',
      kind: 'DhcpServer',
      metadata: { name: 'test' },
      spec: {
        interfaces: [{ match: 'eth0' }],
        subnets: [SUBNET],
        conflictDetection: { mode: 'Off' },
        limits: { perClient: 0 },
        leaseTime: '1h',
        ...spec,
      },
    },
    intents,
  );
  if (config === null) throw new Error(JSON.stringify(problems));
  return config;
}

/** A server, its table of leases, and a clock that only the test moves. Everything is durable at once, unless told not to be. */
export class Bed {
  now: Millis = 1_000_000;
  readonly leases: LeaseTable;
  readonly machine: ServerMachine;
  /** What the server told besides its replies. */
  readonly told: string[] = [];
  actions: readonly ServerAction[] = [];
  holdBack = false;
  private ticket = 0;

  constructor(spec: Partial<DhcpServerSpec> = {}, more: Partial<BedParts> = {}) {
    this.leases = more.leases ?? new Leases({ secret: KEYS[0] });
    const told = (text: string): void => {
      this.told.push(text);
    };
    this.machine = new ServerMachine({
      config: configOf(spec, more.intents),
      links: more.links ?? [link(ETH0, 'eth0', SERVER), link(ETH1, 'eth1', '198.51.100.1')],
      leases: this.leases,
      keys: KEYS,
      ...(more.held === undefined ? {} : { held: more.held }),
      observer: {
        request: () => {},
        reply: () => {},
        lease: ({ state, address }: Lease) => told(`${state} ${formatIpv4(address)}`),
        conflict: (address) => told(`conflict ${formatIpv4(address)}`),
        declined: (address) => told(`declined ${formatIpv4(address)}`),
        clone: () => told('clone'),
        probeSkipped: (address) => told(`unprobed ${formatIpv4(address)}`),
        informationOmitted: () => told('information omitted'),
        foreignServer: (server) => told(`foreign ${formatIpv4(server)}`),
      },
    });
  }

  /** Sends a message and returns what is sent back at once, or as soon as leases are durable. */
  say(say: Say): Heard[] {
    this.actions = this.machine.handle(this.now, {
      kind: 'received',
      ifindex: say.ifindex ?? ETH0,
      source: ip(say.from ?? say.giaddr ?? say.ciaddr ?? '0.0.0.0'),
      destination: say.to !== undefined ? ip(say.to) : destinationOf(say),
      message: messageOf(say),
      sender: macOf(say),
      ...(say.sourcePort === undefined ? {} : { sourcePort: say.sourcePort }),
      ...(say.destinationPort === undefined ? {} : { destinationPort: say.destinationPort }),
    });
    return this.heard();
  }

  /** As `say`, for what has exactly one answer. */
  ask(say: Say): Heard {
    const heard = this.say(say);
    if (heard.length !== 1) throw new Error(`${heard.length} answers; ${this.dropped()}`);
    return heard[0]!;
  }

  /** Why the last message was dropped, or null. */
  dropped(): string | null {
    const drop = this.actions.find(({ kind }) => kind === 'drop');
    return drop?.kind === 'drop' ? drop.reason : null;
  }

  /** DISCOVER, OFFER, REQUEST, ACK: the address. */
  lease(say: Say = {}): string {
    const offer = this.ask({ ...say, type: 'DISCOVER' });
    const ack = this.ask(taking(offer, say));
    if (ack.type !== 'ACK') throw new Error(`${ack.type} ${ack.option(56)}`);
    return ack.yiaddr;
  }

  /** Lets time pass, and what is due happen. */
  pass(millis: Millis): Heard[] {
    this.now += millis;
    const actions: ServerAction[] = [];
    for (let due = this.machine.deadline(); due !== null && due <= this.now; ) {
      actions.push(...this.machine.tick(this.now));
      due = this.machine.deadline();
    }
    this.actions = actions;
    return this.heard();
  }

  /** What was put back by `holdBack` is durable now. */
  becomeDurable(): Heard[] {
    this.actions = this.machine.handle(this.now, { kind: 'durable', ticket: Number.MAX_VALUE });
    return sends(this.actions);
  }

  probeAnswered(address: string, mac: string | null): Heard[] {
    const hardwareAddress = mac === null ? null : parseHardwareAddress(mac);
    const event = { kind: 'probeAnswered', address: ip(address), hardwareAddress } as const;
    this.actions = this.machine.handle(this.now, event);
    return this.heard();
  }

  configure(spec: Partial<DhcpServerSpec>, intents: readonly IntentConfig[] = []): void {
    this.machine.handle(this.now, { kind: 'configured', config: configOf(spec, intents) });
  }

  stateOf(address: string): string {
    return this.leases.stateOf(ip(address));
  }

  explain(say: Say): string[] {
    const { steps } = this.machine.core.explain(this.now, messageOf(say), say.ifindex ?? ETH0);
    return steps.map(({ about, because }) => `${about}: ${because}`);
  }

  private heard(): Heard[] {
    const now = sends(this.actions);
    if (this.holdBack) return now;
    const durable = { kind: 'durable', ticket: ++this.ticket * 1e9 } as const;
    return [...now, ...sends(this.machine.handle(this.now, durable))];
  }
}

/** What a bed is made of that is not in a DhcpServer. */
export interface BedParts {
  readonly leases: LeaseTable;
  readonly links: readonly RelayLink[];
  readonly intents: readonly IntentConfig[];
  readonly held: number;
}

/** The DHCPREQUEST that takes an offer. */
export function taking(offer: Heard, say: Say): Say {
  const server = offer.option(OPTION.serverIdentifier)!;
  return { ...say, type: 'REQUEST', requested: offer.yiaddr, server };
}

/** An address from its text. */
export function ip(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
}

/** The bytes of what a client says. */
export function messageOf(say: Say): Uint8Array {
  const { type = 'DISCOVER', hops = say.giaddr === undefined ? 0 : 1 } = say;
  const message: Message = {
    op: H.BOOTREQUEST,
    htype: say.htype ?? H.HTYPE_ETHERNET,
    hops,
    xid: say.xid ?? 0x12345678,
    secs: say.secs ?? 0,
    flags: say.broadcast ? H.BROADCAST_FLAG : 0,
    ciaddr: ip(say.ciaddr ?? '0.0.0.0'),
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr: ip(say.giaddr ?? '0.0.0.0'),
    chaddr: macOf(say),
    sname: new Uint8Array(),
    file: new Uint8Array(),
    hasCookie: say.cookie ?? true,
    options: optionsOf(say, typeof type === 'number' ? type : TYPES[type]),
  };
  return encodeMessage(message, { maxBytes: 1472, overload: false }).bytes;
}

function optionsOf(say: Say, type: number): Message['options'] {
  const options: [number, Uint8Array | undefined][] = [
    [OPTION.messageType, type === 0 ? undefined : Uint8Array.of(type)],
    [OPTION.requestedAddress, say.requested && ipv4.encode(ip(say.requested))],
    [OPTION.serverIdentifier, say.server && ipv4.encode(ip(say.server))],
    [OPTION.leaseTime, say.leaseTime === undefined ? undefined : u32.encode(say.leaseTime)],
    [OPTION.parameterRequestList, say.ask && u8List.encode(say.ask)],
    [OPTION.maxMessageSize, say.maxSize === undefined ? undefined : u16.encode(say.maxSize)],
    [OPTION.clientIdentifier, say.clientId],
    ...Object.entries(say.options ?? {}).map(([code, data]): [number, Uint8Array] => [+code, data]),
    [OPTION.relayInformation, say.relay],
  ] as [number, Uint8Array | undefined][];
  return options.flatMap(([code, data]) => (data === undefined ? [] : [{ code, data }]));
}

function destinationOf(say: Say): Ipv4 {
  const unicast = say.giaddr !== undefined || say.type === 'RELEASE' || say.ciaddr !== undefined;
  return unicast ? ip(SERVER) : LIMITED_BROADCAST;
}

function macOf(say: Say): Uint8Array {
  if (say.mac === '') return new Uint8Array();
  return parseHardwareAddress(say.mac ?? '02:00:00:00:00:01')!;
}

function sends(actions: readonly ServerAction[]): Heard[] {
  return actions.flatMap((action) => (action.kind === 'send' ? [heardOf(action)] : []));
}

function heardOf(action: Extract<ServerAction, { kind: 'send' }>): Heard {
  const message = decodeMessage(action.message);
  if (typeof message === 'string') throw new Error(message);
  const { link: onto, destination, destinationPort } = action;
  const endpoint = `${formatIpv4(destination)}:${destinationPort}`;
  const type = optionOf(message, OPTION.messageType)?.[0] ?? 0;
  return {
    type: H.messageTypeName(type),
    yiaddr: formatIpv4(message.yiaddr),
    to:
      onto === null
        ? endpoint
        : `eth${onto.ifindex - ETH0} ${colons(onto.hardwareAddress)} ${endpoint}`,
    from: `${formatIpv4(action.source)}:${action.sourcePort}`,
    message,
    bytes: action.message,
    option: (code) => {
      const data = optionOf(message, code);
      return data === null ? null : printOption(code, data);
    },
  };
}

function colons(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
