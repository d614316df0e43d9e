import { parseHardwareAddress, unhex } from '../../../codec/hardware.ts';
import { parseIpv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../../codec/machine.ts';
import { ARCHITECTURES } from '../../../codec/v4/boot.ts';
import type { SubOption } from '../../../codec/v4/compound.ts';
import { INFINITE } from '../../../codec/v4/header.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { encodeRelayInformation, SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import { parseMoment } from '../../../crds/compile/moment.ts';
import type { DhcpLease, DhcpLeaseStatus, LeaseRelay } from '../../../crds/types/dhcplease.ts';
import type { Lease, LeaseState } from '../lease.ts';
import { EXPIRY_SLACK } from '../publish.ts';
import { STATE_NAMES } from './object.ts';

/** The lease clock, which is not that of the server that wrote. */
export interface AdoptClock {
  /** The time of the lease clock when wall clocks show this. */
  leaseAt(wall: WallMillis): Millis;
}

const STATES = new Map<string, LeaseState>(
  (Object.keys(STATE_NAMES) as LeaseState[]).map((state) => [STATE_NAMES[state], state]),
);

/**
 * The record of a lease that another server, or this one before it lost its disk, told Kubernetes of; null when the
 * object tells of none. A lease may have been renewed since, by so little that it was not told: it is taken to last longer.
 */
export function leaseFromObject({ spec, status }: DhcpLease, clock: AdoptClock): Lease | null {
  const state = STATES.get(status?.state ?? '');
  const address = parseIpv4(status?.address ?? spec.address);
  if (status === undefined || state === undefined || address === null) return null;
  const client = clientOf(status);
  const times = timesOf(status, state, clock);
  if (client === null || times === null) return null;
  const reserved = spec.intent === 'Reserve';
  return { ...client, ...times, ...placeOf(status), address, state, reserved, bootp: false };
}

/** Whether a record found elsewhere tells of later things than our own. Objects tell times to the second. */
export function isLater(found: Lease, own: Lease | undefined): boolean {
  if (own === undefined) return true;
  if (found.epoch !== own.epoch) return found.epoch > own.epoch;
  return found.lastTransaction > own.lastTransaction;
}

type Client = Pick<
  Lease,
  | 'hardwareType'
  | 'hardwareAddress'
  | 'clientId'
  | 'hostname'
  | 'fqdn'
  | 'vendorClass'
  | 'userClass'
  | 'architecture'
>;

function clientOf(status: DhcpLeaseStatus): Client | null {
  const hardwareAddress = parseHardwareAddress(status.hardwareAddress ?? '') ?? new Uint8Array(0);
  const clientId = octets(status.clientId);
  if (hardwareAddress.length === 0 && clientId === null) return null;
  return {
    hardwareType: status.hardwareType ?? 1,
    hardwareAddress,
    clientId,
    hostname: status.hostname ?? null,
    fqdn: status.fqdn ?? null,
    vendorClass: unprinted(status.vendorClass),
    userClass: unprinted(status.userClass),
    architecture: architectureOf(status.architecture),
  };
}

type Place = Pick<
  Lease,
  'subnet' | 'serverIdentifier' | 'giaddr' | 'relayInformation' | 'interfaceName' | 'epoch'
>;

function placeOf(status: DhcpLeaseStatus): Place {
  return {
    subnet: status.subnet ?? '',
    serverIdentifier: parseIpv4(status.serverIdentifier ?? '') ?? UNSPECIFIED,
    giaddr: parseIpv4(status.relay?.giaddr ?? '') ?? UNSPECIFIED,
    relayInformation: relayInformationOf(status.relay),
    interfaceName: status.interface ?? null,
    epoch: status.epoch ?? 0,
  };
}

type Times = Pick<Lease, 'starts' | 'lastTransaction' | 'expires' | 'leaseSeconds'>;

function timesOf(status: DhcpLeaseStatus, state: LeaseState, clock: AdoptClock): Times | null {
  const heard = parseMoment(status.lastTransaction ?? '');
  if (heard === null) return null;
  const lastTransaction = clock.leaseAt(heard);
  const starts = parseMoment(status.starts ?? '');
  const common = {
    lastTransaction,
    starts: starts === null ? lastTransaction : clock.leaseAt(starts),
  };
  if (status.expires === undefined) {
    const holds = state === 'bound' || state === 'declined';
    const expires = holds ? Number.POSITIVE_INFINITY : lastTransaction;
    return { ...common, expires, leaseSeconds: holds ? INFINITE : 0 };
  }
  const ends = parseMoment(status.expires);
  if (ends === null) return null;
  const duration = Math.max(ends - heard, 0);
  const slack = state === 'bound' ? duration * EXPIRY_SLACK : 0;
  const expires = clock.leaseAt(ends) + slack;
  return { ...common, expires, leaseSeconds: Math.round(duration / 1000) };
}

function relayInformationOf(relay: LeaseRelay | undefined): Uint8Array | null {
  if (relay === undefined) return null;
  const vrf = unprinted(relay.vrf);
  const parts: [number, Uint8Array | null][] = [
    [SUB_OPTION.circuitId, unprinted(relay.circuitId)],
    [SUB_OPTION.remoteId, unprinted(relay.remoteId)],
    [SUB_OPTION.subscriberId, unprinted(relay.subscriberId)],
    [SUB_OPTION.relayId, octets(relay.relayId)],
    // RFC 6607 §3.4: type 0 is a name.
    [SUB_OPTION.virtualSubnet, vrf === null ? null : Uint8Array.of(0, ...vrf)],
  ];
  const told: SubOption[] = parts.flatMap(([code, data]) =>
    data === null || data.length > 255 ? [] : [{ code, data }],
  );
  return told.length === 0 ? null : encodeRelayInformation(told);
}

function octets(text: string | undefined): Uint8Array | null {
  return text === undefined || text === '' ? null : unhex(text);
}

/** The other way round than `printed`: text, or `0x` and hex. */
function unprinted(text: string | undefined): Uint8Array | null {
  if (text === undefined || text === '') return null;
  return (text.startsWith('0x') ? unhex(text.slice(2)) : null) ?? utf8(text);
}

// RFC 4578 §2.1: a list of 16-bit numbers, of which the first was told.
function architectureOf(name: string | undefined): Uint8Array | null {
  if (name === undefined) return null;
  const known = [...ARCHITECTURES].find(([, one]) => one === name)?.[0];
  const number = known ?? Number(name);
  if (!Number.isInteger(number) || number < 0 || number > 0xffff) return null;
  return Uint8Array.of(number >> 8, number & 0xff);
}
