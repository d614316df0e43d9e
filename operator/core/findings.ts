import type {
  DaemonSet,
  DhcpRelayObject,
  DhcpServerObject,
  Pod,
} from '../../crds/client/resources.ts';
import type { NodeStatus } from '../../crds/types/common.ts';
import type { DhcpServerSpec, SubnetStatus } from '../../crds/types/dhcpserver.ts';
import type { Refusal } from './checks.ts';
import type { Endpoint } from './children.ts';
import type { Finding } from './conditions.ts';
import { whatKeepsAgents } from './missing.ts';

/** What is known of the agents of an object. */
export interface AgentsSeen {
  readonly daemonSet: DaemonSet | undefined;
  readonly pods: readonly Pod[];
  /** What they say, without those that are gone. */
  readonly nodes: readonly NodeStatus[];
}

/** From here on a subnet is as good as full, in percent. */
const FULL = 90;

/** What agents say, of nodes that still have one. Before any pod is seen nothing is taken for gone. */
export function presentNodes(
  { status }: DhcpServerObject | DhcpRelayObject,
  pods: readonly Pod[],
): readonly NodeStatus[] {
  const nodes = new Set(pods.map(({ spec }) => spec?.nodeName));
  return (status?.nodes ?? []).filter(({ node }) => nodes.has(node));
}

/**
 * Where a server answers: agents that say so, in pods that are ready. What one said before another took over, and could not take
 * back, is known by its lower epoch.
 */
export function endpointsOf({ nodes, pods }: AgentsSeen): readonly Endpoint[] {
  const epochs = nodes.map(({ state, epoch = 0 }) => (state === 'Active' ? epoch : 0));
  const newest = Math.max(0, ...epochs);
  return nodes.flatMap(({ node, state, addresses = [], epoch = 0 }) => {
    if (epoch < newest) return [];
    const pod = pods.find(({ spec }) => spec?.nodeName === node);
    const [address] = addresses;
    if (state !== 'Active' || pod === undefined || !isReady(pod) || address === undefined)
      return [];
    return [{ node, address, pod: pod.metadata.name }];
  });
}

