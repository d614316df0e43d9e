import { formatIpv4, type Ipv4, overlaps, parseIpv4, parsePrefix } from '../../codec/ipv4.ts';
import type { DhcpLeaseObject, DhcpServerObject } from '../../crds/client/resources.ts';
import { ALLOW_OVERLAP } from '../../crds/compile/serverclash.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import { ALLOW_STRANDING } from './names.ts';

/** Why an object is not taken as it is. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** A network that is in use for something else. */
export interface TakenNetwork {
  readonly cidr: string;
  /** For people: `the pods of node a`. */
  readonly by: string;
}

/** A DhcpServer, and the networks that its agents go by now, whatever its spec says. */
export interface Claimant {
  readonly object: DhcpServerObject;
  readonly inForce: readonly string[];
}

/**
 * Whether a server's subnets are free for it. Of two DhcpServers that want a network it is for the one whose agents have it
 * already, else for the older one; what pods and Services use nobody gets.
 */
export function checkOverlap(
  server: Claimant,
  others: readonly Claimant[],
  taken: readonly TakenNetwork[],
): Refusal | null {
  const { metadata, spec } = server.object;
  if (metadata.annotations?.[ALLOW_OVERLAP] === 'true') return null;
  const own = networksOf(spec.subnets ?? []);
  const claimed = others
    .filter(({ object }) => object.metadata.uid !== metadata.uid)
    .flatMap((other) => claims(other, server));
  for (const { cidr, by } of [...claimed, ...taken]) {
    const mine = own.find((one) => overlap(one, cidr));
    if (mine === undefined) continue;
    const message = `spec.subnets ${mine} overlaps ${cidr}, which is ${by}: change one of them, or annotate with ${ALLOW_OVERLAP}=true if they never meet`;
    return { reason: 'Overlap', message };
  }
  return null;
}

// What another has before us. What our agents have, a spec of his does not take away.
function claims({ object, inForce }: Claimant, us: Claimant): readonly TakenNetwork[] {
  const older = isOlder(object, us.object);
  const isOurs = (cidr: string): boolean => us.inForce.some((one) => overlap(one, cidr));
  const has = inForce.filter((cidr) => older || !isOurs(cidr));
  const wants = older ? networksOf(object.spec.subnets ?? []).filter((cidr) => !isOurs(cidr)) : [];
  const by = `in DhcpServer ${object.metadata.namespace}/${object.metadata.name}`;
  return [...has, ...wants].map((cidr) => ({ cidr, by }));
}

function isOlder(a: DhcpServerObject, b: DhcpServerObject): boolean {
  const key = ({ metadata }: DhcpServerObject): string =>
    `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
  return key(a) < key(b);
}

/** The networks of subnets. */
export function networksOf(subnets: readonly { readonly cidr: string }[]): readonly string[] {
  return subnets.map(({ cidr }) => cidr);
}

// What is no IPv4 network overlaps nothing.
function overlap(one: string, other: string): boolean {
  const [a, b] = [parsePrefix(one), parsePrefix(other)];
  return a !== null && b !== null && overlaps(a, b);
}

const NAMED = 3;

/** Whether clients that hold leases would lose them by an edit: addresses that the old configuration gave and the new does not. */
export function checkStranding(
  annotations: Readonly<Record<string, string>>,
  before: ServerConfig | null,
  after: ServerConfig,
  leases: readonly DhcpLeaseObject[],
): Refusal | null {
  if (before === null || annotations[ALLOW_STRANDING] === 'true') return null;
  const gave = givesOf(before);
  const gives = givesOf(after);
  // Several objects may tell of one address, in any order; the condition is to be the same each time.
  const clients = new Map<Ipv4, string>();
  for (const { spec, status } of leases) {
    const address = parseIpv4(spec.address);
    if (status?.state !== 'Bound' || address === null || !gave(address) || gives(address)) continue;
    const client = status.hostname ?? status.hardwareAddress ?? spec.hardwareAddress;
    clients.set(address, client ?? 'whoever has it');
  }
  const stranded = [...clients].sort(([a], [b]) => a - b);
  if (stranded.length === 0) return null;
  const named = stranded
    .slice(0, NAMED)
    .map(([address, client]) => `${formatIpv4(address)} (${client})`);
  const more = stranded.length > NAMED ? ` and ${stranded.length - NAMED} more` : '';
  const message = `cuts off ${stranded.length} that hold leases: ${named.join(', ')}${more}; keep their addresses, or annotate with ${ALLOW_STRANDING}=true`;
  return { reason: 'WouldStrand', message };
}

/** Tells whether a configuration gives an address to anybody. */
function givesOf({ networks, intents }: ServerConfig): (address: Ipv4) => boolean {
  const subnets = networks.flatMap((network) => network.subnets);
  const ranges = subnets.flatMap(({ pools }) => pools.flatMap((pool) => pool.ranges));
  const single = new Set<Ipv4>([
    ...subnets.flatMap(({ reservations }) => reservations.flatMap(({ address }) => address ?? [])),
    ...intents.filter(({ kind }) => kind === 'Reserve').map(({ address }) => address),
  ]);
  return (address) =>
    single.has(address) || ranges.some(({ start, end }) => start <= address && address <= end);
}
