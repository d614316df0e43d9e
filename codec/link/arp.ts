import { type Ipv4, readIpv4, UNSPECIFIED, writeIpv4 } from '../ipv4.ts';
import { ETHERTYPE } from './ethernet.ts';

/** EtherType of ARP. */
export const ETHERTYPE_ARP = ETHERTYPE.ARP;

/** Octets of a packet between 48-bit addresses and IPv4 (RFC 826). */
export const ARP_LENGTH = 28;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const ETHERNET = 1;
const IPV4 = ETHERTYPE.IPV4;
const MAC_LENGTH = 6;
const IPV4_LENGTH = 4;

/** Who has, or asks for, an IPv4 address on an Ethernet (RFC 826). */
export interface Arp {
  /** ARP_REQUEST, ARP_REPLY, or what IANA has registered since: to be ignored. */
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
  const { operation } = arp;
  bytes.set([0, ETHERNET, IPV4 >>> 8, IPV4 & 255, MAC_LENGTH, IPV4_LENGTH], at);
  bytes.set([operation >>> 8, operation], at + 6);
  bytes.set(arp.senderHardware, at + 8);
  writeIpv4(bytes, at + 14, arp.sender);
  bytes.set(arp.targetHardware, at + 18);
  writeIpv4(bytes, at + 24, arp.target);
}

/** Asks whether anybody has an address, without claiming one (RFC 5227 §2.1.1). */
export function arpProbe(hardwareAddress: Uint8Array, target: Ipv4): Arp {
  return arpRequest(hardwareAddress, UNSPECIFIED, target);
}

/** Tells everybody that an address is ours from now on (RFC 5227 §2.3). */
export function arpAnnouncement(hardwareAddress: Uint8Array, address: Ipv4): Arp {
  return arpRequest(hardwareAddress, address, address);
}

/** Asks who has an address, as the holder of another one. */
export function arpRequest(hardwareAddress: Uint8Array, sender: Ipv4, target: Ipv4): Arp {
  return {
    operation: ARP_REQUEST,
    senderHardware: hardwareAddress,
    sender,
    targetHardware: new Uint8Array(MAC_LENGTH),
    target,
  };
}

/** What the holder of the address that was asked for answers. */
export function arpReply(request: Arp, hardwareAddress: Uint8Array): Arp {
  return {
    operation: ARP_REPLY,
    senderHardware: hardwareAddress,
    sender: request.target,
    targetHardware: request.senderHardware,
    target: request.sender,
  };
}

/** Whether a packet that came in says that `address`, which we are probing for, cannot be had (RFC 5227 §2.1.1). */
export function deniesProbe(arp: Arp, hardwareAddress: Uint8Array, address: Ipv4): boolean {
  if (!asksOrAnswers(arp)) return false;
  // A bridge may hand our own probe back to us.
  if (equal(arp.senderHardware, hardwareAddress)) return false;
  // "any ARP packet (Request *or* Reply) … where the packet's 'sender IP address' is the address being probed for"
  if (arp.sender === address) return true;
  // "… any ARP Probe where the packet's 'target IP address' is the address being probed for"
  return arp.operation === ARP_REQUEST && arp.sender === UNSPECIFIED && arp.target === address;
}

/** Whether a packet that came in shows somebody else using `address`, which is ours (RFC 5227 §2.4). */
export function conflicts(arp: Arp, hardwareAddress: Uint8Array, address: Ipv4): boolean {
  return (
    asksOrAnswers(arp) && arp.sender === address && !equal(arp.senderHardware, hardwareAddress)
  );
}

function asksOrAnswers({ operation }: Arp): boolean {
  return operation === ARP_REQUEST || operation === ARP_REPLY;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

function octets(bytes: Uint8Array, at: number): Uint8Array {
  return new Uint8Array(bytes.subarray(at, at + MAC_LENGTH));
}
