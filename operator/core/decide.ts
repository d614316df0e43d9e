import type { AgentKind } from '../../crds/assignment.ts';
import { FAILOVER } from '../../crds/assignment.ts';
import type {
  DaemonSet,
  DhcpLeaseObject,
  DhcpRelayObject,
  DhcpServerObject,
  Pod,
} from '../../crds/client/resources.ts';
import { compile } from '../../crds/compile.ts';
import { type Document, documentOf } from '../../crds/document.ts';
import { type Problem, problemText } from '../../crds/problem.ts';
import type { NodeStatus } from '../../crds/types/common.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import {
  type Claimant,
  checkOverlap,
  checkStranding,
  networksOf,
  type Refusal,
  type TakenNetwork,
} from './checks.ts';
import {
  type AgentImage,
  access,
  type Child,
  configMap,
  daemonSet,
  disruptionBudget,
  podMonitor,
  service,
} from './children.ts';
import { conditionsOf, type Finding, turns } from './conditions.ts';
import {
  type AgentsSeen,
  accepted,
  degraded,
  endpointsOf,
  presentNodes,
  programmed,
  relayReady,
  serverReady,
} from './findings.ts';
import type { Parent } from './names.ts';
import { httpPort } from './ports.ts';
import { type Referable, resolveRelay, resolveServer, type Unresolved } from './references.ts';

/** What was accepted last of an object. */
export interface LastGood {
  /** The object, references resolved. */
  readonly document: Document;
  readonly hash: string;
}

/** The networks that the agents of a DhcpServer go by. */
export function networksInForce(lastGood: LastGood | null): readonly string[] {
  const spec = lastGood?.document.spec as DhcpServerObject['spec'] | undefined;
  return networksOf(spec?.subnets ?? []);
}

/** All that a decision is made of; nothing else is looked at. */
export interface Gathered<T extends DhcpServerObject | DhcpRelayObject> {
  readonly object: T;
  readonly refer: Referable;
  /** What the ConfigMap says, if it has been written and can be read. */
  readonly lastGood: LastGood | null;
  readonly daemonSet: DaemonSet | undefined;
  /** The agents of all objects. */
  readonly daemonSets: readonly DaemonSet[];
  readonly pods: readonly Pod[];
  /** Of a server: all of them, what else uses addresses, and its leases. */
  readonly servers: readonly Claimant[];
  readonly taken: readonly TakenNetwork[];
  readonly leases: readonly DhcpLeaseObject[];
  /** Whether the cluster knows PodMonitors. */
  readonly podMonitors: boolean;
  /** What kept a child from being made, when that has been tried. */
  readonly hindrance: Refusal | null;
  readonly image: AgentImage;
  /** RFC 3339. */
  readonly now: string;
  /** YAML of an object, and a short hash of that. */
  print(object: object): string;
  hash(text: string): string;
}

/** What is to be done for an object. */
export interface Decision {
  readonly children: readonly Child[];
  /** What may be there from before, and is to go. */
  readonly unwanted: readonly Child[];
  /** What the operator says in the status; all of it, each time. */
  readonly status: Readonly<Record<string, unknown>>;
  readonly events: readonly Finding[];
  /** What agents that are gone once said, without them; null when there is nothing to take away. */
  readonly nodes: readonly NodeStatus[] | null;
}

/** Decides what an object needs. */
export function decide(kind: AgentKind, gathered: Any): Decision {
  return kind === 'DhcpServer'
    ? decideServer(gathered as Gathered<DhcpServerObject>)
    : decideRelay(gathered as Gathered<DhcpRelayObject>);
}

/** Decides what a DhcpServer needs. */
export function decideServer(gathered: Gathered<DhcpServerObject>): Decision {
  const { object, refer, leases, lastGood, servers, taken } = gathered;
  const parent = parentOf(object, 'DhcpServer');
  const { spec, unresolved } = resolveServer(object, refer);
  const failover = isShared(gathered);
  const document = documentFor(parent, spec, failover);
  const compiled = compile([document], { kubernetes: true });
  const [config] = compiled.config.servers;
  const refusal =
    refused(compiled.problems, unresolved) ??
    checkOverlap({ object, inForce: networksInForce(lastGood) }, servers, taken) ??
    strands(object, lastGood, config, leases);
  const inForce = force(gathered, document, refusal);
  const agents = agentsOf(gathered);
  const endpoints = endpointsOf(agents);
  const findings = [
    accepted(refusal, lastGood !== null),
    programmed(agents, inForce?.hash ?? null, refusal !== null, gathered.hindrance),
    serverReady(agents, endpoints),
    degraded(agents.nodes, object.status?.subnets ?? [], object.spec, failover),
  ];
  const children = inForce === null ? [] : agentChildren(gathered, parent, inForce);
  return {
    // The Service comes first and always: others may wait for its address, this one too.
    children: [
      ...service(parent, endpoints),
      ...children,
      ...(failover && inForce !== null ? [disruptionBudget(parent)] : []),
    ],
    // Of a single agent it would forbid every eviction.
    unwanted: failover ? [] : [disruptionBudget(parent)],
    ...conclude(gathered, findings, { endpoints: endpoints.map(({ address }) => address) }),
  };
}

