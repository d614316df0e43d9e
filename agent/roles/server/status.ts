import { formatIpv4, formatPrefix } from '../../../codec/ipv4.ts';
import type { LeaseTable } from '../../core/lease.ts';
import type { ServerLinks } from '../../core/server/links.ts';
import type { Offer } from '../../core/server/offers.ts';
import type { ServerPlan, Subnet } from '../../core/server/plan.ts';

/** How full a subnet is. */
export interface SubnetUse {
  readonly name: string;
  readonly cidr: string;
  /** Addresses in its pools, and those reserved outside. */
  readonly total: number;
  readonly bound: number;
  readonly declined: number;
  /** Held for clients that have yet to ask for them. */
  readonly offered: number;
  /** `bound` in percent of `total`. */
  readonly utilization: number;
}

/** Utilisation of every subnet. */
export function subnetUse(
  plan: ServerPlan,
  leases: LeaseTable,
  offers: Iterable<Pick<Offer, 'address'>>,
): SubnetUse[] {
  const offered = new Map<Subnet | null, number>();
  for (const { address } of offers) {
    const subnet = plan.subnetOf(address);
    offered.set(subnet, (offered.get(subnet) ?? 0) + 1);
  }
  return plan.subnets.map((subnet) => {
    const { bound, declined } = leases.counts(subnet.name);
    const total = addressesOf(subnet);
    const utilization = total === 0 ? 0 : Math.round((1000 * bound) / total) / 10;
    return {
      name: subnet.name,
      cidr: formatPrefix(subnet.prefix),
      total,
      bound,
      declined,
      offered: offered.get(subnet) ?? 0,
      utilization,
    };
  });
}

/** An interface that is answered on. */
export interface ServedLink {
  readonly interface: string;
  readonly address: string;
  /** Null while it has none. */
  readonly subnet: string | null;
}

/** What is served on which interface, for people. */
export function servedLinks(links: ServerLinks): ServedLink[] {
  const unserved = new Set(links.unserved.map(({ name }) => name));
  return [...links.byIndex.values()]
    .filter(({ served, name }) => served && !unserved.has(name))
    .map(({ name, source, subnet }) => ({
      interface: name,
      address: formatIpv4(source),
      subnet: subnet === null ? null : formatPrefix(subnet.prefix),
    }));
}

function addressesOf(subnet: Subnet): number {
  const inPools = subnet.pools.reduce((sum, { addresses }) => sum + addresses.size, 0);
  const outside = subnet.config.reservations.filter(
    ({ address }) => address !== null && !subnet.pools.some((pool) => pool.addresses.has(address)),
  );
  return inPools + outside.length;
}
