// What the tests of decisions are made of.

import type {
  DaemonSet,
  DhcpLeaseObject,
  DhcpRelayObject,
  DhcpServerObject,
  Pod,
} from '../../crds/client/resources.ts';
import { documentOf } from '../../crds/document.ts';
import type { NodeStatus } from '../../crds/types/common.ts';
import type { Child } from './children.ts';
import type { Decision, Gathered } from './decide.ts';

export const NOW = '2026-01-31T12:00:00Z';
const API = { apiVersion: 'dhcp-operator.io/v1alpha1' } as const;

/** A DhcpServer dhcp/lab with one subnet, 192.0.2.0/24, and a pool from .100 to .199. */
export function server(
  spec: object = {},
  metadata: object = {},
  status?: DhcpServerObject['status'],
): DhcpServerObject {
  const pools = [{ start: '192.0.2.100', end: '192.0.2.199' }];
  return {
    ...API,
    kind: 'DhcpServer',
    metadata: {
      name: 'lab',
      namespace: 'dhcp',
      uid: 'u1',
      generation: 3,
      creationTimestamp: NOW,
      ...metadata,
    },
    spec: { subnets: [{ cidr: '192.0.2.0/24', pools }], ...spec },
    ...(status === undefined ? {} : { status }),
  } as DhcpServerObject;
}

/** A DhcpRelay dhcp/office. */
export function relay(spec: object, status?: DhcpRelayObject['status']): DhcpRelayObject {
  return {
    ...API,
    kind: 'DhcpRelay',
    metadata: { name: 'office', namespace: 'dhcp', uid: 'u2', generation: 1 },
    spec,
    ...(status === undefined ? {} : { status }),
  } as DhcpRelayObject;
}

/** A pod of an agent on a node, ready. */
export function pod(node: string, ready = true): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `agent-${node}`, namespace: 'dhcp' },
    spec: { containers: [], nodeName: node },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

/** A DaemonSet that wants so many agents. */
export function daemonSet(desired: number, ready = desired): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'x', namespace: 'dhcp' },
    status: { desiredNumberScheduled: desired, numberReady: ready },
  };
}

export function says(
  node: string,
  state: NodeStatus['state'],
  more: Partial<NodeStatus> = {},
): NodeStatus {
  return { node, state, addresses: [`198.51.100.${node.charCodeAt(0)}`], ...more };
}

export function bound(address: string): DhcpLeaseObject {
  return {
    ...API,
    kind: 'DhcpLease',
    metadata: { name: `lab-${address}`, namespace: 'dhcp' },
    spec: {
      serverRef: { name: 'lab' },
      address,
      hardwareAddress: '02:00:00:00:00:01',
      intent: 'Bind',
    },
    status: { state: 'Bound', hostname: 'door' },
  };
}

/** An accepted version of a spec, as the ConfigMap has it. */
export function lastGood(
  object: DhcpServerObject | DhcpRelayObject,
  annotations: Readonly<Record<string, string>> = {},
): Gathered<DhcpServerObject>['lastGood'] {
  const { apiVersion, kind, spec } = object;
  const { name, namespace = '' } = object.metadata;
  const metadata = { name, namespace, ...(Object.keys(annotations).length > 0 && { annotations }) };
  const document = documentOf({ apiVersion, kind, metadata, spec });
  return { document, hash: hash(print({ apiVersion, kind, metadata, spec })) };
}

export function print(object: object): string {
  return JSON.stringify(object);
}

export function hash(text: string): string {
  return `h${text.length}`;
}

/** All that is gathered for an object in an otherwise empty cluster. */
export function gathered<T extends DhcpServerObject | DhcpRelayObject>(
  object: T,
  more: Partial<Gathered<T>> = {},
): Gathered<T> {
  return {
    object,
    refer: {
      service: () => undefined,
      server: () => undefined,
      endpoints: () => [],
      relays: [],
    },
    lastGood: null,
    daemonSet: undefined,
    daemonSets: [],
    pods: [],
    servers: [],
    taken: [],
    leases: [],
    podMonitors: false,
    hindrance: null,
    image: {
      image: 'agent:1',
      pullPolicy: 'IfNotPresent',
      pullSecrets: [],
      monitorLabels: {},
      priorityClass: null,
      logLevel: 'info',
    },
    now: NOW,
    print,
    hash,
    ...more,
  };
}

/** The child of a kind, which is there. */
export function childOf({ children }: Decision, kind: string): Child['object'] {
  const found = children.find(({ resource }) => resource.kind === kind);
  if (found === undefined)
    throw new Error(`no ${kind} among ${children.map((c) => c.resource.kind)}`);
  return found.object;
}

/** `Accepted=True Valid` and so on, in order. */
export function told({ status }: Decision): string[] {
  const { conditions } = status as {
    conditions: { type: string; status: string; reason: string }[];
  };
  return conditions.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`);
}

/** The message of a condition. */
export function messageOf({ status }: Decision, type: string): string {
  const { conditions } = status as { conditions: { type: string; message: string }[] };
  return conditions.find((one) => one.type === type)?.message ?? '';
}
