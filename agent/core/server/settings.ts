import { broadcastOf, maskOf, type Prefix, writeIpv4 } from '../../../codec/ipv4.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import type { BootConfig, SettingsConfig } from '../../../crds/types/serverconfig.ts';
import { Blocks } from './blocks.ts';
import type { ClassSet } from './classes.ts';
import { OPTION } from './request.ts';

/** What holds for one client in one place, all levels merged. */
export interface Effective {
  /** Seconds: what is given unasked, and the bounds of what is given to who asks. */
  readonly leaseTime: number;
  readonly minLeaseTime: number;
  readonly maxLeaseTime: number;
  readonly ipv6OnlyWait: number | null;
  /** The nearest level's entries first. */
  readonly boot: readonly BootConfig[];
  /** By code, as they go on the wire: in several pieces when longer than 255 octets (RFC 3396). */
  readonly options: ReadonlyMap<number, Uint8Array>;
  /** Codes that are sent to who does not ask. */
  readonly forced: readonly number[];
  /** The options in the order of each list that clients ask with. */
  readonly blocks: Blocks;
}

/** What a reservation says beyond its address; null where it says nothing. */
export interface ReservedSettings {
  /** Numbers those that say something from 1 on. */
  readonly id: number;
  readonly hostname: string | null;
  readonly settings: SettingsConfig;
}

/** The default of `spec.leaseTime`. */
const LEASE_TIME = 12 * 3600;
/** Shorter leases cost more in renewals than they are worth; only a configured minimum goes below. */
const MIN_LEASE_TIME = 60;
/** A second of one merged setting; sets of classes times reservations could otherwise grow without end. */
const MERGED_MAX = 4096;

/** A place that clients get settings from: a pool, or a subnet for addresses that are in none. */
export class Scope {
  /** For a client that is in no class and has no reservation, which is nearly all of them. */
  readonly plain: Effective;
  private readonly levels: readonly SettingsConfig[];
  private readonly prefix: Prefix;
  private readonly merged = new Map<number, Effective>();

  /** The levels from the nearest to the farthest. */
  constructor(levels: readonly SettingsConfig[], prefix: Prefix) {
    this.levels = levels;
    this.prefix = prefix;
    this.plain = merge(levels, prefix, null);
  }

  /** What holds for a client. */
  effective(classes: ClassSet, reserved: ReservedSettings | null): Effective {
    if (classes.id === 0 && reserved === null) return this.plain;
    const key = classes.id * 0x1000000 + (reserved?.id ?? 0);
    const known = this.merged.get(key);
    if (known !== undefined) return known;
    if (this.merged.size >= MERGED_MAX) this.merged.clear();
    const near = reserved === null ? [] : [reserved.settings];
    const levels = [...near, ...classes.settings, ...this.levels];
    const effective = merge(levels, this.prefix, reserved?.hostname ?? null);
    this.merged.set(key, effective);
    return effective;
  }
}

function merge(
  levels: readonly SettingsConfig[],
  prefix: Prefix,
  hostname: string | null,
): Effective {
  const { options, forced } = mergeOptions(levels, prefix, hostname);
  const max = nearest(levels, 'maxLeaseTime');
  const min = nearest(levels, 'minLeaseTime');
  const wanted = nearest(levels, 'leaseTime') ?? LEASE_TIME;
  const leaseTime = Math.max(Math.min(wanted, max ?? wanted), min ?? 0);
  const ipv6OnlyWait = nearest(levels, 'ipv6OnlyWait');
  if (ipv6OnlyWait !== null)
    options.set(OPTION.ipv6OnlyPreferred, encodeU32(OPTION.ipv6OnlyPreferred, ipv6OnlyWait));
  return {
    leaseTime,
    minLeaseTime: min ?? Math.min(MIN_LEASE_TIME, leaseTime),
    maxLeaseTime: Math.max(max ?? leaseTime, leaseTime),
    ipv6OnlyWait,
    boot: mergeBoot(levels),
    options,
    forced,
    blocks: new Blocks(options, forced),
  };
}

function nearest(
  levels: readonly SettingsConfig[],
  name: 'leaseTime' | 'minLeaseTime' | 'maxLeaseTime' | 'ipv6OnlyWait',
): number | null {
  for (const level of levels) if (level[name] !== null) return level[name];
  return null;
}

function mergeOptions(
  levels: readonly SettingsConfig[],
  prefix: Prefix,
  hostname: string | null,
): { options: Map<number, Uint8Array>; forced: number[] } {
  const options = new Map<number, Uint8Array>();
  const forced = new Set<number>();
  const suppressed = new Set<number>();
  options.set(OPTION.subnetMask, encodeU32(OPTION.subnetMask, maskOf(prefix.length)));
  if (prefix.length < 31) {
    options.set(OPTION.broadcastAddress, encodeU32(OPTION.broadcastAddress, broadcastOf(prefix)));
  }
  for (const level of levels.toReversed()) {
    for (const { code, data } of level.options.values) options.set(code, encodeOption(code, data));
    for (const code of level.options.suppress) {
      suppressed.add(code);
      forced.delete(code);
    }
    for (const code of level.options.force) {
      forced.add(code);
      suppressed.delete(code);
    }
  }
  if (hostname !== null)
    options.set(OPTION.hostName, encodeOption(OPTION.hostName, utf8(hostname)));
  // Windows before 10 knows the routes of option 121 by this number only.
  const routes = options.get(OPTION.classlessStaticRoutes);
  if (routes !== undefined && !options.has(OPTION.microsoftClasslessStaticRoutes)) {
    options.set(
      OPTION.microsoftClasslessStaticRoutes,
      recoded(routes, OPTION.microsoftClasslessStaticRoutes),
    );
  }
  for (const code of suppressed) options.delete(code);
  return { options, forced: [...forced].filter((code) => options.has(code)) };
}

// An empty table ends the search; otherwise what does not fit nearby may fit farther out.
function mergeBoot(levels: readonly SettingsConfig[]): readonly BootConfig[] {
  const entries: BootConfig[] = [];
  for (const { boot } of levels) {
    if (boot?.length === 0) break;
    entries.push(...(boot ?? []));
  }
  return entries;
}

/** An option as it goes on the wire; data of more than 255 octets in pieces (RFC 3396 §5). */
export function encodeOption(code: number, data: Uint8Array): Uint8Array {
  const pieces = Math.max(1, Math.ceil(data.length / 255));
  const bytes = new Uint8Array(data.length + 2 * pieces);
  for (let piece = 0; piece < pieces; piece++) {
    const part = data.subarray(255 * piece, 255 * (piece + 1));
    const at = 257 * piece;
    bytes[at] = code;
    bytes[at + 1] = part.length;
    bytes.set(part, at + 2);
  }
  return bytes;
}

function encodeU32(code: number, value: number): Uint8Array {
  const bytes = Uint8Array.of(code, 4, 0, 0, 0, 0);
  writeIpv4(bytes, 2, value as Parameters<typeof writeIpv4>[2]);
  return bytes;
}

/** The same pieces under another code. */
function recoded(option: Uint8Array, code: number): Uint8Array {
  const bytes = option.slice();
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) bytes[at] = code;
  return bytes;
}
