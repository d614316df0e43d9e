import { formatHardwareAddress, hex } from '../../../codec/hardware.ts';
import { formatIpv4, type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../../codec/machine.ts';
import { ARCHITECTURES } from '../../../codec/v4/boot.ts';
import { fromUtf8 } from '../../../codec/v4/kind.ts';
import { subOptionOf } from '../../../codec/v4/relayinfo.ts';
import { formatMoment } from '../../../crds/compile/moment.ts';
import type {
  DhcpLease,
  DhcpLeaseSpec,
  DhcpLeaseStatus,
  LeaseRelay,
} from '../../../crds/types/dhcplease.ts';
import type { Octets } from '../../../crds/types/dhcpsubnet.ts';
import type { ClientMatch, IntentConfig, ServerConfig } from '../../../crds/types/serverconfig.ts';
import type { Lease, LeaseState } from '../lease.ts';
import { userClassesOf } from '../server/values.ts';

/** Whose leases are told of, and how its clock is read. */
export interface LeaseOwner {
  /** `namespace/name` of the DhcpServer, or the name alone. */
  readonly server: string;
  /** Where its agent runs. */
  readonly node: string;
  /** The fencing number of that agent; 0 where there is only one, and then it is left out. */
  readonly epoch: number;
  /** What its configuration says of leases; null: not known, and what follows from it is left out. */
  readonly terms: LeaseTerms | null;
  /** What wall clocks show at a time of the lease clock. */
  wallAt(time: Millis): WallMillis;
}

/** What is the same for all leases of a server. */
export interface LeaseTerms {
  readonly renewalPercent: number;
  readonly rebindingPercent: number;
  /** By the name of the subnet. */
  readonly prefixLengths: ReadonlyMap<string, number>;
}

/** What a configuration says of leases. */
export function leaseTerms(config: ServerConfig): LeaseTerms {
  const { renewalPercent, rebindingPercent } = config;
  const subnets = config.networks.flatMap((network) => network.subnets);
  const prefixLengths = new Map(subnets.map(({ name, prefix }) => [name, prefix.length]));
  return { renewalPercent, rebindingPercent, prefixLengths };
}

/** The DhcpLease of a record, as its server writes it: named after server and address, nothing wanted of it. */
export function leaseObject(lease: Lease, owner: LeaseOwner): DhcpLease {
  const hardware = formatHardwareAddress(lease.hardwareAddress);
  const spec: DhcpLeaseSpec = {
    serverRef: { name: nameIn(owner.server).name },
    address: formatIpv4(lease.address),
    ...(hardware === '' ? {} : { hardwareAddress: hardware }),
    intent: 'Bind',
  };
  return object(leaseName(owner.server, lease.address), spec, statusOf(lease, owner), owner);
}

/** The DhcpLease that a user wrote, which all of `intents` come from, with what became of it by the time `now`. */
export function intentObject(
  intents: readonly [IntentConfig, ...IntentConfig[]],
  lease: Lease | null,
  owner: LeaseOwner,
  now: Millis,
): DhcpLease {
  const [{ address, source }] = intents;
  const spec: DhcpLeaseSpec = {
    serverRef: { name: nameIn(owner.server).name },
    address: formatIpv4(address),
    intent: 'Bind',
    ...Object.assign({}, ...intents.map(wanted)),
  };
  const recorded = lease === null ? null : statusOf(lease, owner);
  return object(source, spec, withIntents(intents, lease, recorded, owner.wallAt(now)), owner);
}

/** `<server>-<ip>`: what the object of an address is called, without the namespace. */
export function leaseName(server: string, address: Ipv4): string {
  return `${nameIn(server).name}-${formatIpv4(address)}`;
}

function object(
  name: string,
  spec: DhcpLeaseSpec,
  status: DhcpLeaseStatus | null,
  { server }: LeaseOwner,
): DhcpLease {
  const { namespace } = nameIn(server);
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name, ...(namespace === null ? {} : { namespace }) },
    spec,
    ...(status === null ? {} : { status }),
  };
}

/** The parts of `namespace/name`, or of the name alone. */
export function nameIn(server: string): {
  readonly namespace: string | null;
  readonly name: string;
} {
  const slash = server.indexOf('/');
  return {
    namespace: slash < 0 ? null : server.slice(0, slash),
    name: server.slice(slash + 1),
  };
}

/** What the status calls each state of a record. */
export const STATE_NAMES = {
  bound: 'Bound',
  released: 'Released',
  declined: 'Declined',
  expired: 'Expired',
} as const satisfies { readonly [state in LeaseState]: DhcpLeaseStatus['state'] };

function statusOf(lease: Lease, owner: LeaseOwner): DhcpLeaseStatus {
  const { terms } = owner;
  const hardware = formatHardwareAddress(lease.hardwareAddress);
  const relay = relayOf(lease);
  const moment = (time: Millis): string => formatMoment(owner.wallAt(time));
  // What nobody holds and nothing keeps from being given has no end.
  const ends =
    (lease.state === 'bound' || lease.state === 'declined') && Number.isFinite(lease.expires);
  return known({
    state: STATE_NAMES[lease.state],
    address: formatIpv4(lease.address),
    prefixLength: terms?.prefixLengths.get(lease.subnet),
    subnet: lease.subnet,
    hardwareType: hardware === '' ? undefined : lease.hardwareType,
    hardwareAddress: hardware === '' ? undefined : hardware,
    clientId: lease.clientId === null ? undefined : hex(lease.clientId),
    hostname: lease.hostname ?? undefined,
    fqdn: lease.fqdn ?? undefined,
    vendorClass: printed(lease.vendorClass),
    userClass: userClassOf(lease.userClass),
    architecture: architectureOf(lease.architecture),
    starts: moment(lease.starts),
    lastTransaction: moment(lease.lastTransaction),
    expires: ends ? moment(lease.expires) : undefined,
    renews: ends ? after(lease, terms?.renewalPercent, moment) : undefined,
    rebinds: ends ? after(lease, terms?.rebindingPercent, moment) : undefined,
    relay: Object.keys(relay).length === 0 ? undefined : relay,
    interface: lease.interfaceName ?? undefined,
    serverIdentifier: addressOf(lease.serverIdentifier),
    node: owner.node,
    epoch: owner.epoch === 0 ? undefined : owner.epoch,
  });
}

