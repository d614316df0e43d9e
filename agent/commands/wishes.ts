import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { formatMoment } from '../../crds/compile/moment.ts';
import { parseDuration } from '../../crds/duration.ts';
import { API_VERSION } from '../../crds/kinds.ts';
import type { DhcpLease, DhcpLeaseSpec } from '../../crds/types/dhcplease.ts';
import { UsageError } from '../cli.ts';
import { leaseName, nameIn } from '../core/lease/object.ts';
import type { Lease } from '../core/lease.ts';
import { parseMac } from './filter.ts';
import { parseClientId } from './question.ts';

/** What a user may want of an address by a command. */
export const WISHES = ['reserve', 'quarantine'] as const;
export type Wish = (typeof WISHES)[number];

/** The options of those commands, as a user writes them. */
export interface WishTexts {
  readonly mac?: string | undefined;
  readonly 'client-id'?: string | undefined;
  readonly hostname?: string | undefined;
  readonly for?: string | undefined;
}

/** The DhcpLease that says what is wanted; `lease` is the record of the address, if there is one. Throws UsageError. */
export function wishedLease(
  wish: Wish,
  texts: WishTexts,
  server: string,
  address: Ipv4,
  lease: Lease | null,
  now: WallMillis,
): DhcpLease {
  const { namespace, name } = nameIn(server);
  const wanted = wish === 'reserve' ? reservation(texts, lease) : quarantine(texts, now);
  return {
    apiVersion: API_VERSION,
    kind: 'DhcpLease',
    metadata: {
      name: leaseName(server, address),
      ...(namespace === null ? {} : { namespace }),
    },
    spec: { serverRef: { name }, address: formatIpv4(address), ...wanted },
  };
}

/** Who a DhcpLease is for, in words. */
export function clientOf({ hardwareAddress, clientId }: DhcpLeaseSpec): string {
  if (hardwareAddress !== undefined) return hardwareAddress;
  return `client identifier ${clientId?.text ?? clientId?.hex ?? 'unknown'}`;
}

/** Who a record is of, in words. */
export function holderOf({ hardwareAddress, hostname }: Lease): string {
  const who = formatHardwareAddress(hardwareAddress) || 'nobody known';
  return hostname === null ? who : `${who} (${hostname.replace(/\p{C}/gu, '?')})`;
}

type Wanted = Omit<DhcpLeaseSpec, 'serverRef' | 'address'>;

function reservation(texts: WishTexts, lease: Lease | null): Wanted {
  const { mac, hostname, 'client-id': clientId } = texts;
  if (texts.for !== undefined) throw new UsageError('--for is for quarantine');
  if (mac !== undefined && clientId !== undefined) {
    throw new UsageError('--mac and --client-id: one of the two says for whom');
  }
  const named = hostname === undefined ? {} : { hostname };
  if (mac !== undefined) {
    return { hardwareAddress: formatHardwareAddress(parseMac(mac)), ...named, intent: 'Reserve' };
  }
  if (clientId !== undefined) {
    const found = parseClientId(clientId);
    const octets = 'hex' in found ? { hex: hex(found.hex) } : found;
    return { clientId: octets, ...named, intent: 'Reserve' };
  }
  return { ...whoHas(lease), ...named, intent: 'Reserve' };
}

// The server tells clients apart by their identifier, if they send one.
function whoHas(lease: Lease | null): Wanted {
  if (lease?.clientId) return { clientId: { hex: hex(lease.clientId) } };
  if (lease !== null && lease.hardwareAddress.length > 0) {
    return { hardwareAddress: formatHardwareAddress(lease.hardwareAddress) };
  }
  throw new UsageError('nobody has had the address: say for whom, with --mac or --client-id');
}

function quarantine(texts: WishTexts, now: WallMillis): Wanted {
  for (const option of ['mac', 'client-id', 'hostname'] as const) {
    if (texts[option] !== undefined) throw new UsageError(`--${option} is for reserve`);
  }
  if (texts.for === undefined) return { intent: 'Quarantine' };
  const duration = parseDuration(texts.for);
  if (duration === null || duration === 0 || duration > YEARS_MAX) {
    throw new UsageError(`--for ${texts.for}: write a duration such as 90s, 2h or 1h30m`);
  }
  // To the second, as it is written down, and not a moment shorter.
  const until = (Math.ceil((now + duration) / 1000) * 1000) as WallMillis;
  return { intent: 'Quarantine', quarantineUntil: formatMoment(until) };
}

/** Ends within the four digits of a year. */
const YEARS_MAX = 1000 * 365 * 86_400_000;
