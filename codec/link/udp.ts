import type { Ipv4 } from '../ipv4.ts';
import { checksumOf, pseudoHeaderSum, sumOf, verifies } from './checksum.ts';
import { IP_PROTOCOL } from './ip.ts';

/** A UDP datagram as a value (RFC 768); the addresses are those of the IP packet around it. */
export interface UdpDatagram {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** Why the payload of an IP packet is no UDP datagram. */
export type UdpFault = 'truncated' | 'badLength' | 'badChecksum';

const HEADER = 8;

/** Reads the payload of an IP packet from `source` to `destination`. */
export function decodeUdp(
  bytes: Uint8Array,
  source: Ipv4,
  destination: Ipv4,
): UdpDatagram | UdpFault {
  if (bytes.length < HEADER) return 'truncated';
  const length = u16(bytes, 4);
  if (length < HEADER || length > bytes.length) return 'badLength';
  // RFC 768: a checksum of zero means that the sender made none.
  if (u16(bytes, 6) !== 0) {
    const pseudoHeader = pseudoHeaderSum(source, destination, IP_PROTOCOL.UDP, length);
    if (!verifies(bytes, 0, length, pseudoHeader)) return 'badChecksum';
  }
  return {
    source,
    sourcePort: u16(bytes, 0),
    destination,
    destinationPort: u16(bytes, 2),
    payload: bytes.subarray(HEADER, length),
  };
}

/** Writes the payload of an IP packet, with its checksum. */
export function encodeUdp(datagram: UdpDatagram): Uint8Array {
  const { source, destination, payload } = datagram;
  const bytes = new Uint8Array(HEADER + payload.length);
  setU16(bytes, 0, datagram.sourcePort);
  setU16(bytes, 2, datagram.destinationPort);
  setU16(bytes, 4, bytes.length);
  bytes.set(payload, HEADER);
  const pseudoHeader = pseudoHeaderSum(source, destination, IP_PROTOCOL.UDP, bytes.length);
  const checksum = checksumOf(sumOf(bytes, 0, bytes.length, pseudoHeader));
  // RFC 768: a sum that comes out as zero is sent as all ones.
  setU16(bytes, 6, checksum === 0 ? 0xffff : checksum);
  return bytes;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
