import type { Ipv4 } from '../ipv4.ts';
import { readIpv4 } from '../ipv4.ts';

/** A network interface as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  /** Up and with a carrier. */
  readonly running: boolean;
  readonly broadcast: boolean;
  readonly loopback: boolean;
  readonly pointToPoint: boolean;
  /** ARPHRD_ value, the DHCP `htype` where it has one: 1 Ethernet, 772 loopback, 65534 none … */
  readonly hardwareType: number;
  readonly hardwareAddress: Uint8Array;
  readonly mtu: number;
  /** Index of the bridge, bond or VRF it is a port of, or null. */
  readonly master: number | null;
  /** What made it: `veth`, `bridge`, `vlan`, `macvlan` …; empty for hardware. */
  readonly kind: string;
  /** 802.1Q identifier of a `vlan`, or null. */
  readonly vlanId: number | null;
  /** Routing table of a `vrf`, or null. */
  readonly vrfTable: number | null;
  /** Index of the interface below it (vlan, macvlan) or of its peer (veth), or null. */
  readonly parentIndex: number | null;
  /** Local identifier of the network namespace that parentIndex counts in, or null for this one. */
  readonly parentNamespace: number | null;
}

/** An IPv4 address of an interface. */
export interface Address {
  readonly ifindex: number;
  /** Our own address. */
  readonly local: Ipv4;
  /** The peer on a point-to-point link; elsewhere the same as `local`. */
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly broadcast: Ipv4 | null;
  readonly label: string;
  /** An earlier address of the same network is the primary one. */
  readonly secondary: boolean;
  /** Without a lifetime. */
  readonly permanent: boolean;
  /** RT_SCOPE_ value: 0 universe, 253 link, 254 host. */
  readonly scope: number;
}

interface Common {
  /** That of the request this answers; 0 for an event. */
  readonly sequence: number;
  /** Something changed during the dump this is part of, so the dump may be inconsistent. */
  readonly interrupted: boolean;
}

/** One message from the kernel. `malformed` stands for the rest of a datagram that could not be read. */
export type RouteMessage =
  | (Common & { readonly type: 'link'; readonly link: Link })
  | (Common & { readonly type: 'linkGone'; readonly index: number })
  | (Common & { readonly type: 'address'; readonly address: Address })
  | (Common & { readonly type: 'addressGone'; readonly address: Address })
  | (Common & { readonly type: 'done' })
  | (Common & { readonly type: 'error'; readonly errno: number })
  | (Common & { readonly type: 'overrun' | 'malformed' });

/** RTMGRP_LINK and RTMGRP_IPV4_IFADDR: what to subscribe to for the messages above. */
export const LINK_AND_ADDRESS_GROUPS = 0x01 | 0x10;

/** Asks for all links, without their statistics. */
export function encodeLinkDump(sequence: number): Uint8Array {
  const view = request(RTM_GETLINK, IFINFOMSG + 8, sequence);
  const attribute = HEADER + IFINFOMSG;
  view.setUint16(attribute, 8, LITTLE);
  view.setUint16(attribute + 2, IFLA_EXT_MASK, LITTLE);
  view.setUint32(attribute + 4, RTEXT_FILTER_SKIP_STATS, LITTLE);
  return new Uint8Array(view.buffer);
}

/** Asks for all IPv4 addresses. */
export function encodeAddressDump(sequence: number): Uint8Array {
  const view = request(RTM_GETADDR, IFADDRMSG, sequence);
  view.setUint8(HEADER, AF_INET);
  return new Uint8Array(view.buffer);
}

/** Decodes one datagram of netlink messages (RFC 3549 §2.3.2), leaving out those that are about neither links nor IPv4 addresses. */
export function decodeRouteMessages(bytes: Uint8Array): RouteMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: RouteMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + HEADER <= bytes.length ? view.getUint32(at, LITTLE) : 0;
    if (length < HEADER || at + length > bytes.length) {
      messages.push({ type: 'malformed', sequence: 0, interrupted: false });
      break;
    }
    const message = decodeMessage(view, at, at + length);
    if (message !== null) messages.push(message);
    at += align(length);
  }
  return messages;
}

