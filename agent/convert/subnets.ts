import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
} from '../../codec/ipv4.ts';
import type { AddressPool, ServerSubnet, SubnetSelector } from '../../crds/types/dhcpsubnet.ts';
import { type BootContext, bootContext, bootTable } from './boots.ts';
import type { Classes } from './classes.ts';
import { forbid, levelYaml } from './levels.ts';
import type { Pool, Range, Subnet } from './model.ts';
import type { Report } from './report.ts';
import { reservationsYaml } from './reservations.ts';

const POOLS_MAX = 256;
const SELECTORS_MAX = 256;
const NAME_MAX = 63;

/** The subnets that one server can serve: apart from each other. */
export function servable(subnets: readonly Subnet[], report: Report): Subnet[] {
  const kept: Subnet[] = [];
  const sorted = [...subnets].sort(
    (a, b) => a.prefix.address - b.prefix.address || a.prefix.length - b.prefix.length,
  );
  let before: Subnet | undefined;
  const apart = new Set<Subnet>();
  for (const subnet of sorted) {
    const { place, prefix } = subnet;
    if (before !== undefined && contains(before.prefix, prefix.address)) {
      const why = `overlaps ${formatPrefix(before.prefix)}`;
      report.add(place, `subnet ${formatPrefix(prefix)}`, why, 'give it a DhcpServer of its own');
    } else {
      apart.add(subnet);
      before = subnet;
    }
  }
  for (const subnet of subnets) if (apart.has(subnet)) kept.push(subnet);
  return kept;
}

/** A subnet as manifests have it. */
export function subnetYaml(
  subnet: Subnet,
  outer: BootContext,
  names: Set<string>,
  classes: Classes,
  report: Report,
): ServerSubnet {
  const { level, place, prefix } = subnet;
  const cidr = formatPrefix(prefix);
  const what = `subnet ${cidr}`;
  const pools = poolsYaml(subnet, classes, report);
  const boot = bootTable(level, outer, classes, { place, what, report });
  const reservations = reservationsYaml(subnet, bootContext(level, outer), classes, report);
  const name = subnet.name === null ? null : freeName(subnet.name, cidr, names);
  return {
    cidr,
    ...(name !== null && { name }),
    ...(subnet.sharedNetwork !== null && { sharedNetwork: subnet.sharedNetwork }),
    ...(subnet.selectors.length > 0 && { selectors: selectorsYaml(subnet) }),
    ...levelYaml(level),
    ...(boot !== undefined && { boot }),
    ...(pools.length > 0 && { pools }),
    ...(reservations !== undefined && { reservations }),
  };
}

function selectorsYaml({ selectors }: Subnet): SubnetSelector[] {
  return selectors.slice(0, SELECTORS_MAX).map(({ giaddr, interface: link }) => ({
    ...(giaddr !== undefined && { giaddr: formatIpv4(giaddr) }),
    ...(link !== undefined && { interface: link }),
  }));
}

function freeName(wanted: string, cidr: string, names: Set<string>): string | null {
  const name = wanted.slice(0, NAME_MAX).trim();
  if (name === '' || name === cidr || names.has(name)) return null;
  names.add(name);
  return name;
}

function poolsYaml(subnet: Subnet, classes: Classes, report: Report): AddressPool[] {
  const written: AddressPool[] = [];
  const taken: Range[] = [];
  for (const pool of subnet.pools) {
    const { place } = pool;
    const mention = { place, what: 'pool', report };
    forbid(pool.level, ['minLeaseTime', 'maxLeaseTime', 'ipv6OnlyWait'], mention);
    forbidBoot(pool, report);
    const permitted = classes.permitted(pool.permits, place, 'pool');
    if (permitted === null) {
      report.add(place, poolName(pool), 'who may use it cannot be told', 'add it by hand');
      continue;
    }
    for (const range of pool.ranges) {
      for (const part of usable(range, subnet.prefix, taken, pool, report)) {
        taken.push(part);
        written.push({
          start: formatIpv4(part.start),
          end: formatIpv4(part.end),
          ...(permitted !== undefined && { classes: permitted }),
          ...levelYaml(pool.level),
        });
      }
    }
  }
  if (written.length <= POOLS_MAX) return written;
  const why = `has ${written.length} ranges, and there is room for ${POOLS_MAX}`;
  report.add(subnet.place, `subnet ${formatPrefix(subnet.prefix)}`, why, 'merge some of them');
  return written.slice(0, POOLS_MAX);
}

function poolName({ ranges }: Pool): string {
  const [first] = ranges;
  return first === undefined ? 'pool' : `pool ${formatIpv4(first.start)}-${formatIpv4(first.end)}`;
}

function forbidBoot({ level, place }: Pool, report: Report): void {
  if (Object.keys(level.boot).length === 0 && level.bootCases.length === 0) return;
  const remedy = 'move it to the subnet, with a class if need be';
  report.add(place, 'pool, what to boot', 'cannot be set for a pool', remedy);
}

/** What of a range is in the subnet, is a host's and nobody else's. */
function usable(
  range: Range,
  prefix: Prefix,
  taken: readonly Range[],
  { place }: Pool,
  report: Report,
): Range[] {
  const what = `range ${formatIpv4(range.start)}-${formatIpv4(range.end)}`;
  const hosts = prefix.length < 31 ? 1 : 0;
  const start = Math.max(range.start, prefix.address + hosts) as Ipv4;
  const end = Math.min(range.end, broadcastOf(prefix) - hosts) as Ipv4;
  if (start !== range.start || end !== range.end) {
    const why = `has addresses that are no host's in ${formatPrefix(prefix)}`;
    report.add(place, what, why, 'nothing to do: they are left out');
  }
  const whole: Range = { start, end };
  let parts = start <= end ? [whole] : [];
  for (const hole of taken) parts = parts.flatMap((part) => without(part, hole));
  const size = parts.reduce((sum, part) => sum + part.end - part.start + 1, 0);
  if (start <= end && size < end - start + 1) {
    const why = 'shares addresses with an earlier one';
    report.add(place, what, why, 'nothing to do: the earlier one keeps them');
  }
  return parts;
}

function without({ start, end }: Range, hole: Range): Range[] {
  if (hole.end < start || hole.start > end) return [{ start, end }];
  const parts: Range[] = [];
  if (hole.start > start) parts.push({ start, end: (hole.start - 1) as Ipv4 });
  if (hole.end < end) parts.push({ start: (hole.end + 1) as Ipv4, end });
  return parts;
}
