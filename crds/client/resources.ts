// The resources that are read and written here, with as much of their objects as that takes.
import type { DhcpLease as Lease } from '../types/dhcplease.ts';
import type { DhcpRelay as Relay } from '../types/dhcprelay.ts';
import type { DhcpServer as Server } from '../types/dhcpserver.ts';
import type { KubeObject, Resource } from './kube.ts';

const OURS = { apiVersion: 'dhcp-operator.io/v1alpha1', namespaced: true } as const;
const CORE = { apiVersion: 'v1', namespaced: true } as const;
const RBAC = { apiVersion: 'rbac.authorization.k8s.io/v1', namespaced: true } as const;

export type DhcpServerObject = Server & KubeObject;
export type DhcpRelayObject = Relay & KubeObject;
export type DhcpLeaseObject = Lease & KubeObject;

/** Sorts older objects first; of two of the same second, by name. */
export function byAge({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  const key = ({ creationTimestamp = '', name }: KubeObject['metadata']): string =>
    `${creationTimestamp} ${name}`;
  return key(a) < key(b) ? -1 : 1;
}

export const DHCP_SERVERS: Resource<DhcpServerObject> = {
  ...OURS,
  kind: 'DhcpServer',
  plural: 'dhcpservers',
};
export const DHCP_RELAYS: Resource<DhcpRelayObject> = {
  ...OURS,
  kind: 'DhcpRelay',
  plural: 'dhcprelays',
};
export const DHCP_LEASES: Resource<DhcpLeaseObject> = {
  ...OURS,
  kind: 'DhcpLease',
  plural: 'dhcpleases',
};

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
export const CONFIG_MAPS: Resource<ConfigMap> = {
  ...CORE,
  kind: 'ConfigMap',
  plural: 'configmaps',
};

export const SERVICE_ACCOUNTS: Resource = {
  ...CORE,
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
}

export interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalName?: string;
    readonly ports?: readonly ServicePort[];
    readonly selector?: Readonly<Record<string, string>>;
    readonly externalTrafficPolicy?: string;
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}
export const SERVICES: Resource<Service> = { ...CORE, kind: 'Service', plural: 'services' };

export interface EndpointSlice extends KubeObject {
  readonly addressType?: string;
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: {
      readonly ready?: boolean;
      readonly serving?: boolean;
      readonly terminating?: boolean;
    };
    readonly nodeName?: string;
    readonly targetRef?: {
      readonly kind: string;
      readonly name: string;
      readonly namespace?: string;
    };
  }[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: string;
  }[];
}
export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

export interface ServiceCidr extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] };
}
export const SERVICE_CIDRS: Resource<ServiceCidr> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
};

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
export interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[];
}
export const ROLES: Resource<Role> = { ...RBAC, kind: 'Role', plural: 'roles' };

export interface RoleBinding extends KubeObject {
  readonly roleRef?: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}
export const ROLE_BINDINGS: Resource<RoleBinding> = {
  ...RBAC,
  kind: 'RoleBinding',
  plural: 'rolebindings',
};

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly [field: string]: unknown;
}
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

export interface DaemonSet extends KubeObject {
  readonly spec?: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: PodTemplate;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly currentNumberScheduled?: number;
    readonly numberReady?: number;
    readonly updatedNumberScheduled?: number;
  };
}
export const DAEMON_SETS: Resource<DaemonSet> = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  namespaced: true,
};

export interface Pod extends KubeObject {
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
      };
    }[];
  };
}
export const PODS: Resource<Pod> = { ...CORE, kind: 'Pod', plural: 'pods' };

export interface Node extends KubeObject {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}
export const NODES: Resource<Node> = {
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
};

/** A coordination.k8s.io/v1 Lease, which has nothing to do with DHCP. */
export interface CoordinationLease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly leaseTransitions?: number;
    /** RFC 3339 with microseconds; for people, no decision looks at them. */
    readonly acquireTime?: string;
    readonly renewTime?: string;
  };
}
export const COORDINATION_LEASES: Resource<CoordinationLease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface KubeEvent extends KubeObject {
  readonly eventTime?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly type?: 'Normal' | 'Warning';
  readonly regarding?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}
export const EVENTS: Resource<KubeEvent> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

export const PDBS: Resource = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
};

/** Of the Prometheus operator; there only where that is installed. */
export const POD_MONITORS: Resource = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PodMonitor',
  plural: 'podmonitors',
  namespaced: true,
};
