import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
} from '../../codec/ipv4.ts';
import { type Document, keyOf, nameOf } from '../document.ts';
import { nearest } from '../nearest.ts';
import type { DhcpLease } from '../types/dhcplease.ts';
import type { DhcpServer } from '../types/dhcpserver.ts';
import type { IntentConfig, ServerConfig } from '../types/serverconfig.ts';
import type { Finding } from './findings.ts';
import { compileLease } from './lease.ts';
import { compileServer } from './server.ts';
import { type Accepted, serverClashes } from './serverclash.ts';

/** A document whose spec has the right types. */
export interface Checked<T> {
  readonly document: Document;
  readonly object: T;
}

/** Gathers what is found, and where. */
export interface Report {
  problem(document: Document, finding: Finding): void;
  warn(document: Document, finding: Finding): void;
  /** Whether anything has been found wrong with it so far. */
  isRejected(document: Document): boolean;
}

/** What servers are among. */
export interface Surroundings {
  /** The names of all servers, sound or not: a lease is not to blame for its server. */
  readonly known: readonly string[];
  /** Outside Kubernetes all run on one node. In it, whoever sees all of them keeps them apart. */
  readonly kubernetes: boolean;
}

/** Compiles servers, each with what DhcpLeases ask of it. */
export function compileServers(
  servers: readonly Checked<DhcpServer>[],
  leases: readonly Checked<DhcpLease>[],
  { known, kubernetes }: Surroundings,
  report: Report,
): readonly ServerConfig[] {
  const byServer = leasesByServer(leases, known, report);
  const accepted: Accepted[] = [];
  for (const { document, object } of servers) {
    const { config, problems, warnings } = compileServer(object);
    const clashes = config === null || kubernetes ? [] : serverClashes(accepted, config, object);
    for (const finding of [...problems, ...clashes]) report.problem(document, finding);
    for (const finding of warnings) report.warn(document, finding);
    const own = byServer.get(nameOf(document)) ?? [];
    const sound = report.isRejected(document) ? null : config;
    const intents = compileLeases(own, sound, report);
    if (sound !== null) accepted.push({ document, config: { ...sound, intents } });
  }
  return accepted.map(({ config }) => config);
}

function leasesByServer(
  leases: readonly Checked<DhcpLease>[],
  known: readonly string[],
  report: Report,
): ReadonlyMap<string, Checked<DhcpLease>[]> {
  const all = new Set(known);
  const byServer = new Map<string, Checked<DhcpLease>[]>();
  for (const lease of leases) {
    const server = serverNameOf(lease.object);
    if (!all.has(server)) report.problem(lease.document, unknownServer(server, known));
    const others = byServer.get(server);
    if (others === undefined) byServer.set(server, [lease]);
    else others.push(lease);
  }
  return byServer;
}

function serverNameOf({ metadata, spec }: DhcpLease): string {
  const { namespace } = metadata;
  return namespace === undefined ? spec.serverRef.name : `${namespace}/${spec.serverRef.name}`;
}

function unknownServer(name: string, known: readonly string[]): Finding {
  const meant = nearest(name, known);
  const hint = meant === null ? 'name one in the same namespace' : `did you mean "${meant}"?`;
  const message = `there is no DhcpServer ${name}; ${hint}`;
  return { path: 'spec.serverRef.name', reason: 'UnknownServer', message };
}

// `server` is null when it has problems of its own; what can be said of the leases without it is said.
function compileLeases(
  leases: readonly Checked<DhcpLease>[],
  server: ServerConfig | null,
  report: Report,
): IntentConfig[] {
  const reserved = new Map((server === null ? [] : reservations(server)).map((own) => [own, null]));
  const taken = new Map<Ipv4, Document | null>(reserved);
  return leases.flatMap(({ document, object }) => {
    const { intents, problems } = compileLease(object);
    const [first] = intents;
    const conflict = first === undefined ? null : conflictOf(first, server, taken);
    for (const finding of problems) report.problem(document, finding);
    if (conflict !== null) report.problem(document, conflict);
    if (first === undefined || conflict !== null) return [];
    if (taken.get(first.address) !== null) taken.set(first.address, document);
    return intents;
  });
}

// RFC 3021: of two addresses both are hosts'.
function isEdge(prefix: Prefix, address: Ipv4): boolean {
  const { length } = prefix;
  return length < 31 && (address === prefix.address || address === broadcastOf(prefix));
}

function reservations(server: ServerConfig): Ipv4[] {
  return server.networks
    .flatMap((network) => network.subnets.flatMap((subnet) => subnet.reservations))
    .flatMap(({ address }) => (address === null ? [] : [address]));
}

function conflictOf(
  { kind, address }: IntentConfig,
  server: ServerConfig | null,
  taken: ReadonlyMap<Ipv4, Document | null>,
): Finding | null {
  const text = formatIpv4(address);
  const subnets = server?.networks.flatMap((network) => network.subnets);
  const subnet = subnets?.find(({ prefix }) => contains(prefix, address));
  if (subnets !== undefined && subnet === undefined) {
    const message = `${text} is in no subnet of ${server!.name}: mend it, or add the subnet there`;
    return { path: 'spec.address', reason: 'OutsideSubnets', message };
  }
  if (kind === 'Reserve' && subnet !== undefined && isEdge(subnet.prefix, address)) {
    const message = `${text} is the first or last address of ${formatPrefix(subnet.prefix)}, no host's`;
    return { path: 'spec.address', reason: 'NetworkAddress', message };
  }
  const by = taken.get(address);
  // What a server reserves itself may be pinned, revoked or put in quarantine, but not reserved again.
  if (by === undefined || (by === null && kind !== 'Reserve')) return null;
  const owner = by === null ? `reserved in DhcpServer/${server!.name}` : `${keyOf(by)}'s`;
  const message = `${text} is ${owner} already: delete one of the two`;
  return { path: 'spec.address', reason: 'Duplicate', message };
}
