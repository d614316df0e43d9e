import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { contains, formatIpv4, parseIpv4, parsePrefix } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { formatMoment } from '../../crds/compile/moment.ts';
import { API_VERSION, GROUP } from '../../crds/kinds.ts';
import type { DhcpLease, DhcpLeaseSpec } from '../../crds/types/dhcplease.ts';
import type { DhcpServer } from '../../crds/types/dhcpserver.ts';
import type { ImportedLease } from './model.ts';
import type { Report } from './report.ts';

/** Says from which file a DhcpLease comes, and when the lease there ends. */
const FROM_LABEL = `${GROUP}/converted-from`;
const ENDS_ANNOTATION = `${GROUP}/lease-ends`;

/** A lease in the subnet of the new server that it is in. */
export interface PlacedLease {
  readonly lease: ImportedLease;
  /** The name of the subnet. */
  readonly subnet: string;
  /** Whether the server has a reservation for the address anyway. */
  readonly reserved: boolean;
}

/** Finds the subnets of leases; reports those that are in none and could still be in use. */
export function placeLeases(
  leases: readonly ImportedLease[],
  server: DhcpServer,
  now: WallMillis,
  report: Report,
): PlacedLease[] {
  const subnets = server.spec.subnets.map(({ cidr, name = cidr, reservations = [] }) => {
    const reserved = new Set(reservations.map(({ address = '' }) => parseIpv4(address)));
    return { prefix: parsePrefix(cidr)!, name, reserved };
  });
  return leases.flatMap((lease) => {
    const home = subnets.find(({ prefix }) => contains(prefix, lease.address));
    if (home !== undefined) {
      return [{ lease, subnet: home.name, reserved: home.reserved.has(lease.address) }];
    }
    if (isLive(lease, now)) {
      const what = `lease ${formatIpv4(lease.address)}`;
      const remedy = 'convert it with the configuration of its subnet';
      report.add(lease.place, what, 'is in none of the subnets', remedy);
    }
    return [];
  });
}

/** Whether somebody may hold the address, or it is to be left alone. */
function isLive({ state, expires }: ImportedLease, now: WallMillis): boolean {
  return state !== 'free' && expires > now;
}

/** DhcpLeases by which the new server gives every client the address that it has. */
export function leasesYaml(
  placed: readonly PlacedLease[],
  server: DhcpServer,
  source: string,
  now: WallMillis,
  report: Report,
): DhcpLease[] {
  const live = placed.filter(({ lease, reserved }) => isLive(lease, now) && !reserved);
  const seen = new Map<string, number>();
  for (const { lease } of live) {
    const key = hex(lease.hardwareAddress);
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return live.flatMap(({ lease }) => {
    const isShared = seen.get(hex(lease.hardwareAddress))! > 1;
    const spec = specOf(lease, server, isShared);
    if (spec !== null) return [leaseYaml(lease, spec, server, source)];
    const what = `lease ${formatIpv4(lease.address)}`;
    const why = isShared ? 'has the hardware address of another' : 'names no client';
    report.add(lease.place, what, why, 'nothing to do: the client gets another address');
    return [];
  });
}

function leaseYaml(
  lease: ImportedLease,
  spec: DhcpLeaseSpec,
  server: DhcpServer,
  source: string,
): DhcpLease {
  const { name, namespace } = server.metadata;
  const ends = Number.isFinite(lease.expires) ? formatMoment(lease.expires) : 'never';
  return {
    apiVersion: API_VERSION,
    kind: 'DhcpLease',
    metadata: {
      name: `${name}-${formatIpv4(lease.address).replaceAll('.', '-')}`,
      ...(namespace !== undefined && { namespace }),
      labels: { [FROM_LABEL]: source },
      annotations: { [ENDS_ANNOTATION]: ends },
    },
    spec,
  };
}

function specOf(lease: ImportedLease, server: DhcpServer, isShared: boolean): DhcpLeaseSpec | null {
  const { address, clientId, hardwareAddress, expires } = lease;
  const base = { serverRef: { name: server.metadata.name }, address: formatIpv4(address) };
  if (lease.state === 'declined') {
    const end = Number.isFinite(expires) && { quarantineUntil: formatMoment(expires) };
    return { ...base, intent: 'Quarantine', ...end };
  }
  // The hardware address stays when the client identifier changes, as it does between boot ROM and system.
  if (hardwareAddress.length > 0 && !isShared) {
    return { ...base, hardwareAddress: formatHardwareAddress(hardwareAddress), intent: 'Reserve' };
  }
  return clientId === null
    ? null
    : { ...base, clientId: { hex: hex(clientId) }, intent: 'Reserve' };
}
