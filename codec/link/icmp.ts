import { checksumOf, sumOf } from './checksum.ts';

export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;

const HEADER = 8;

/** An echo request or its reply (RFC 792). */
export interface Echo {
  readonly type: number;
  readonly identifier: number;
  readonly sequence: number;
}

/** An echo message without data, its checksum complete. */
export function encodeEcho({ type, identifier, sequence }: Echo): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  view.setUint16(2, checksumOf(sumOf(bytes, 0, HEADER, 0)));
  return bytes;
}

/** Reads an echo request or reply from an IPv4 packet; null for everything else and for wrong checksums. */
export function decodeEcho(packet: Uint8Array): Echo | null {
  if (packet.length < 20 || packet[0]! >>> 4 !== 4) return null;
  const at = (packet[0]! & 15) * 4;
  if (at < 20 || packet.length < at + HEADER) return null;
  const type = packet[at]!;
  if ((type !== ICMP_ECHO_REPLY && type !== ICMP_ECHO_REQUEST) || packet[at + 1] !== 0) return null;
  if (checksumOf(sumOf(packet, at, packet.length, 0)) !== 0) return null;
  const u16 = (offset: number): number => (packet[at + offset]! << 8) | packet[at + offset + 1]!;
  return { type, identifier: u16(4), sequence: u16(6) };
}
