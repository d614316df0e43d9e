/** An IPv4 address as an unsigned 32-bit number, so that ranges are plain arithmetic. */
export type Ipv4 = number & { readonly __ipv4: never };

/** 0.0.0.0, "this host on this network" (RFC 1122 §3.2.1.3). */
export const UNSPECIFIED = 0 as Ipv4;

/** 255.255.255.255, never forwarded by a router (RFC 919 §7). */
export const LIMITED_BROADCAST = 0xffffffff as Ipv4;

/** A network: its first address and its length in bits. */
export interface Prefix {
  readonly address: Ipv4;
  readonly length: number;
}

/** Parses dotted-quad text; null for anything else, also for leading zeros (they mean octal to some). */
export function parseIpv4(text: string): Ipv4 | null {
  const octets = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(
    text,
  );
  if (octets === null) return null;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(octets[i]);
    if (octet > 255) return null;
    value = value * 256 + octet;
  }
  return value as Ipv4;
}

/** Dotted-quad text. */
export function formatIpv4(ip: Ipv4): string {
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

/** Parses `192.0.2.0/24`; null when it is not a prefix or has bits set beyond its length. */
export function parsePrefix(text: string): Prefix | null {
  const parts = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text);
  const address = parts === null ? null : parseIpv4(parts[1]!);
  const length = Number(parts?.[2]);
  if (address === null || length > 32) return null;
  return networkOf(address, length) === address ? { address, length } : null;
}

/** `192.0.2.0/24`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatIpv4(prefix.address)}/${prefix.length}`;
}

/** The netmask of a prefix length of 0 to 32 bits. */
export function maskOf(length: number): Ipv4 {
  return (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) as Ipv4;
}

/** The first address of the network of `length` bits that `ip` is in. */
export function networkOf(ip: Ipv4, length: number): Ipv4 {
  return ((ip & maskOf(length)) >>> 0) as Ipv4;
}

/** The last address of a network: its directed broadcast for lengths up to 30. */
export function broadcastOf(prefix: Prefix): Ipv4 {
  return ((prefix.address | ~maskOf(prefix.length)) >>> 0) as Ipv4;
}

/** Whether `ip` lies in `prefix`. */
export function contains(prefix: Prefix, ip: Ipv4): boolean {
  return networkOf(ip, prefix.length) === networkOf(prefix.address, prefix.length);
}

/** Whether two networks have addresses in common. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b.address) || contains(b, a.address);
}

/** Reads four octets in network order; the caller has checked the bounds. */
export function readIpv4(bytes: Uint8Array, at: number): Ipv4 {
  return (bytes[at]! * 0x1000000 +
    ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)) as Ipv4;
}

/** Writes four octets in network order; the caller has checked the bounds. */
export function writeIpv4(bytes: Uint8Array, at: number, ip: Ipv4): void {
  bytes[at] = ip >>> 24;
  bytes[at + 1] = ip >>> 16;
  bytes[at + 2] = ip >>> 8;
  bytes[at + 3] = ip;
}
