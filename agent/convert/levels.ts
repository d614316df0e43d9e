import { readIpv4 } from '../../codec/ipv4.ts';
import { OPTION, optionByCode } from '../../codec/v4/options.ts';
import { formatDuration } from '../../crds/duration.ts';
import type { DhcpOptions } from '../../crds/types/dhcpoptions.ts';
import type { Level } from './model.ts';
import { optionsYaml } from './optionyaml.ts';
import type { Place, Report } from './report.ts';

/** Where something was written, what it is called there, and who wants to know. */
export interface Mention {
  readonly place: Place;
  readonly what: string;
  readonly report: Report;
}

/** Longer options have no chance to fit into a message. */
const DATA_MAX = 1024;
/** MIN_V6ONLY_WAIT (RFC 8925 §3.4). */
const IPV6_ONLY_WAIT_MIN = 300;

/** Sets an option of a level; what the new server has a field for goes there. */
export function putOption(level: Level, code: number, data: Uint8Array, mention: Mention): void {
  const { place, what, report } = mention;
  const seconds = data.length === 4 ? readIpv4(data, 0) : 0;
  switch (code) {
    case OPTION.leaseTime:
      level.leaseTime = seconds;
      return;
    case OPTION.renewalTime:
      level.renewalTime = { seconds, place };
      return;
    case OPTION.rebindingTime:
      level.rebindingTime = { seconds, place };
      return;
    case OPTION.ipv6OnlyPreferred:
      level.ipv6OnlyWait = Math.max(seconds, IPV6_ONLY_WAIT_MIN);
      return;
    case OPTION.parameterRequestList:
      for (const wanted of data) if (wanted > 0 && wanted < 255) level.force.add(wanted);
      return;
    case OPTION.autoConfigure:
      report.add(place, what, 'is one setting for all', 'set spec.autoConfigure');
      return;
  }
  const { settable } = optionByCode(code);
  if (!settable) {
    report.add(place, what, 'the server says this option itself', 'nothing to do');
  } else if (data.length > DATA_MAX) {
    report.add(place, what, `is ${data.length} octets long`, 'write less');
  } else {
    level.options.set(code, data);
  }
}

/** What a level says besides what to boot. */
export interface LevelYaml {
  options?: DhcpOptions;
  leaseTime?: string;
  minLeaseTime?: string;
  maxLeaseTime?: string;
  ipv6OnlyWait?: string;
}

/** 2³² - 1 seconds would mean for ever (RFC 2131 §3.3). */
const SECONDS_MAX = 0xfffffffe;

/** A level as manifests have it. */
export function levelYaml(level: Level): LevelYaml {
  const options = optionsYaml(level.options, level.force, level.suppress);
  const { minLeaseTime: min, maxLeaseTime: max, leaseTime, ipv6OnlyWait } = level;
  const least = min === undefined || max === undefined ? min : Math.min(min, max);
  // The others' bounds are stronger than what is within them, too.
  const given =
    leaseTime === undefined
      ? undefined
      : Math.max(Math.min(leaseTime, max ?? leaseTime), least ?? 0);
  return {
    ...(given !== undefined && { leaseTime: seconds(given) }),
    ...(least !== undefined && { minLeaseTime: seconds(least) }),
    ...(max !== undefined && { maxLeaseTime: seconds(max) }),
    ...(ipv6OnlyWait !== undefined && { ipv6OnlyWait: seconds(ipv6OnlyWait) }),
    ...(options !== undefined && { options }),
  };
}

/** A duration of whole seconds, at least one. */
export function seconds(count: number): string {
  return formatDuration(1000 * Math.min(Math.max(Math.trunc(count), 1), SECONDS_MAX));
}

/** Says that fields of a level have no place in what it becomes. */
export function forbid(
  level: Level,
  fields: readonly ('minLeaseTime' | 'maxLeaseTime' | 'leaseTime' | 'ipv6OnlyWait')[],
  mention: Mention,
): void {
  const { place, what, report } = mention;
  for (const field of fields) {
    if (level[field] === undefined) continue;
    report.add(place, `${what}, ${field}`, 'cannot be set for this alone', 'set it for the subnet');
    delete level[field];
  }
}

/** Takes everything that `from` says and `level` does not. */
export function inherit(level: Level, from: Level): void {
  for (const [code, data] of from.options)
    if (!level.options.has(code)) level.options.set(code, data);
  for (const code of from.force) if (!level.suppress.has(code)) level.force.add(code);
  for (const code of from.suppress) if (!level.force.has(code)) level.suppress.add(code);
  const { options, force, suppress, boot, bootCases, ...times } = from;
  Object.assign(level, { ...times, ...withoutUndefined(level) });
  if (level.boot.file === undefined) level.bootCases.push(...bootCases);
  Object.assign(level.boot, { ...boot, ...level.boot });
}

function withoutUndefined(level: Level): Partial<Level> {
  return Object.fromEntries(Object.entries(level).filter(([, value]) => value !== undefined));
}

/** Whether a level says anything at all. */
export function isSilent({ options, force, suppress, boot, bootCases, ...times }: Level): boolean {
  const nothing = [boot, times].every((part) => Object.keys(part).length === 0);
  return nothing && options.size + force.size + suppress.size + bootCases.length === 0;
}