// RFC 2131 §4.4.5: T1 and T2 are parts of the lease time.
function after(
  { state, lastTransaction, leaseSeconds }: Lease,
  percent: number | undefined,
  moment: (time: Millis) => string,
): string | undefined {
  if (state !== 'bound' || percent === undefined) return undefined;
  return moment(lastTransaction + Math.floor((leaseSeconds * percent) / 100) * 1000);
}

function relayOf({ giaddr, relayInformation: data }: Lease): LeaseRelay {
  const sub = (name: Parameters<typeof subOptionOf>[1]): Uint8Array | null =>
    data === null ? null : subOptionOf(data, name);
  const relayId = sub('relayId');
  const virtualSubnet = sub('virtualSubnet');
  return known({
    giaddr: addressOf(giaddr),
    circuitId: printed(sub('circuitId')),
    remoteId: printed(sub('remoteId')),
    subscriberId: printed(sub('subscriberId')),
    relayId: relayId === null ? undefined : hex(relayId),
    // RFC 6607 §3.4: type 0 is a name.
    vrf: virtualSubnet?.[0] === 0 ? printed(virtualSubnet.subarray(1)) : undefined,
  });
}

function wanted(intent: IntentConfig): Partial<DhcpLeaseSpec> {
  switch (intent.kind) {
    case 'Reserve': {
      const { match, hostname } = intent;
      return { intent: 'Reserve', ...client(match), ...(hostname === null ? {} : { hostname }) };
    }
    case 'Quarantine': {
      const until = Number.isFinite(intent.until)
        ? { quarantineUntil: formatMoment(intent.until) }
        : {};
      return { intent: 'Quarantine', ...until };
    }
    case 'Pin':
      return { pin: true };
    case 'Revoke':
      return { revoke: true, ...(intent.match === null ? {} : client(intent.match)) };
  }
}

function client(match: ClientMatch): Partial<DhcpLeaseSpec> {
  switch (match.kind) {
    case 'hardwareAddress':
      return { hardwareAddress: formatHardwareAddress(match.octets) };
    case 'clientId':
      return { clientId: match.orTyped ? asText(match.octets) : { hex: hex(match.octets) } };
    case 'circuitId':
    case 'remoteId':
      return { [match.kind]: asText(match.octets) };
    case 'option':
      // A DhcpLease cannot say so; only a DhcpServer can.
      return {};
  }
}

function asText(octets: Uint8Array): Octets {
  const text = fromUtf8(octets);
  return text === null || /\p{C}/u.test(text) ? { hex: hex(octets) } : { text };
}

function withIntents(
  intents: readonly IntentConfig[],
  lease: Lease | null,
  status: DhcpLeaseStatus | null,
  wall: WallMillis,
): DhcpLeaseStatus | null {
  // Who holds the address holds it until the next renewal, whatever is wanted of it.
  if (status?.state === 'Bound') return status;
  for (const intent of intents) {
    const address = formatIpv4(intent.address);
    if (intent.kind === 'Quarantine' && intent.until > wall) {
      const { expires: _, ...rest } = status ?? { address };
      const until = Number.isFinite(intent.until) ? { expires: formatMoment(intent.until) } : {};
      return { ...rest, state: 'Quarantined', ...until };
    }
    // What another has left before says nothing of the client that it is kept for now.
    if (intent.kind === 'Reserve' && (lease === null || isOfAnother(lease, intent.match))) {
      return { state: 'Reserved', address };
    }
  }
  return status;
}

function isOfAnother({ hardwareAddress, clientId }: Lease, match: ClientMatch): boolean {
  if (match.kind === 'hardwareAddress') return hex(match.octets) !== hex(hardwareAddress);
  if (match.kind !== 'clientId') return false;
  const sent = clientId === null ? '' : hex(clientId);
  const wanted = hex(match.octets);
  return sent !== wanted && !(match.orTyped && sent === `00${wanted}`);
}

/** Printable text as it is, other octets as `0x` and hex. */
function printed(octets: Uint8Array | null): string | undefined {
  if (octets === null || octets.length === 0) return undefined;
  const printable = octets.every((octet) => octet >= 0x20 && octet < 0x7f);
  return printable ? fromUtf8(octets)! : `0x${hex(octets)}`;
}

function userClassOf(octets: Uint8Array | null): string | undefined {
  const text = octets === null ? '' : userClassesOf(octets).join(',');
  return text === '' || /\p{C}/u.test(text) ? printed(octets) : text;
}

// RFC 4578 §2.1: the one that the client prefers comes first.
function architectureOf(octets: Uint8Array | null): string | undefined {
  if (octets === null || octets.length < 2) return undefined;
  const number = (octets[0]! << 8) | octets[1]!;
  return ARCHITECTURES.get(number) ?? String(number);
}

function addressOf(address: Ipv4): string | undefined {
  return address === UNSPECIFIED ? undefined : formatIpv4(address);
}

type Known<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the fields that are undefined. */
function known<T extends object>(fields: T): Known<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Known<T>;
}
