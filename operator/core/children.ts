import { HASH_KEY, MANIFESTS_KEY } from '../../crds/assignment.ts';
import type { KubeMeta, KubeObject, Resource } from '../../crds/client/kube.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  ENDPOINT_SLICES,
  PDBS,
  POD_MONITORS,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../crds/client/resources.ts';
import type { Placement } from '../../crds/types/common.ts';
import { childNameOf, labelsOf, ownerOf, type Parent, selectorOf } from './names.ts';
import { agentRules } from './rbac.ts';

/** An object that is to be there, and its resource. */
export interface Child {
  readonly resource: Resource;
  readonly object: KubeObject & Readonly<Record<string, unknown>>;
}

/** What agents are made of. */
export interface AgentImage {
  readonly image: string;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly pullSecrets: readonly string[];
  readonly priorityClass: string | null;
  readonly logLevel: string;
  /** For their PodMonitors. */
  readonly monitorLabels: Readonly<Record<string, string>>;
}

/** Where a server answers. */
export interface Endpoint {
  readonly node: string;
  readonly address: string;
  readonly pod: string | null;
}

const STATE_DIR = '/var/lib/dhcp-operator';
const SERVER_PORT = 67;

/** The ConfigMap that tells agents what to do. */
export function configMap(parent: Parent, manifests: string, hash: string): Child {
  return child(parent, CONFIG_MAPS, { data: { [MANIFESTS_KEY]: manifests, [HASH_KEY]: hash } });
}

/** What lets agents in, and where they are let in. */
export function access(parent: Parent): readonly Child[] {
  const name = childNameOf(parent);
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    child(parent, SERVICE_ACCOUNTS, { automountServiceAccountToken: false }),
    child(parent, ROLES, { rules: agentRules(parent) }),
    child(parent, ROLE_BINDINGS, {
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: parent.metadata.namespace }],
    }),
  ];
}

/** The agents; they tell of themselves on `port` of their nodes. */
export function daemonSet(
  parent: Parent,
  placement: Placement,
  image: AgentImage,
  port: number,
): Child {
  const labels = selectorOf(parent);
  return child(parent, DAEMON_SETS, {
    spec: {
      selector: { matchLabels: labels },
      // Never two of one server at once, and never a new one beside the old one: they would share port and leases.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      template: {
        metadata: { labels: { ...labels, ...labelsOf(parent) } },
        spec: podSpec(parent, placement, image, port),
      },
    },
  });
}

function podSpec(
  parent: Parent,
  { nodeSelector, tolerations }: Placement,
  { image, pullPolicy, pullSecrets, priorityClass, logLevel }: AgentImage,
  port: number,
): object {
  const { kind, metadata } = parent;
  return {
    serviceAccountName: childNameOf(parent),
    automountServiceAccountToken: true,
    // The LAN is the node's.
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    terminationGracePeriodSeconds: 15,
    nodeSelector: { 'kubernetes.io/os': 'linux', ...nodeSelector },
    ...(tolerations === undefined ? {} : { tolerations }),
    ...(priorityClass === null ? {} : { priorityClassName: priorityClass }),
    ...(pullSecrets.length === 0
      ? {}
      : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'agent',
        image,
        imagePullPolicy: pullPolicy,
        args: [
          'kubernetes',
          `--object=${kind}/${metadata.namespace}/${metadata.name}`,
          `--state-dir=${STATE_DIR}`,
          `--http=[$(HOST_IP)]:${port}`,
          `--log-level=${logLevel}`,
        ],
        env: [
          { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        ],
        ports: [{ name: 'metrics', containerPort: port, hostPort: port, protocol: 'TCP' }],
        readinessProbe: probe('/readyz', port, 2),
        livenessProbe: probe('/healthz', port, 6),
        resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '1Gi' } },
        securityContext: {
          // A pod has no ambient capabilities, so a raw socket takes uid 0, with nothing but this.
          runAsUser: 0,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'], add: capabilities(kind) },
        },
        volumeMounts: [{ name: 'state', mountPath: STATE_DIR }],
      },
    ],
    volumes: [
      {
        name: 'state',
        hostPath: {
          path: `${STATE_DIR}/${metadata.namespace}/${childNameOf(parent)}`,
          type: 'DirectoryOrCreate',
        },
      },
    ],
  };
}

