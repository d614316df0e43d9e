import { formatHardwareAddress, parseHardwareAddress } from '../../codec/hardware.ts';
import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { DhcpLeaseStatus } from '../../crds/types/dhcplease.ts';
import { UsageError } from '../cli.ts';

type StateName = NonNullable<DhcpLeaseStatus['state']>;

/** Which leases are asked for; null: whatever. */
export interface LeaseFilter {
  readonly address: Ipv4 | null;
  /** `namespace/name`, or the name alone in any namespace. */
  readonly server: string | null;
  readonly mac: Uint8Array | null;
  /** The same as objects write it. */
  readonly macText: string | null;
  readonly states: ReadonlySet<StateName> | null;
}

/** What a filter is made of, as a user writes it. */
export interface FilterTexts {
  readonly address?: string | undefined;
  readonly server?: string | undefined;
  readonly mac?: string | undefined;
  readonly state?: string | undefined;
}

const STATE_NAMES: readonly StateName[] = [
  'Reserved',
  'Bound',
  'Released',
  'Expired',
  'Declined',
  'Quarantined',
];

/** Makes a filter of what a user wrote; throws UsageError. */
export function parseFilter(texts: FilterTexts): LeaseFilter {
  const { address, server, mac, state } = texts;
  const octets = mac === undefined ? null : parseMac(mac);
  return {
    address: address === undefined ? null : parseAddress(address),
    server: server ?? null,
    mac: octets,
    macText: octets === null ? null : formatHardwareAddress(octets),
    states: state === undefined ? null : new Set(state.split(',').map(parseState)),
  };
}

/** An IPv4 address; throws UsageError. */
export function parseAddress(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === null) throw new UsageError(`${text} is not an IPv4 address such as 192.0.2.7`);
  return address;
}

/** A hardware address; throws UsageError. */
export function parseMac(text: string, option = '--mac'): Uint8Array {
  const octets = parseHardwareAddress(text);
  if (octets === null) {
    throw new UsageError(`${option} ${text}: write a hardware address such as 02:00:00:00:00:0a`);
  }
  return octets;
}

function parseState(text: string): StateName {
  const state = STATE_NAMES.find((name) => name.toLowerCase() === text.trim().toLowerCase());
  if (state !== undefined) return state;
  throw new UsageError(
    `--state ${text}: use one of ${STATE_NAMES.join(', ')}, or several with ","`,
  );
}