export function isReady({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some(
    ({ type, status: is }) => type === 'Ready' && is === 'True',
  );
  return ready === true && metadata.deletionTimestamp === undefined;
}

export function accepted(refusal: Refusal | null, lastGood: boolean): Finding {
  if (refusal === null)
    return { type: 'Accepted', status: 'True', reason: 'Valid', message: 'the spec is in order' };
  const stays = lastGood ? '; what was accepted before stays in force' : '';
  return { type: 'Accepted', status: 'False', ...refusal, message: `${refusal.message}${stays}` };
}

/** Whether every agent has what the spec says. */
export function programmed(
  { daemonSet, nodes }: AgentsSeen,
  hash: string | null,
  refused: boolean,
  hindrance: Refusal | null,
): Finding {
  const type = 'Programmed';
  if (hindrance !== null) {
    const { reason, message } = hindrance;
    return { type, status: 'False', reason, message };
  }
  if (hash === null) {
    const message = 'nothing has been accepted yet';
    return { type, status: 'False', reason: 'NotAccepted', message };
  }
  const desired = placed(daemonSet);
  const applied = nodes.filter((node) => node.hash === hash).length;
  if (desired === undefined || applied < desired) {
    const message =
      desired === undefined
        ? 'the agents have yet to be placed on nodes'
        : `${applied} of ${desired} agents have applied the configuration`;
    return { type, status: 'False', reason: 'Progressing', message };
  }
  if (refused) {
    const message = 'all agents have what was accepted last, which is not the newest';
    return { type, status: 'False', reason: 'LastGood', message };
  }
  const message = `${applied} of ${desired} agents have applied the configuration`;
  return { type, status: 'True', reason: 'Applied', message };
}

export function serverReady(agents: AgentsSeen, endpoints: readonly Endpoint[]): Finding {
  const type = 'Ready';
  if (hasNoNodes(agents)) return noNodes();
  const [first] = endpoints;
  if (first === undefined) {
    const message =
      waiting(agents) || allTroubles(agents) || nobody(agents, 'no agent answers yet');
    return { type, status: 'False', reason: 'NotServing', message };
  }
  const standby = nodesOf(agents, 'Standby');
  const message = `${first.node} serves at ${first.address}${standby.length === 0 ? '' : takeover(standby)}`;
  return { type, status: 'True', reason: 'Serving', message };
}

function nodesOf({ nodes }: AgentsSeen, wanted: NodeStatus['state']): readonly string[] {
  return nodes.filter(({ state }) => state === wanted).map(({ node }) => node);
}

// An agent that was alone may answer although nobody hears of it, and is not replaced before it is known to have ended.
function waiting(agents: AgentsSeen): string {
  const standby = nodesOf(agents, 'Standby');
  const active = nodesOf(agents, 'Active');
  if (standby.length === 0 || active.length === 0) return '';
  return `${standby.join(', ')} stands by for ${active.join(', ')}, which may still answer: if it is surely off, delete its pod with --force`;
}

function takeover(standby: readonly string[]): string {
  return `; ${standby.join(', ')} would take over with what the DhcpLeases tell, and may not know leases of the moment before`;
}

export function relayReady(agents: AgentsSeen): Finding {
  const type = 'Ready';
  const { desiredNumberScheduled: desired = 0, numberReady: ready = 0 } =
    agents.daemonSet?.status ?? {};
  if (hasNoNodes(agents)) return noNodes();
  if (desired === 0 || ready < desired) {
    const some = `${ready} of ${desired} agents are ready${after(allTroubles(agents))}`;
    const message = nobody(agents, some);
    return { type, status: 'False', reason: 'NodesNotReady', message };
  }
  return { type, status: 'True', reason: 'Relaying', message: `${ready} agents are ready` };
}

// Before anything has been accepted there is nobody to wait for.
function nobody({ daemonSet, nodes }: AgentsSeen, otherwise: string): string {
  return daemonSet === undefined && nodes.length === 0 ? 'there are no agents yet' : otherwise;
}

function hasNoNodes({ daemonSet, pods }: AgentsSeen): boolean {
  return placed(daemonSet) === 0 && pods.length === 0;
}

// How many agents there are to be; undefined until somebody has counted the nodes for the placement as it is now.
function placed(set: DaemonSet | undefined): number | undefined {
  const { generation = 0 } = set?.metadata ?? {};
  const { observedGeneration = 0, desiredNumberScheduled } = set?.status ?? {};
  return observedGeneration < generation ? undefined : desiredNumberScheduled;
}

function noNodes(): Finding {
  const message = 'no node matches spec.placement: label one, or change it';
  return { type: 'Ready', status: 'False', reason: 'NoNodes', message };
}

/** What goes wrong while the rest goes on. */
export function degraded(
  nodes: readonly NodeStatus[],
  subnets: readonly SubnetStatus[],
  spec: Pick<DhcpServerSpec, 'leaseObjects'> | null,
  failover: boolean,
): Finding {
  const type = 'Degraded';
  const full = subnets.filter(
    ({ total, bound, declined }) => total > 0 && share(bound + declined, total) >= FULL,
  );
  if (full.length > 0) {
    const named = full.map(
      ({ name, bound, declined, total }) => `${name} (${bound + declined} of ${total})`,
    );
    const message = `nearly or wholly out of addresses: ${named.join(', ')}; add pools or shorten leaseTime`;
    return { type, status: 'True', reason: 'PoolExhausted', message };
  }
  const foreign = [...new Set(nodes.flatMap(({ foreignServers = [] }) => foreignServers))];
  if (foreign.length > 0) {
    const message = `other DHCP servers answer on our links: ${foreign.join(', ')}; turn them off, or name them in spec.foreignServers.known`;
    return { type, status: 'True', reason: 'ForeignServer', message };
  }
  if (failover && (spec?.leaseObjects ?? 'All') !== 'All') {
    const message =
      'several nodes serve, and the one that takes over would not know all leases: set spec.leaseObjects to All, or place it on one node';
    return { type, status: 'True', reason: 'BlindTakeover', message };
  }
  const trouble = troubles(nodes);
  if (trouble !== '') return { type, status: 'True', reason: 'AgentTrouble', message: trouble };
  return { type, status: 'False', reason: 'AsExpected', message: 'nothing is known to be wrong' };
}

function share(part: number, whole: number): number {
  return (100 * part) / whole;
}

// What agents say themselves, and what is said of those that cannot.
function allTroubles(agents: AgentsSeen): string {
  return [troubles(agents.nodes), whatKeepsAgents(agents)].filter((text) => text !== '').join('; ');
}

function troubles(nodes: readonly NodeStatus[]): string {
  return nodes
    .flatMap(({ node, message }) => (message === undefined ? [] : [`${node}: ${message}`]))
    .join('; ');
}

function after(text: string): string {
  return text === '' ? '' : `: ${text}`;
}
