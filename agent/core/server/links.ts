import { broadcastOf, contains, type Ipv4, type Prefix, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { matchesGlob, primaryAddress, type RelayLink } from '../relay/links.ts';
import type { ServerPlan, Subnet } from './plan.ts';

/** An interface of this node, as far as a server cares. */
export interface ServerLink {
  readonly index: number;
  readonly name: string;
  /** Whether broadcasts of clients are answered here. */
  readonly served: boolean;
  /** What replies come from; UNSPECIFIED when it has no address. */
  readonly source: Ipv4;
  /** Octets of a link-layer address here. */
  readonly hardwareLength: number;
  readonly hardwareAddress: Uint8Array;
  /** The networks of its addresses. */
  readonly prefixes: readonly Prefix[];
  /** What clients on it get addresses of, unless their request says otherwise. */
  readonly subnet: Subnet | null;
}

/** All that depends on the interfaces of this node. */
export interface ServerLinks {
  readonly byIndex: ReadonlyMap<number, ServerLink>;
  readonly own: ReadonlySet<Ipv4>;
  /** Directed broadcasts, which arrive like limited ones. */
  readonly broadcasts: ReadonlySet<Ipv4>;
}

/** Works out what is served where. */
export function planLinks(plan: ServerPlan, links: readonly RelayLink[]): ServerLinks {
  const byIndex = new Map<number, ServerLink>();
  const own = new Set<Ipv4>();
  const broadcasts = new Set<Ipv4>();
  for (const link of links) {
    const prefixes = link.addresses.map(({ address, prefixLength }) => ({
      address,
      length: prefixLength,
    }));
    for (const prefix of prefixes) {
      own.add(prefix.address);
      if (prefix.length < 31) broadcasts.add(broadcastOf(prefix));
    }
    byIndex.set(link.index, serverLink(plan, link, prefixes));
  }
  return { byIndex, own, broadcasts };
}

/** The interface, if any, that an address is on. */
export function linkOf(links: ServerLinks, address: Ipv4): ServerLink | null {
  for (const link of links.byIndex.values()) if (isOnLink(link, address)) return link;
  return null;
}

/** Whether an address is in a network of the interface. */
export function isOnLink(link: ServerLink, address: Ipv4): boolean {
  for (const prefix of link.prefixes) {
    if (prefix.length < 32 && contains(prefix, address)) return true;
  }
  return false;
}

function serverLink(plan: ServerPlan, link: RelayLink, prefixes: readonly Prefix[]): ServerLink {
  const { interfaces, exclude } = plan.config;
  const { index, name, hardwareAddress } = link;
  const named = (globs: readonly string[]): boolean => globs.some((g) => matchesGlob(g, name));
  const configured = prefixes.find(({ address }) => plan.subnetOf(address) !== null);
  const selected = plan.subnets.find((subnet) =>
    subnet.config.selectors.some(
      (s) => s.giaddr === null && s.interface !== null && matchesGlob(s.interface, name),
    ),
  );
  const subnet = selected ?? (configured && plan.subnetOf(configured.address));
  return {
    index,
    name,
    // A port of a bridge or bond: the same frames arrive on that too.
    served: link.up && !link.loopback && !link.enslaved && named(interfaces) && !named(exclude),
    source: configured?.address ?? primaryAddress(link)?.address ?? UNSPECIFIED,
    hardwareLength: Math.min(hardwareAddress.length, 8),
    hardwareAddress,
    prefixes,
    subnet: subnet ?? null,
  };
}
