import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
  readIpv4,
} from '../../codec/ipv4.ts';
import { OPTION } from '../../codec/v4/options.ts';
import type { ServerSubnet, SharedNetwork, SubnetSelector } from '../types/dhcpsubnet.ts';
import type {
  NetworkConfig,
  PoolConfig,
  RangeConfig,
  SelectorConfig,
  SettingsConfig,
  SubnetConfig,
} from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';
import { knownClasses } from './serverboot.ts';
import { address, formatRange, overlap, poolRanges, prefix } from './serverranges.ts';
import { compileReservations, octets } from './serverreservations.ts';
import type { Levels } from './serversettings.ts';

/** A subnet with where it was written. */
interface Placed {
  readonly subnet: SubnetConfig;
  readonly path: string;
}

/** Compiles subnets into the networks that they form. */
export function compileNetworks(
  subnets: readonly ServerSubnet[],
  shared: readonly SharedNetwork[],
  classes: ReadonlySet<string>,
  levels: Levels,
): readonly NetworkConfig[] {
  const { findings } = levels;
  const networks = new Map<string, { settings: SettingsConfig; subnets: SubnetConfig[] }>();
  for (const [i, network] of shared.entries()) {
    const at = `spec.sharedNetworks[${i}]`;
    if (networks.has(network.name)) {
      findings.problem(at, 'Duplicate', `there are two of the name ${network.name}: merge them`);
    }
    networks.set(network.name, { settings: levels.settings(network, at), subnets: [] });
  }
  const placed: Placed[] = [];
  for (const [i, spec] of subnets.entries()) {
    const path = `spec.subnets[${i}]`;
    const subnet = compileSubnet(spec, path, classes, levels);
    if (subnet === null) continue;
    placed.push({ subnet, path });
    // A subnet alone is its own network; a blank cannot be part of a shared network's name.
    const name = spec.sharedNetwork ?? ` ${subnet.name}`;
    const network = networks.get(name);
    if (network !== undefined) network.subnets.push(subnet);
    else networks.set(name, { settings: levels.settings({}, path), subnets: [subnet] });
  }
  checkApart(placed, findings);
  for (const [i, { name }] of shared.entries()) {
    if (networks.get(name)!.subnets.length > 0) continue;
    const message = `no subnet has sharedNetwork: ${name}`;
    findings.warn(`spec.sharedNetworks[${i}]`, 'Unused', message);
  }
  return [...networks]
    .filter(([, { subnets: members }]) => members.length > 0)
    .map(([name, network]) => ({ name: name.trim(), ...network }));
}

function compileSubnet(
  spec: ServerSubnet,
  path: string,
  classes: ReadonlySet<string>,
  levels: Levels,
): SubnetConfig | null {
  const { findings } = levels;
  const network = prefix(spec.cidr, `${path}.cidr`, findings);
  const settings = levels.settings(spec, path);
  if (network === null) return null;
  const routers = addressesOf(settings, OPTION.routers);
  for (const router of routers.filter((r) => !contains(network, r))) {
    const message = `${formatIpv4(router)} is not in ${spec.cidr}, so clients cannot reach it`;
    findings.warn(`${path}.options.routers`, 'RouterOutsideSubnet', message);
  }
  const pools = compilePools(spec, network, path, classes, levels);
  const at = `${path}.reservations`;
  const reservations = compileReservations(spec.reservations, network, at, levels);
  const ends = [network.address, broadcastOf(network)];
  for (const [i, { address: reserved }] of reservations.entries()) {
    if (reserved === null) continue;
    if (network.length < 31 && ends.includes(reserved)) {
      const message = `${formatIpv4(reserved)} is the first or last address of ${spec.cidr}, no host's`;
      findings.problem(`${at}[${i}].address`, 'NetworkAddress', message);
    } else if (routers.includes(reserved)) {
      const message = `${formatIpv4(reserved)} is the router of this subnet`;
      findings.warn(`${at}[${i}].address`, 'RouterReserved', message);
    }
  }
  if (pools.length === 0 && reservations.length === 0) {
    const message = 'has neither pools nor reservations: its clients get settings, but no address';
    findings.warn(path, 'NoAddresses', message);
  }
  return {
    name: spec.name ?? spec.cidr,
    prefix: network,
    selectors: (spec.selectors ?? [])
      .map((entry, i) => compileSelector(entry, `${path}.selectors[${i}]`, findings))
      .filter((entry) => entry !== null),
    pools: withoutRouters(pools, routers, path, findings),
    reservations,
    settings,
  };
}