/** Decides what a DhcpRelay needs. */
export function decideRelay(gathered: Gathered<DhcpRelayObject>): Decision {
  const { object, refer, lastGood } = gathered;
  const parent = parentOf(object, 'DhcpRelay');
  const { spec, unresolved } = resolveRelay(object, refer);
  const document = documentFor(parent, spec, false);
  const { problems } = compile([document], { kubernetes: true });
  const refusal = refused(problems, unresolved);
  const inForce = force(gathered, document, refusal);
  const agents = agentsOf(gathered);
  const findings = [
    accepted(refusal, lastGood !== null),
    programmed(agents, inForce?.hash ?? null, refusal !== null, gathered.hindrance),
    relayReady(agents),
    degraded(agents.nodes, [], null, false),
  ];
  const children = inForce === null ? [] : agentChildren(gathered, parent, inForce);
  return { children, unwanted: [], ...conclude(gathered, findings, {}) };
}

type Any = Gathered<DhcpServerObject | DhcpRelayObject>;

interface InForce {
  readonly document: Document;
  readonly manifests: string;
  readonly hash: string;
}

function parentOf({ metadata }: DhcpServerObject | DhcpRelayObject, kind: Parent['kind']): Parent {
  const { namespace = '', uid = '' } = metadata;
  return { kind, metadata: { ...metadata, namespace, uid } };
}

function documentFor({ kind, metadata }: Parent, spec: object, failover: boolean): Document {
  const { name, namespace } = metadata;
  const annotations = failover ? { annotations: { [FAILOVER]: 'true' } } : {};
  return documentOf({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind,
    metadata: { name, namespace, ...annotations },
    spec,
  });
}

// Until it is known how many agents there are, it is what it was. A node that is cut off is not desired any more, but its agent
// may well be at work, and its pod is there until somebody knows better.
function isShared({ daemonSet: { status } = {} as DaemonSet, pods, lastGood }: Any): boolean {
  // Of one node the old pod and the new one are the same agent, and one without a node runs nowhere.
  const nodes = new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []));
  const agents = Math.max(status?.desiredNumberScheduled ?? 0, nodes.size);
  if (agents === 0) return lastGood?.document.metadata.annotations?.[FAILOVER] === 'true';
  return agents > 1;
}

function refused(problems: readonly Problem[], unresolved: readonly Unresolved[]): Refusal | null {
  const [missing] = unresolved;
  if (missing !== undefined)
    return { reason: 'UnresolvedReference', message: `${missing.path}: ${missing.message}` };
  const [first] = problems;
  if (first === undefined) return null;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return { reason: 'Invalid', message: `${problemText(first)}${more}` };
}

function strands(
  { metadata }: DhcpServerObject,
  lastGood: Any['lastGood'],
  after: ServerConfig | undefined,
  leases: readonly DhcpLeaseObject[],
): Refusal | null {
  if (lastGood === null || after === undefined) return null;
  const [before] = compile([lastGood.document], { kubernetes: true }).config.servers;
  return checkStranding(metadata.annotations ?? {}, before ?? null, after, leases);
}

// What was accepted last stays in force, whole: also its placement, should the pods have to be made again.
function force(
  { lastGood, print, hash }: Any,
  document: Document,
  refusal: Refusal | null,
): InForce | null {
  if (refusal !== null && lastGood === null) return null;
  const chosen = refusal === null ? document : lastGood!.document;
  const { apiVersion, kind, metadata, spec } = chosen;
  const manifests = print({ apiVersion, kind, metadata, spec });
  return { document: chosen, manifests, hash: hash(manifests) };
}

function agentChildren(
  { image, podMonitors, daemonSet: set, daemonSets }: Any,
  parent: Parent,
  { document, manifests, hash }: InForce,
): readonly Child[] {
  const { placement = {} } = document.spec as DhcpServerObject['spec'];
  return [
    ...access(parent),
    configMap(parent, manifests, hash),
    daemonSet(parent, placement, image, httpPort(parent.metadata.uid, set, daemonSets)),
    ...(podMonitors ? [podMonitor(parent, image)] : []),
  ];
}

function agentsOf(gathered: Any): AgentsSeen {
  const { daemonSet: set, pods, object } = gathered;
  return { daemonSet: set, pods, nodes: presentNodes(object, pods) };
}

function conclude(
  { object, daemonSet: set, pods, now }: Any,
  findings: readonly Finding[],
  more: Readonly<Record<string, unknown>>,
): Omit<Decision, 'children' | 'unwanted'> {
  const generation = object.metadata.generation ?? 1;
  const before = object.status?.conditions ?? [];
  const { desiredNumberScheduled = 0, numberReady = 0 } = set?.status ?? {};
  const present = presentNodes(object, pods);
  const gone = (object.status?.nodes ?? []).length !== present.length;
  return {
    status: {
      observedGeneration: generation,
      conditions: conditionsOf(findings, before, generation, now),
      desiredNodes: desiredNumberScheduled,
      readyNodes: numberReady,
      ...more,
    },
    events: turns(findings, before),
    nodes: gone ? present : null,
  };
}
