import { HASH_KEY } from '../../crds/assignment.ts';
import type { KubeObject } from '../../crds/client/kube.ts';
import type {
  ConfigMap,
  DhcpServerObject,
  EndpointSlice,
  Node,
  Service,
  ServiceCidr,
} from '../../crds/client/resources.ts';

/**
 * What decisions about other objects are made of in an object, to be compared. Servers look at each other's subnets and at what is
 * in force of them, relays at
 * where servers answer, servers at where relays are, and both at addresses of Services; what else changes, such as the health
 * of a Node, is of no interest.
 */
export function visible(kind: string, object: KubeObject): string {
  return JSON.stringify([object.metadata.uid, partOf(kind, object)]);
}

/** Whether an object was made for a DhcpServer. */
export function isOfServer({ metadata: { ownerReferences = [] } }: KubeObject): boolean {
  return ownerReferences.some(({ kind }) => kind === 'DhcpServer');
}

function partOf(kind: string, object: KubeObject): unknown {
  switch (kind) {
    case 'DhcpServer':
    case 'DhcpRelay': {
      const { metadata, status } = object as DhcpServerObject;
      const addresses = (status?.nodes ?? []).map((node) => [node.node, node.addresses]);
      return [metadata.generation, status?.endpoints, addresses];
    }
    case 'ConfigMap':
      return (object as ConfigMap).data?.[HASH_KEY];
    case 'Node':
      return (object as Node).spec?.podCIDRs;
    case 'ServiceCIDR':
      return (object as ServiceCidr).spec?.cidrs;
    case 'Service': {
      const { spec, status } = object as Service;
      return [spec?.clusterIP, spec?.clusterIPs, status?.loadBalancer?.ingress];
    }
    case 'EndpointSlice': {
      const { metadata, endpoints } = object as EndpointSlice;
      const service = metadata.labels?.['kubernetes.io/service-name'];
      return [service, (endpoints ?? []).map((one) => [one.addresses, one.conditions?.ready])];
    }
    default:
      return object.metadata.resourceVersion;
  }
}
