import { broadcastOf, contains, type Ipv4, type Prefix } from '../../../codec/ipv4.ts';
import type {
  RelayConfig,
  RelayInterfaceConfig,
  UpstreamConfig,
} from '../../../crds/types/agentconfig.ts';
import { encodeInformation, type Information } from './information.ts';
import { matchesGlob, networkOfAddress, primaryAddress, type RelayLink } from './links.ts';
import { fillTemplate } from './template.ts';

/** What a plan is made from. */
export interface PlanFacts {
  readonly config: RelayConfig;
  readonly links: readonly RelayLink[];
  /** The addresses of a DNS name, as far as they are known. */
  readonly resolved: (hostname: string) => readonly Ipv4[];
  /** The node's name, for templates. */
  readonly node: string;
  /** A DUID that stays the same for this node (RFC 8415 §11). */
  readonly nodeDuid: Uint8Array;
}

/** How requests from one link are relayed. */
export interface ServedLink {
  readonly link: RelayLink;
  readonly giaddr: Ipv4;
  /** Our address on the client's link, which replies come from. */
  readonly source: Ipv4;
  readonly trusted: boolean;
  readonly existing: 'Forward' | 'Append' | 'Replace' | 'Discard';
  readonly servers: readonly Ipv4[];
  /** Those of them that are not on this node, and so do not hear by themselves what is sent to it by unicast. */
  readonly elsewhere: readonly Ipv4[];
  readonly information: Information | null;
}

/** Why an interface is not served. */
export type UnservedReason =
  | 'excluded'
  | 'notMatched'
  | 'loopback'
  | 'down'
  | 'noBroadcast'
  | 'enslaved'
  | 'noAddress'
  | 'giaddrNotLocal';

/** All that is needed to relay a packet, worked out beforehand. */
export interface RelayPlan {
  readonly served: ReadonlyMap<number, ServedLink>;
  readonly unserved: readonly { readonly name: string; readonly reason: UnservedReason }[];
  /** Who may have to be asked which link a giaddr belongs to: several links may share one. */
  readonly byGiaddr: ReadonlyMap<Ipv4, readonly ServedLink[]>;
  readonly ownAddresses: ReadonlySet<Ipv4>;
  /** Directed broadcasts of each link, by interface index. */
  readonly broadcasts: ReadonlyMap<number, ReadonlySet<Ipv4>>;
  readonly servers: ReadonlySet<Ipv4>;
  readonly replySources: readonly Prefix[];
}

/** Works out what to do on each link. Pure: called again whenever links, names or the configuration change. */
export function planRelay(facts: PlanFacts): RelayPlan {
  const ownAddresses = new Set(facts.links.flatMap((l) => l.addresses.map((a) => a.address)));
  const candidates: Candidate[] = [];
  const unserved: { name: string; reason: UnservedReason }[] = [];
  for (const link of facts.links) {
    const candidate = candidateFor(facts.config, link, ownAddresses);
    if (typeof candidate === 'string') unserved.push({ name: link.name, reason: candidate });
    else candidates.push(candidate);
  }
  const sharers = groupBy(candidates, (candidate) => candidate.giaddr);
  const here = addressesHere(facts.links);
  const links = candidates.map((candidate) =>
    serve(facts, candidate, sharers.get(candidate.giaddr)!.length > 1, here),
  );
  return {
    served: new Map(links.map((served) => [served.link.index, served])),
    unserved,
    byGiaddr: groupBy(links, (served) => served.giaddr),
    ownAddresses,
    broadcasts: new Map(facts.links.map((link) => [link.index, broadcastsOf(link)])),
    servers: new Set(links.flatMap((served) => served.servers)),
    replySources: facts.config.replySources,
  };
}

interface Candidate {
  readonly link: RelayLink;
  readonly settings: RelayInterfaceConfig;
  readonly giaddr: Ipv4;
}

