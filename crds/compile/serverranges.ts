import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
  parseIpv4,
  parsePrefix,
} from '../../codec/ipv4.ts';
import type { AddressPool, AddressRange } from '../types/dhcpsubnet.ts';
import type { RangeConfig } from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';

/** Parses an address, or says what is wrong with it. */
export function address(text: string, path: string, findings: Findings): Ipv4 | null {
  const value = parseIpv4(text);
  if (value === null) {
    findings.problem(path, 'InvalidAddress', `"${text}" is not an IPv4 address such as 192.0.2.1`);
  }
  return value;
}

/** Parses a network, or says what is wrong with it. */
export function prefix(text: string, path: string, findings: Findings): Prefix | null {
  const value = parsePrefix(text);
  if (value === null) {
    const message = `"${text}" is not a network such as 192.0.2.0/24 (its host bits must be 0)`;
    findings.problem(path, 'InvalidNetwork', message);
  }
  return value;
}

/** The addresses of a pool without its exclusions; empty when there is something wrong with it. */
export function poolRanges(
  pool: AddressPool,
  subnet: Prefix,
  path: string,
  findings: Findings,
): RangeConfig[] {
  const whole = range(pool, path, findings);
  if (whole === null) return [];
  if (!contains(subnet, whole.start) || !contains(subnet, whole.end)) {
    const message = `${formatRange(whole)} is not in ${formatPrefix(subnet)}`;
    findings.problem(path, 'OutsideSubnet', message);
    return [];
  }
  let ranges = [withoutEnds(whole, subnet, pool.cidr === undefined, path, findings)];
  for (const [i, entry] of (pool.exclude ?? []).entries()) {
    const hole = range(entry, `${path}.exclude[${i}]`, findings);
    if (hole !== null) ranges = ranges.flatMap((r) => without(r, hole));
  }
  const left = ranges.filter(({ start, end }) => start <= end);
  if (left.length === 0) findings.problem(path, 'EmptyPool', 'no address is left: widen the pool');
  return left;
}

/** `192.0.2.10-192.0.2.20`. */
export function formatRange({ start, end }: RangeConfig): string {
  return start === end ? formatIpv4(start) : `${formatIpv4(start)}-${formatIpv4(end)}`;
}

/** The addresses that two lists of ranges have in common, if any: the first such stretch. */
export function overlap(
  some: readonly RangeConfig[],
  others: readonly RangeConfig[],
): RangeConfig | null {
  for (const a of some) {
    for (const b of others) {
      const start = Math.max(a.start, b.start) as Ipv4;
      const end = Math.min(a.end, b.end) as Ipv4;
      if (start <= end) return { start, end };
    }
  }
  return null;
}

function range(entry: AddressRange, path: string, findings: Findings): RangeConfig | null {
  const pair = entry.start !== undefined || entry.end !== undefined;
  const ways = [entry.address !== undefined, entry.cidr !== undefined, pair];
  const complete = !pair || (entry.start !== undefined && entry.end !== undefined);
  if (ways.filter(Boolean).length !== 1 || !complete) {
    const message = 'give either cidr, or start and end';
    findings.problem(path, 'ExactlyOneOf', message);
    return null;
  }
  if (entry.cidr !== undefined) {
    const network = prefix(entry.cidr, `${path}.cidr`, findings);
    return network === null ? null : { start: network.address, end: broadcastOf(network) };
  }
  if (entry.address !== undefined) {
    const single = address(entry.address, `${path}.address`, findings);
    return single === null ? null : { start: single, end: single };
  }
  return startToEnd(entry, path, findings);
}

function startToEnd(entry: AddressRange, path: string, findings: Findings): RangeConfig | null {
  const start = address(entry.start!, `${path}.start`, findings);
  const end = address(entry.end!, `${path}.end`, findings);
  if (start === null || end === null) return null;
  if (start <= end) return { start, end };
  const message = `ends at ${entry.end}, before it starts at ${entry.start}: swap them`;
  findings.problem(path, 'EmptyPool', message);
  return null;
}

// The network's own address and its broadcast address are nobody's (RFC 1122 §3.2.1.3), except where there is no
// room for them (RFC 3021).
function withoutEnds(
  whole: RangeConfig,
  subnet: Prefix,
  isExplicit: boolean,
  path: string,
  findings: Findings,
): RangeConfig {
  if (subnet.length >= 31) return whole;
  const first = subnet.address;
  const last = broadcastOf(subnet);
  const start = (whole.start === first ? first + 1 : whole.start) as Ipv4;
  const end = (whole.end === last ? last - 1 : whole.end) as Ipv4;
  if (isExplicit && (start !== whole.start || end !== whole.end)) {
    const message = `${formatIpv4(first)} and ${formatIpv4(last)} of ${formatPrefix(subnet)} are no host's; they are left out`;
    findings.warn(path, 'NetworkAddress', message);
  }
  return { start, end };
}

function without(range: RangeConfig, hole: RangeConfig): RangeConfig[] {
  if (hole.end < range.start || hole.start > range.end) return [range];
  const parts: RangeConfig[] = [];
  if (hole.start > range.start) parts.push({ start: range.start, end: (hole.start - 1) as Ipv4 });
  if (hole.end < range.end) parts.push({ start: (hole.end + 1) as Ipv4, end: range.end });
  return parts;
}
