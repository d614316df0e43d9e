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

/** Why an interface that is asked for is not served. */
export type UnservedReason =
  | 'excluded'
  | 'down'
  | 'loopback'
  | 'enslaved'
  | 'noAddress'
  | 'noSubnet';

/** All that depends on the interfaces of this node. */
export interface ServerLinks {
  readonly unserved: readonly { readonly name: string; readonly reason: UnservedReason }[];
  readonly byIndex: ReadonlyMap<number, ServerLink>;
  readonly own: ReadonlySet<Ipv4>;
  /** Those of them that are on links where clients are answered: what a relay on this node brings from there is known. */
  readonly answered: ReadonlySet<Ipv4>;
  /** Directed broadcasts, which arrive like limited ones. */
  readonly broadcasts: ReadonlySet<Ipv4>;
}

/** Works out what is served where. */
export function planLinks(plan: ServerPlan, links: readonly RelayLink[]): ServerLinks {
  const byIndex = new Map<number, ServerLink>();
  const own = new Set<Ipv4>();
  const answered = new Set<Ipv4>();
  const broadcasts = new Set<Ipv4>();
  const unserved: { name: string; reason: UnservedReason }[] = [];
  for (const link of links) {
    const prefixes = link.addresses.map(({ address, prefixLength }) => ({
      address,
      length: prefixLength,
    }));
    const planned = serverLink(plan, link, prefixes);
    byIndex.set(link.index, planned);
    const reason = matches(plan.config.interfaces, link.name) ? whyNot(plan, link, planned) : null;
    if (reason !== null) unserved.push({ name: link.name, reason });
    const isAnswered = planned.served && reason === null && planned.subnet !== null;
    for (const prefix of prefixes) {
      own.add(prefix.address);
      if (isAnswered) answered.add(prefix.address);
      if (prefix.length < 31) broadcasts.add(broadcastOf(prefix));
    }
  }
  return { byIndex, own, answered, broadcasts, unserved };
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
    served:
      link.up &&
      !link.loopback &&
      !link.enslaved &&
      matches(interfaces, name) &&
      !matches(exclude, name),
    source: configured?.address ?? primaryAddress(link)?.address ?? UNSPECIFIED,
    hardwareLength: Math.min(hardwareAddress.length, 8),
    hardwareAddress,
    prefixes,
    subnet: subnet ?? null,
  };
}

// What an administrator has to mend, the first thing first. Without a subnet of its own a link is served if a client may
// say by a selector where it belongs.
function whyNot(plan: ServerPlan, link: RelayLink, planned: ServerLink): UnservedReason | null {
  if (matches(plan.config.exclude, link.name)) return 'excluded';
  if (link.loopback) return 'loopback';
  if (link.enslaved) return 'enslaved';
  if (!link.up) return 'down';
  if (planned.source === UNSPECIFIED && plan.config.serverIdentifier === null) return 'noAddress';
  if (planned.subnet !== null) return null;
  return plan.selectors.some(({ selector }) => selector.interface === null) ? null : 'noSubnet';
}

function matches(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matchesGlob(glob, name));
}
