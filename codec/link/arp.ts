import { type Ipv4, readIpv4, UNSPECIFIED, writeIpv4 } from '../ipv4.ts';

/** EtherType of ARP. */
export const ETHERTYPE_ARP = 0x0806;

/** Octets of a packet between 48-bit addresses and IPv4 (RFC 826). */
export const ARP_LENGTH = 28;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const ETHERNET = 1;
const IPV4 = 0x0800;
const MAC_LENGTH = 6;
const IPV4_LENGTH = 4;

/** Who has, or asks for, an IPv4 address on an Ethernet (RFC 826). */
export interface Arp {
  readonly operation: number;
  readonly senderHardware: Uint8Array;
  readonly sender: Ipv4;
  readonly targetHardware: Uint8Array;
  readonly target: Ipv4;
}

/** Reads a packet; null when it is cut off or not about IPv4 over 48-bit addresses. What follows it is padding. */
export function decodeArp(bytes: Uint8Array, start: number, end: number): Arp | null {
  if (end - start < ARP_LENGTH) return null;
  const u16 = (at: number): number => (bytes[start + at]! << 8) | bytes[start + at + 1]!;
  if (u16(0) !== ETHERNET || u16(2) !== IPV4) return null;
  if (bytes[start + 4] !== MAC_LENGTH || bytes[start + 5] !== IPV4_LENGTH) return null;
  return {
    operation: u16(6),
    senderHardware: octets(bytes, start + 8),
    sender: readIpv4(bytes, start + 14),
    targetHardware: octets(bytes, start + 18),
    target: readIpv4(bytes, start + 24),
  };
}

/** Writes a packet of ARP_LENGTH octets at `at`. */
export function writeArp(bytes: Uint8Array, at: number, arp: Arp): void {
  bytes.set([0, ETHERNET, IPV4 >>> 8, IPV4 & 255, MAC_LENGTH, IPV4_LENGTH, 0, arp.operation], at);
  bytes.set(arp.senderHardware, at + 8);
  writeIpv4(bytes, at + 14, arp.sender);
  bytes.set(arp.targetHardware, at + 18);
  writeIpv4(bytes, at + 24, arp.target);
}

/** Asks whether anybody has an address, without claiming one (RFC 5227 §2.1.1). */
export function arpProbe(hardwareAddress: Uint8Array, target: Ipv4): Arp {
  return {
    operation: ARP_REQUEST,
    senderHardware: hardwareAddress,
    sender: UNSPECIFIED,
    targetHardware: new Uint8Array(MAC_LENGTH),
    target,
  };
}

function octets(bytes: Uint8Array, at: number): Uint8Array {
  return new Uint8Array(bytes.subarray(at, at + MAC_LENGTH));
}
