import { type Ipv4, readIpv4, UNSPECIFIED, writeIpv4 } from '../ipv4.ts';
import { checksumOf, pseudoHeaderSum, sumOf, verifies } from './checksum.ts';

const IP_HEADER = 20;
const UDP_HEADER = 8;
/** Octets of the IP and UDP headers that `writeHeaders` writes. */
export const HEADERS_LENGTH = IP_HEADER + UDP_HEADER;
/** Where in them the UDP header begins. */
export const UDP_AT = IP_HEADER;

const PROTOCOL_UDP = 17;
/** What IANA recommends (RFC 1700, "IP time to live parameter"); a relay must not send the 1 that RFC 1542 §4 fears. */
const TTL = 64;
/** IPTOS_LOWDELAY, which ISC's dhcpd, dhclient and dhcrelay put on what they send, so that queues treat ours alike. */
const TOS = 0x10;
const VERSION_AND_TOS = 0x4500 | TOS;
const TTL_AND_PROTOCOL = (TTL << 8) | PROTOCOL_UDP;
/** "More fragments" and the fragment offset (RFC 791 §3.1). */
const FRAGMENT = 0x3fff;

/** Why bytes are no whole UDP datagram over IPv4. */
export type DatagramDrop =
  | 'notIpv4'
  | 'truncated'
  | 'badIpHeader'
  | 'badIpChecksum'
  | 'fragment'
  | 'notUdp'
  | 'badUdpLength'
  | 'badUdpChecksum';

/** A UDP datagram and where it lies; filled again for every packet. Offsets are into the bytes that were parsed. */
export class Datagram {
  source: Ipv4 = UNSPECIFIED;
  destination: Ipv4 = UNSPECIFIED;
  sourcePort = 0;
  destinationPort = 0;
  payloadAt = 0;
  /** Behind the payload; what follows, such as Ethernet padding, is not part of it. */
  end = 0;
}

/**
 * Reads the IPv4 packet in bytes[start, end). With `vouched` the UDP checksum is not looked at: the kernel says that it
 * is still for the hardware to finish (TP_STATUS_CSUMNOTREADY), or somebody has looked already. Allocates nothing.
 */
export function parseDatagram(
  into: Datagram,
  bytes: Uint8Array,
  start: number,
  end: number,
  vouched: boolean,
): DatagramDrop | null {
  if (end - start < IP_HEADER) return 'truncated';
  if (bytes[start]! >>> 4 !== 4) return 'notIpv4';
  const headerLength = (bytes[start]! & 15) * 4;
  const totalLength = u16(bytes, start + 2);
  if (headerLength < IP_HEADER || totalLength < headerLength) return 'badIpHeader';
  if (totalLength > end - start) return 'truncated';
  if (!verifies(bytes, start, start + headerLength)) return 'badIpChecksum';
  // A message in fragments is not for us: RFC 2131 §2 keeps what everyone must accept below 576 octets.
  if ((u16(bytes, start + 6) & FRAGMENT) !== 0) return 'fragment';
  if (bytes[start + 9] !== PROTOCOL_UDP) return 'notUdp';
  const udp = start + headerLength;
  if (totalLength - headerLength < UDP_HEADER) return 'badUdpLength';
  const udpLength = u16(bytes, udp + 4);
  if (udpLength < UDP_HEADER || udpLength > totalLength - headerLength) return 'badUdpLength';
  into.source = readIpv4(bytes, start + 12);
  into.destination = readIpv4(bytes, start + 16);
  // RFC 768: a checksum of zero means that the sender made none.
  if (!vouched && u16(bytes, udp + 6) !== 0) {
    const sum = pseudoHeaderSum(into.source, into.destination, PROTOCOL_UDP, udpLength);
    if (!verifies(bytes, udp, udp + udpLength, sum)) return 'badUdpChecksum';
  }
  into.sourcePort = u16(bytes, udp);
  into.destinationPort = u16(bytes, udp + 2);
  into.payloadAt = udp + UDP_HEADER;
  into.end = udp + udpLength;
  return null;
}

/**
 * Writes the 28 octets of IP and UDP header at `at` for the payload bytes[payloadAt, payloadEnd), which may lie
 * anywhere in the same bytes; both checksums are complete. Routers may fragment it. The identification stays 0: a raw
 * IP socket fills it in, and elsewhere the datagram fits the link, so that it is never told from another (RFC 6864 §4).
 */
export function writeHeaders(
  bytes: Uint8Array,
  at: number,
  source: Ipv4,
  sourcePort: number,
  destination: Ipv4,
  destinationPort: number,
  payloadAt: number,
  payloadEnd: number,
): void {
  const length = payloadEnd - payloadAt;
  writePartialHeaders(bytes, at, source, sourcePort, destination, destinationPort, length);
  const udp = at + UDP_AT;
  const header = sumOf(bytes, udp, udp + UDP_HEADER, 0);
  const checksum = checksumOf(sumOf(bytes, payloadAt, payloadEnd, header));
  // RFC 768: a sum that comes out as zero is sent as all ones.
  setU16(bytes, udp + 6, checksum === 0 ? 0xffff : checksum);
}

/**
 * The same for a payload of so many octets, its UDP checksum left to whoever sends it, as kernels leave it to
 * hardware: the field holds the sum of the pseudo header.
 */
export function writePartialHeaders(
  bytes: Uint8Array,
  at: number,
  source: Ipv4,
  sourcePort: number,
  destination: Ipv4,
  destinationPort: number,
  payloadLength: number,
): void {
  const udpLength = UDP_HEADER + payloadLength;
  const length = IP_HEADER + udpLength;
  const addresses = pseudoHeaderSum(source, destination, 0, 0);
  setU16(bytes, at, VERSION_AND_TOS);
  setU16(bytes, at + 2, length);
  setU16(bytes, at + 4, 0);
  setU16(bytes, at + 6, 0);
  setU16(bytes, at + 8, TTL_AND_PROTOCOL);
  setU16(bytes, at + 10, checksumOf(VERSION_AND_TOS + length + TTL_AND_PROTOCOL + addresses));
  writeIpv4(bytes, at + 12, source);
  writeIpv4(bytes, at + 16, destination);
  const udp = at + UDP_AT;
  setU16(bytes, udp, sourcePort);
  setU16(bytes, udp + 2, destinationPort);
  setU16(bytes, udp + 4, udpLength);
  setU16(bytes, udp + 6, ~checksumOf(addresses + PROTOCOL_UDP + udpLength) & 0xffff);
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