function candidateFor(
  config: RelayConfig,
  link: RelayLink,
  ownAddresses: ReadonlySet<Ipv4>,
): Candidate | UnservedReason {
  const settings = config.interfaces.find((entry) => matchesGlob(entry.match, link.name));
  if (settings === undefined) return 'notMatched';
  // An entry that spells the name out is meant, whatever the exclusions say; compile refuses a contradiction.
  if (settings.match !== link.name && config.exclude.some((glob) => matchesGlob(glob, link.name))) {
    return 'excluded';
  }
  if (link.loopback) return 'loopback';
  if (link.enslaved) return 'enslaved';
  if (!link.broadcast) return 'noBroadcast';
  if (!link.up) return 'down';
  if (settings.giaddr !== 'Auto') {
    return ownAddresses.has(settings.giaddr)
      ? { link, settings, giaddr: settings.giaddr }
      : 'giaddrNotLocal';
  }
  const primary = primaryAddress(link);
  return primary === null ? 'noAddress' : { link, settings, giaddr: primary.address };
}

function serve(
  facts: PlanFacts,
  candidate: Candidate,
  shared: boolean,
  here: ReadonlySet<Ipv4>,
): ServedLink {
  const { link, settings, giaddr } = candidate;
  const upstreams = settings.upstreams.flatMap((upstream) => addressesOf(facts, upstream));
  const servers = [...new Set(upstreams)];
  return {
    link,
    giaddr,
    source: primaryAddress(link)?.address ?? giaddr,
    trusted: settings.trusted,
    existing: settings.relayInformation.existing,
    servers,
    elsewhere: servers.filter((server) => !here.has(server)),
    information: informationFor(facts, candidate, shared),
  };
}

// A host route (/32) that is not on loopback is that of a service, which the kernel may lead to another node; so are the
// addresses of an interface that is down, such as kube-ipvs0.
function addressesHere(links: readonly RelayLink[]): ReadonlySet<Ipv4> {
  return new Set(
    links
      .filter(({ up }) => up)
      .flatMap(({ loopback, addresses }) =>
        addresses.filter(({ prefixLength }) => loopback || prefixLength < 32),
      )
      .map(({ address }) => address),
  );
}

function addressesOf(facts: PlanFacts, upstream: UpstreamConfig): readonly Ipv4[] {
  return upstream.kind === 'address' ? [upstream.address] : facts.resolved(upstream.hostname);
}

function informationFor(
  facts: PlanFacts,
  candidate: Candidate,
  shared: boolean,
): Information | null {
  const { link, settings, giaddr } = candidate;
  const wish = settings.relayInformation;
  const otherPort = facts.config.sourcePort !== 67;
  const select = linkToSelect(candidate);
  const needed =
    wish.wanted || wish.serverIdOverride || wish.virtualSubnet !== null || otherPort || shared;
  // RFC 3046 §2.1: adding option 82 is off unless somebody wants it, or the reply could not find its way without.
  if (wish.mode === 'Never' || (wish.mode === 'Auto' && !needed && select === null)) return null;
  const names = { node: facts.node, relay: facts.config.name };
  const fill = (template: typeof wish.remoteId): Buffer | null =>
    template === null ? null : fillTemplate(template, link, names);
  return encodeInformation({
    circuitId: fillTemplate(wish.circuitId, link, names),
    remoteId: fill(wish.remoteId),
    subscriberId: fill(wish.subscriberId),
    relayId: wish.relayId === 'Auto' ? facts.nodeDuid : wish.relayId,
    linkSelection: select,
    serverIdOverride: wish.serverIdOverride ? (primaryAddress(link)?.address ?? giaddr) : null,
    sourcePort: otherPort,
    virtualSubnet: wish.virtualSubnet,
  });
}

// RFC 3527 §3: needed when giaddr does not tell the client's subnet.
function linkToSelect({ link, settings, giaddr }: Candidate): Ipv4 | null {
  const { linkSelection } = settings.relayInformation;
  const primary = primaryAddress(link);
  if (linkSelection === 'Never' || primary === null) return null;
  const onLink = link.addresses.some((a) => contains(networkOfAddress(a), giaddr));
  return linkSelection === 'Always' || !onLink ? primary.address : null;
}

function broadcastsOf(link: RelayLink): ReadonlySet<Ipv4> {
  // A network of 31 or 32 bits has no directed broadcast (RFC 3021 §2.1).
  return new Set(
    link.addresses.filter((a) => a.prefixLength < 31).map((a) => broadcastOf(networkOfAddress(a))),
  );
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