// --- numbers of linux/netlink.h, rtnetlink.h, if_link.h, if_addr.h, if.h ---------------------------

const HEADER = 16;
const NLM_F_REQUEST = 0x01;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_OVERRUN = 4;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const AF_UNSPEC = 0;
const AF_INET = 2;

const IFINFOMSG = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VLAN_ID = 1;
const IFLA_VRF_TABLE = 1;
const RTEXT_FILTER_SKIP_STATS = 8;

const IFF_UP = 0x01;
const IFF_BROADCAST = 0x02;
const IFF_LOOPBACK = 0x08;
const IFF_POINTOPOINT = 0x10;
const IFF_RUNNING = 0x40;

const IFADDRMSG = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_F_SECONDARY = 0x01;
const IFA_F_PERMANENT = 0x80;

const ATTRIBUTE_HEADER = 4;
// The two highest bits of an attribute's type are flags (nested, network byte order).
const ATTRIBUTE_TYPE = 0x3fff;

// Netlink speaks the byte order of the machine.
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

// --- messages ------------------------------------------------------------------------------------

function request(type: number, payload: number, sequence: number): DataView {
  const view = new DataView(new ArrayBuffer(HEADER + payload));
  view.setUint32(0, HEADER + payload, LITTLE);
  view.setUint16(4, type, LITTLE);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, LITTLE);
  view.setUint32(8, sequence, LITTLE);
  return view;
}

function decodeMessage(view: DataView, start: number, end: number): RouteMessage | null {
  const at = start + HEADER;
  const common = {
    sequence: view.getUint32(start + 8, LITTLE),
    interrupted: (view.getUint16(start + 6, LITTLE) & NLM_F_DUMP_INTR) !== 0,
  };
  const type = view.getUint16(start + 4, LITTLE);
  switch (type) {
    case NLMSG_OVERRUN:
      return { ...common, type: 'overrun' };
    case NLMSG_ERROR:
    case NLMSG_DONE: {
      const errno = at + 4 <= end ? -view.getInt32(at, LITTLE) : 0;
      if (errno > 0) return { ...common, type: 'error', errno };
      return type === NLMSG_DONE ? { ...common, type: 'done' } : null;
    }
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return decodeLinkMessage(view, at, end, type, common);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return decodeAddressMessage(view, at, end, type, common);
    default:
      return null;
  }
}

function decodeLinkMessage(
  view: DataView,
  at: number,
  end: number,
  type: number,
  common: Common,
): RouteMessage | null {
  if (at + IFINFOMSG > end) return { ...common, type: 'malformed' };
  // A bridge announces its ports under its own family; a port leaving is not a link going.
  if (view.getUint8(at) !== AF_UNSPEC) return null;
  const index = view.getInt32(at + 4, LITTLE);
  if (type === RTM_DELLINK) return { ...common, type: 'linkGone', index };
  return { ...common, type: 'link', link: decodeLink(view, at, end) };
}

function decodeAddressMessage(
  view: DataView,
  at: number,
  end: number,
  type: number,
  common: Common,
): RouteMessage | null {
  if (at + IFADDRMSG > end) return { ...common, type: 'malformed' };
  if (view.getUint8(at) !== AF_INET) return null;
  const address = decodeAddress(view, at, end);
  return { ...common, type: type === RTM_NEWADDR ? 'address' : 'addressGone', address };
}

