import {
  contains,
  formatPrefix,
  type Ipv4,
  networkOf,
  type Prefix,
  parseIpv4,
} from '../../../codec/ipv4.ts';
import { ConvertError } from '../fault.ts';
import { newLevel, type Pool, type ServerModel, type Subnet } from '../model.ts';
import type { Report } from '../report.ts';
import { lengthOfMask } from '../values.ts';
import { type Directive, textOf } from './lines.ts';
import { type Tags, takeTags } from './tags.ts';
import { secondsOf } from './times.ts';

/** dnsmasq's default, in seconds. */
const LEASE_TIME = 3600;

/** What becomes of a range, apart from its addresses. */
interface Written {
  readonly start: Ipv4;
  readonly end: Ipv4;
  readonly mode: 'static' | 'proxy' | 'pool';
  readonly prefix: Prefix;
  readonly isGuessed: boolean;
  readonly leaseTime: number;
}

/** Takes `dhcp-range` into subnets and pools. */
export function readRange(
  directive: Directive,
  model: ServerModel,
  tags: Tags,
  report: Report,
): void {
  const { place } = directive;
  const { tags: wanted, sets, rest } = takeTags(directive.parts);
  if (rest.some((part) => part.includes(':'))) {
    report.add(place, textOf(directive), 'is about IPv6', 'keep dnsmasq, or another, for that');
    return;
  }
  const range = parseRange(rest, directive);
  const { start, end, mode, prefix, isGuessed, leaseTime } = range;
  const subnet = subnetOf(prefix, directive, model);
  if (isGuessed && subnet.place === place) {
    const why = `has no netmask, which dnsmasq takes from the interface; ${formatPrefix(prefix)} is assumed`;
    report.add(place, textOf(directive), why, 'mend the subnet if that is wrong');
  }
  if (mode === 'proxy') model.switches.proxyDhcp = true;
  const level = newLevel();
  level.leaseTime = leaseTime;
  const pool: Pool = {
    place,
    level,
    ranges: mode === 'pool' ? [{ start, end }] : [],
    permits: wanted.length === 0 ? [] : [{ allow: [tags.conditionOf(wanted)], deny: [] }],
  };
  subnet.pools.push(pool);
  tags.pool(pool, sets);
}

function parseRange(parts: readonly string[], directive: Directive): Written {
  const { place } = directive;
  const [first, second = '', ...more] = parts;
  const start = parseIpv4(first ?? '');
  if (start === null)
    throw new ConvertError(place, `${textOf(directive)}: write dhcp-range=FIRST,LAST,TIME`);
  const mode = second === 'static' || second === 'proxy' ? second : 'pool';
  const last = mode === 'pool' ? parseIpv4(second) : start;
  // Without an end, the address is that of a network of which hosts alone get addresses.
  const end = (last ?? start) as Ipv4;
  const rest = mode === 'pool' && last === null ? parts.slice(1) : more;
  const length = rest[0] === undefined ? null : lengthOfMask(rest[0]);
  const time = rest.map(secondsOf).find((seconds) => seconds !== null) ?? LEASE_TIME;
  const low = Math.min(start, end) as Ipv4;
  const high = Math.max(start, end) as Ipv4;
  const prefix = length === null ? assumed(low, high) : { address: networkOf(low, length), length };
  if (!contains(prefix, high)) {
    throw new ConvertError(place, `${textOf(directive)}: ends outside of ${formatPrefix(prefix)}`);
  }
  return { start: low, end: high, mode, prefix, isGuessed: length === null, leaseTime: time };
}

/** A network of 256 addresses, or as large as it has to be. */
function assumed(start: Ipv4, end: Ipv4): Prefix {
  let length = 24;
  while (networkOf(start, length) !== networkOf(end, length)) length--;
  return { address: networkOf(start, length), length };
}

function subnetOf(prefix: Prefix, { place }: Directive, model: ServerModel): Subnet {
  const known = model.subnets.find(
    (one) => contains(one.prefix, prefix.address) && one.prefix.length <= prefix.length,
  );
  if (known !== undefined) return known;
  const subnet: Subnet = {
    place,
    prefix,
    name: null,
    sharedNetwork: null,
    selectors: [],
    pools: [],
    reservations: [],
    level: newLevel(),
  };
  model.subnets.push(subnet);
  return subnet;
}

/** Moves what all pools of a level say to that level, and leaves out pools that give nothing. */
export function settleTimes(model: ServerModel): void {
  for (const { pools, level } of model.subnets) {
    const last = pools.at(-1)?.level.leaseTime;
    if (last === undefined) continue;
    // Hosts with an address in none of the ranges have the time of the last one.
    level.leaseTime = last;
    for (const pool of pools) if (pool.level.leaseTime === last) delete pool.level.leaseTime;
  }
  const time = common(model.subnets.map(({ level }) => level.leaseTime));
  if (time === undefined) return;
  model.level.leaseTime = time;
  for (const { level } of model.subnets) delete level.leaseTime;
}

function common(times: readonly (number | undefined)[]): number | undefined {
  return times.every((time) => time === times[0]) ? times[0] : undefined;
}
