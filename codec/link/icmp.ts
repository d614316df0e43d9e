import { checksumOf, sumOf, verifies } from './checksum.ts';
import { decodeIpQuote, IP_PROTOCOL } from './ip.ts';

export const ICMP_ECHO_REPLY = 0 as const;
export const ICMP_UNREACHABLE = 3 as const;
export const ICMP_ECHO_REQUEST = 8 as const;

/** An echo request or its reply (RFC 792). */
export interface Echo {
  readonly type: typeof ICMP_ECHO_REQUEST | typeof ICMP_ECHO_REPLY;
  readonly identifier: number;
  readonly sequence: number;
}

/** An echo with what it carries and the reply returns. */
export interface EchoMessage extends Echo {
  readonly data: Uint8Array;
}

/** Destination unreachable (RFC 792). */
export interface Unreachable {
  readonly type: typeof ICMP_UNREACHABLE;
  /** 0 net, 1 host, 2 protocol, 3 port, 4 fragmentation needed … (RFC 1122 §3.2.2.1). */
  readonly code: number;
  /** MTU of the next hop where the code is 4 (RFC 1191 §4), else 0. */
  readonly mtu: number;
  /** The packet that could not be delivered, or its beginning; `decodeIpQuote` reads it. */
  readonly quote: Uint8Array;
}

/** The messages that this project sends and understands. */
export type IcmpMessage = EchoMessage | Unreachable;

/** Why the payload of an IP packet is none of them. */
export type IcmpFault = 'truncated' | 'badChecksum' | 'unknownType';

const HEADER = 8;

/** Reads the payload of an IP packet. */
export function decodeIcmp(bytes: Uint8Array): IcmpMessage | IcmpFault {
  if (bytes.length < HEADER) return 'truncated';
  if (!verifies(bytes, 0, bytes.length)) return 'badChecksum';
  const type = bytes[0]!;
  const code = bytes[1]!;
  const rest = bytes.subarray(HEADER);
  if (type === ICMP_UNREACHABLE) return { type, code, mtu: u16(bytes, 6), quote: rest };
  // RFC 792: code 0 is the only one that echoes have.
  if (code !== 0 || (type !== ICMP_ECHO_REQUEST && type !== ICMP_ECHO_REPLY)) return 'unknownType';
  return { type, identifier: u16(bytes, 4), sequence: u16(bytes, 6), data: rest };
}

/** Writes the payload of an IP packet, its checksum complete. */
export function encodeIcmp(message: IcmpMessage): Uint8Array {
  const unreachable = message.type === ICMP_UNREACHABLE;
  const rest = unreachable ? message.quote : message.data;
  const bytes = new Uint8Array(HEADER + rest.length);
  bytes[0] = message.type;
  bytes[1] = unreachable ? message.code : 0;
  setU16(bytes, 4, unreachable ? 0 : message.identifier);
  setU16(bytes, 6, unreachable ? message.mtu : message.sequence);
  bytes.set(rest, HEADER);
  setU16(bytes, 2, checksumOf(sumOf(bytes, 0, bytes.length, 0)));
  return bytes;
}

/** An echo message without data, its checksum complete. */
export function encodeEcho(echo: Echo): Uint8Array {
  return encodeIcmp({ ...echo, data: new Uint8Array() });
}

/**
 * Reads an echo request or reply from an IPv4 packet as a raw IP socket gives it, whose header the kernel has verified;
 * null for everything else and for wrong checksums.
 */
export function decodeEcho(packet: Uint8Array): Echo | null {
  const ip = decodeIpQuote(packet);
  if (typeof ip === 'string' || ip.protocol !== IP_PROTOCOL.ICMP) return null;
  const message = decodeIcmp(ip.payload);
  if (typeof message === 'string' || message.type === ICMP_UNREACHABLE) return null;
  const { type, identifier, sequence } = message;
  return { type, identifier, sequence };
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
