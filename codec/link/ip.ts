import { type Ipv4, readIpv4, writeIpv4 } from '../ipv4.ts';
import { checksumOf, sumOf, verifies } from './checksum.ts';

/** Assigned protocol numbers that this project meets. */
export const IP_PROTOCOL = { ICMP: 1, UDP: 17 } as const;

/** An IPv4 packet (RFC 791 §3.1). */
export interface IpPacket {
  /** Differentiated services and congestion bits (RFC 2474), earlier "type of service". */
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In octets, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** Options with their padding, a multiple of 4 octets, at most 40. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

/** Why bytes are no whole IPv4 packet. */
export type IpFault =
  | 'truncated'
  | 'notIpv4'
  | 'badHeaderLength'
  | 'badTotalLength'
  | 'badChecksum';

const HEADER = 20;

/** Reads a packet; what follows its total length, such as Ethernet padding, is let be. */
export function decodeIp(bytes: Uint8Array): IpPacket | IpFault {
  const packet = decodeIpQuote(bytes);
  if (typeof packet === 'string') return packet;
  const headerLength = HEADER + packet.options.length;
  if (u16(bytes, 2) > bytes.length) return 'truncated';
  return verifies(bytes, 0, headerLength) ? packet : 'badChecksum';
}

/**
 * Reads the beginning of a packet as an ICMP error quotes it: the header and eight octets or more (RFC 792, RFC 1812
 * §4.3.2.3). The checksum is not looked at, because routers quote the header as they have changed it.
 */
export function decodeIpQuote(bytes: Uint8Array): IpPacket | IpFault {
  if (bytes.length < HEADER) return 'truncated';
  if (bytes[0]! >>> 4 !== 4) return 'notIpv4';
  const headerLength = (bytes[0]! & 15) * 4;
  if (headerLength < HEADER) return 'badHeaderLength';
  const totalLength = u16(bytes, 2);
  if (totalLength < headerLength) return 'badTotalLength';
  if (bytes.length < headerLength) return 'truncated';
  const fragment = u16(bytes, 6);
  return {
    tos: bytes[1]!,
    identification: u16(bytes, 4),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: bytes[8]!,
    protocol: bytes[9]!,
    source: readIpv4(bytes, 12),
    destination: readIpv4(bytes, 16),
    options: bytes.subarray(HEADER, headerLength),
    payload: bytes.subarray(headerLength, totalLength),
  };
}

/** Writes a packet with its header checksum. */
export function encodeIp(packet: IpPacket): Uint8Array {
  const headerLength = HEADER + packet.options.length;
  const bytes = new Uint8Array(headerLength + packet.payload.length);
  bytes[0] = 0x40 | (headerLength / 4);
  bytes[1] = packet.tos;
  setU16(bytes, 2, bytes.length);
  setU16(bytes, 4, packet.identification);
  const flags = (packet.dontFragment ? 0x4000 : 0) | (packet.moreFragments ? 0x2000 : 0);
  setU16(bytes, 6, flags | (packet.fragmentOffset / 8));
  bytes[8] = packet.ttl;
  bytes[9] = packet.protocol;
  writeIpv4(bytes, 12, packet.source);
  writeIpv4(bytes, 16, packet.destination);
  bytes.set(packet.options, HEADER);
  setU16(bytes, 10, checksumOf(sumOf(bytes, 0, headerLength, 0)));
  bytes.set(packet.payload, headerLength);
  return bytes;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