function decodeLink(view: DataView, at: number, end: number): Link {
  const flags = view.getUint32(at + 8, LITTLE);
  const attributes = new Attributes(view, at + IFINFOMSG, end);
  const info = attributes.nested(IFLA_LINKINFO);
  const kind = info.text(IFLA_INFO_KIND);
  const data = info.nested(IFLA_INFO_DATA);
  return {
    index: view.getInt32(at + 4, LITTLE),
    name: attributes.text(IFLA_IFNAME),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    broadcast: (flags & IFF_BROADCAST) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    pointToPoint: (flags & IFF_POINTOPOINT) !== 0,
    hardwareType: view.getUint16(at + 2, LITTLE),
    hardwareAddress: attributes.bytes(IFLA_ADDRESS),
    mtu: attributes.u32(IFLA_MTU) ?? 0,
    master: attributes.u32(IFLA_MASTER) || null,
    kind,
    vlanId: kind === 'vlan' ? data.u16(IFLA_VLAN_ID) : null,
    vrfTable: kind === 'vrf' ? data.u32(IFLA_VRF_TABLE) : null,
    parentIndex: attributes.u32(IFLA_LINK) || null,
    parentNamespace: attributes.u32(IFLA_LINK_NETNSID),
  };
}

function decodeAddress(view: DataView, at: number, end: number): Address {
  const attributes = new Attributes(view, at + IFADDRMSG, end);
  // IFA_FLAGS has all 32 of them; the header, which is older, has the lowest 8.
  const flags = attributes.u32(IFA_FLAGS) ?? view.getUint8(at + 2);
  const address = attributes.ipv4(IFA_ADDRESS);
  const local = attributes.ipv4(IFA_LOCAL);
  return {
    ifindex: view.getInt32(at + 4, LITTLE),
    local: local ?? address ?? (0 as Ipv4),
    address: address ?? local ?? (0 as Ipv4),
    prefixLength: Math.min(view.getUint8(at + 1), 32),
    broadcast: attributes.ipv4(IFA_BROADCAST),
    label: attributes.text(IFA_LABEL),
    secondary: (flags & IFA_F_SECONDARY) !== 0,
    permanent: (flags & IFA_F_PERMANENT) !== 0,
    scope: view.getUint8(at + 3),
  };
}

// --- attributes ----------------------------------------------------------------------------------

/** The attributes of a message by type; one that is absent or too short reads as null or empty. */
class Attributes {
  readonly #view: DataView;
  readonly #places = new Map<number, { readonly at: number; readonly end: number }>();

  constructor(view: DataView, start: number, end: number) {
    this.#view = view;
    for (let at = start; at + ATTRIBUTE_HEADER <= end; ) {
      const length = view.getUint16(at, LITTLE);
      if (length < ATTRIBUTE_HEADER || at + length > end) break;
      const type = view.getUint16(at + 2, LITTLE) & ATTRIBUTE_TYPE;
      this.#places.set(type, { at: at + ATTRIBUTE_HEADER, end: at + length });
      at += align(length);
    }
  }

  /** A copy: the datagram's memory is not ours to keep. */
  bytes(type: number): Uint8Array {
    const { at, end } = this.#places.get(type) ?? NOWHERE;
    return new Uint8Array(
      this.#view.buffer.slice(this.#view.byteOffset + at, this.#view.byteOffset + end),
    );
  }

  text(type: number): string {
    const bytes = this.bytes(type);
    const nul = bytes.indexOf(0);
    return TEXT.decode(nul < 0 ? bytes : bytes.subarray(0, nul));
  }

  u16(type: number): number | null {
    const place = this.#places.get(type);
    return place && place.at + 2 <= place.end ? this.#view.getUint16(place.at, LITTLE) : null;
  }

  u32(type: number): number | null {
    const place = this.#places.get(type);
    return place && place.at + 4 <= place.end ? this.#view.getUint32(place.at, LITTLE) : null;
  }

  ipv4(type: number): Ipv4 | null {
    const bytes = this.bytes(type);
    return bytes.length >= 4 ? readIpv4(bytes, 0) : null;
  }

  nested(type: number): Attributes {
    const { at, end } = this.#places.get(type) ?? NOWHERE;
    return new Attributes(this.#view, at, end);
  }
}

const NOWHERE = { at: 0, end: 0 };
const TEXT = new TextDecoder();

function align(length: number): number {
  return (length + 3) & ~3;
}
