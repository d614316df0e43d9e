import {
  contains,
  formatIpv4,
  type Ipv4,
  type Prefix,
  parseIpv4,
  parsePrefix,
} from '../../codec/ipv4.ts';
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

/**
 * Whether a server's subnets are free for it. Of two DhcpServers the one is refused whose spec is not in force yet, else the
 * younger one; what pods and Services use nobody gets.
 */
export function checkOverlap(
  server: DhcpServerObject,
  others: readonly DhcpServerObject[],
  taken: readonly TakenNetwork[],
): Refusal | null {
  if (server.metadata.annotations?.[ALLOW_OVERLAP] === 'true') return null;
  const own = subnetsOf(server);
  for (const { cidr, by } of [...before(server, others), ...taken]) {
    const prefix = parsePrefix(cidr);
    const mine = prefix === null ? undefined : own.find((one) => overlap(one.prefix, prefix));
    if (mine === undefined) continue;
    const message = `spec.subnets ${mine.cidr} overlaps ${cidr}, which is ${by}: change one of them, or annotate with ${ALLOW_OVERLAP}=true if they never meet`;
    return { reason: 'Overlap', message };
  }
  return null;
}

function before(
  server: DhcpServerObject,
  others: readonly DhcpServerObject[],
): readonly TakenNetwork[] {
  return others
    .filter((other) => other.metadata.uid !== server.metadata.uid && isBefore(other, server))
    .flatMap((other) =>
      subnetsOf(other).map(({ cidr }) => ({
        cidr,
        by: `in DhcpServer ${other.metadata.namespace}/${other.metadata.name}`,
      })),
    );
}

// Who has an address range in force keeps it, or an edit of one would have both give the same addresses.
function isBefore(a: DhcpServerObject, b: DhcpServerObject): boolean {
  const stands = isInForce(a);
  return stands === isInForce(b) ? isOlder(a, b) : stands;
}

// The newest spec is.
function isInForce({ metadata, status }: DhcpServerObject): boolean {
  const accepted = status?.conditions?.find(({ type }) => type === 'Accepted');
  return accepted?.status === 'True' && accepted.observedGeneration === metadata.generation;
}

function isOlder(a: DhcpServerObject, b: DhcpServerObject): boolean {
  const key = ({ metadata }: DhcpServerObject): string =>
    `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
  return key(a) < key(b);
}

function subnetsOf({ spec }: DhcpServerObject): { cidr: string; prefix: Prefix }[] {
  return (spec.subnets ?? []).flatMap(({ cidr }) => {
    const prefix = parsePrefix(cidr);
    return prefix === null ? [] : [{ cidr, prefix }];
  });
}

function overlap(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b.address) : contains(b, a.address);
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