// With its port held, the kernel does not tell clients of a server that nobody is there.
function capabilities(kind: Parent['kind']): readonly string[] {
  return kind === 'DhcpServer' ? ['NET_BIND_SERVICE', 'NET_RAW'] : ['NET_RAW'];
}

function probe(path: string, port: number, failureThreshold: number): object {
  return {
    httpGet: { path, port, scheme: 'HTTP' },
    periodSeconds: 5,
    timeoutSeconds: 3,
    successThreshold: 1,
    failureThreshold,
  };
}

/** Keeps the last agents of a server that several nodes share from being evicted together. */
export function disruptionBudget(parent: Parent): Child {
  return child(parent, PDBS, {
    spec: { minAvailable: 1, selector: { matchLabels: selectorOf(parent) } },
  });
}

/** The address that stays the same whichever node serves, and where it leads now. */
export function service(parent: Parent, endpoints: readonly Endpoint[]): readonly Child[] {
  const name = childNameOf(parent);
  const port = { name: 'dhcp', port: SERVER_PORT, protocol: 'UDP' };
  return [
    child(parent, SERVICES, {
      spec: { type: 'ClusterIP', ports: [{ ...port, targetPort: SERVER_PORT }] },
    }),
    child(
      parent,
      ENDPOINT_SLICES,
      {
        addressType: 'IPv4',
        ports: [port],
        endpoints: endpoints.map(({ node, address, pod }) => ({
          addresses: [address],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: node,
          ...(pod === null
            ? {}
            : { targetRef: { kind: 'Pod', name: pod, namespace: parent.metadata.namespace } }),
        })),
      },
      {
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'dhcp-operator.io',
      },
    ),
  ];
}

/** Where Prometheus finds the agents. */
export function podMonitor(parent: Parent, { monitorLabels }: AgentImage): Child {
  const spec = {
    selector: { matchLabels: selectorOf(parent) },
    podMetricsEndpoints: [{ port: 'metrics', path: '/metrics' }],
  };
  // Ours are what the object is found again by.
  return child(parent, POD_MONITORS, { spec }, { ...monitorLabels, ...labelsOf(parent) });
}

function child(
  parent: Parent,
  resource: Resource,
  body: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, string>> = {},
): Child {
  const { apiVersion, kind } = resource;
  const metadata: KubeMeta = {
    name: childNameOf(parent),
    namespace: parent.metadata.namespace,
    labels: { ...labelsOf(parent), ...labels },
    ownerReferences: [ownerOf(parent)],
  };
  return { resource, object: { apiVersion, kind, metadata, ...body } };
}

/** Lists to which others may add, since their items are told apart by a key: what server-side apply does not take away. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['ownerReferences', 'uid'],
  ['containers', 'name'],
  ['env', 'name'],
  ['volumes', 'name'],
]);

/** Whether everything that is wanted is so already; what others added is theirs. `field` is what holds the two. */
export function covers(current: unknown, wanted: unknown, field = ''): boolean {
  if (Array.isArray(wanted)) return coversList(current, wanted, field);
  if (typeof wanted !== 'object' || wanted === null) return current === wanted;
  if (typeof current !== 'object' || current === null) return false;
  return Object.entries(wanted).every(([key, value]) =>
    covers((current as Record<string, unknown>)[key], value, key),
  );
}

function coversList(current: unknown, wanted: readonly unknown[], field: string): boolean {
  // The API server leaves empty lists out, and makes null of those of an EndpointSlice.
  if (wanted.length === 0 && (current === undefined || current === null)) return true;
  if (!Array.isArray(current)) return false;
  const key = KEYS.get(field);
  if (key === undefined)
    return current.length === wanted.length && wanted.every((one, i) => covers(current[i], one));
  const byKey = new Map(current.map((one) => [(one as Record<string, unknown>)[key], one]));
  return wanted.every((one) => covers(byKey.get((one as Record<string, unknown>)[key]), one));
}