function compilePools(
  spec: ServerSubnet,
  network: Prefix,
  path: string,
  classes: ReadonlySet<string>,
  levels: Levels,
): PoolConfig[] {
  const { findings } = levels;
  const pools: PoolConfig[] = [];
  for (const [i, pool] of (spec.pools ?? []).entries()) {
    const at = `${path}.pools[${i}]`;
    const ranges = poolRanges(pool, network, at, findings);
    knownClasses(pool.classes, `${at}.classes`, classes, findings);
    for (const [j, other] of pools.entries()) {
      const both = overlap(ranges, other.ranges);
      if (both === null) continue;
      const message = `${formatRange(both)} is also in ${path}.pools[${j}]: take it out of one`;
      findings.problem(at, 'Overlap', message);
    }
    pools.push({ ranges, classes: pool.classes ?? [], settings: levels.settings(pool, at) });
  }
  return pools;
}

// A router that the subnet itself names is not for clients.
function withoutRouters(
  pools: readonly PoolConfig[],
  routers: readonly Ipv4[],
  path: string,
  findings: Findings,
): readonly PoolConfig[] {
  return pools.map((pool, i) => {
    let ranges = pool.ranges;
    for (const router of routers) {
      const hole = ranges.find(({ start, end }) => start <= router && router <= end);
      if (hole === undefined) continue;
      const message = `${formatIpv4(router)} is the router of this subnet; it is not given to clients`;
      findings.warn(`${path}.pools[${i}]`, 'RouterInPool', message);
      ranges = ranges.flatMap((range) => (range === hole ? around(range, router) : [range]));
    }
    return { ...pool, ranges };
  });
}

function around({ start, end }: RangeConfig, address: Ipv4): RangeConfig[] {
  const parts = [
    { start, end: (address - 1) as Ipv4 },
    { start: (address + 1) as Ipv4, end },
  ];
  return parts.filter((part) => part.start <= part.end);
}

function compileSelector(
  entry: SubnetSelector,
  path: string,
  findings: Findings,
): SelectorConfig | null {
  if (Object.keys(entry).length === 0) {
    findings.problem(
      path,
      'Empty',
      'names nothing, so it would take every request: name something',
    );
    return null;
  }
  return {
    giaddr: entry.giaddr === undefined ? null : address(entry.giaddr, `${path}.giaddr`, findings),
    circuitId:
      entry.circuitId === undefined ? null : octets(entry.circuitId, `${path}.circuitId`, findings),
    remoteId:
      entry.remoteId === undefined ? null : octets(entry.remoteId, `${path}.remoteId`, findings),
    vrf: entry.vrf ?? null,
    interface: entry.interface ?? null,
  };
}

// An address tells its subnet, so subnets cannot overlap, and neither can their names.
function checkApart(placed: readonly Placed[], findings: Findings): void {
  const byStart = [...placed].sort((a, b) => a.subnet.prefix.address - b.subnet.prefix.address);
  for (const [i, { subnet, path }] of byStart.entries()) {
    const before = byStart[i - 1];
    if (before === undefined || !contains(before.subnet.prefix, subnet.prefix.address)) continue;
    const other = `${formatPrefix(before.subnet.prefix)} (${before.path})`;
    const message = `${formatPrefix(subnet.prefix)} overlaps ${other}; one server cannot tell their clients apart`;
    findings.problem(`${path}.cidr`, 'Overlap', message);
  }
  const names = new Map<string, string>();
  for (const { subnet, path } of placed) {
    const first = names.get(subnet.name);
    if (first === undefined) names.set(subnet.name, path);
    else findings.problem(path, 'Duplicate', `${first} is called ${subnet.name} too: rename one`);
  }
}

function addressesOf(settings: SettingsConfig, code: number): Ipv4[] {
  const data = settings.options.values.find((option) => option.code === code)?.data;
  if (data === undefined || data.length % 4 !== 0) return [];
  return Array.from({ length: data.length / 4 }, (_, i) => readIpv4(data, 4 * i));
}
