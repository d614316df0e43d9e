import type { PolicyRule } from '../../crds/client/resources.ts';
import { childName, type Parent } from './names.ts';

const GROUP = 'dhcp-operator.io';
const READ = ['get', 'list', 'watch'] as const;

/** What the agents of one object may do, in its namespace: no more than they do. */
export function agentRules(parent: Parent): readonly PolicyRule[] {
  const { name } = parent.metadata;
  const child = childName(parent);
  const plural = parent.kind === 'DhcpServer' ? 'dhcpservers' : 'dhcprelays';
  const rules: PolicyRule[] = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [child], verbs: READ },
    {
      apiGroups: [GROUP],
      resources: [`${plural}/status`],
      resourceNames: [name],
      verbs: ['patch'],
    },
  ];
  if (parent.kind === 'DhcpRelay') return rules;
  return [
    ...rules,
    { apiGroups: [GROUP], resources: ['dhcpservers'], resourceNames: [name], verbs: ['get'] },
    {
      apiGroups: [GROUP],
      resources: ['dhcpleases'],
      verbs: [...READ, 'create', 'patch', 'delete'],
    },
    { apiGroups: [GROUP], resources: ['dhcpleases/status'], verbs: ['patch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [child],
      verbs: ['get', 'update'],
    },
    // What is created has no name yet that could be asked for.
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  ];
}

const WRITE = [...READ, 'create', 'patch', 'delete'] as const;

/** What the operator may do in the cluster: what it does, and what it gives to agents, since nobody can give more. */
export const OPERATOR_RULES: readonly PolicyRule[] = [
  { apiGroups: [GROUP], resources: ['dhcpservers', 'dhcprelays'], verbs: READ },
  {
    apiGroups: [GROUP],
    resources: ['dhcpservers/status', 'dhcprelays/status', 'dhcpleases/status'],
    verbs: ['patch'],
  },
  { apiGroups: [GROUP], resources: ['dhcpleases'], verbs: [...READ, 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['configmaps', 'services', 'serviceaccounts'], verbs: WRITE },
  { apiGroups: [''], resources: ['pods', 'nodes'], verbs: READ },
  { apiGroups: ['apps'], resources: ['daemonsets'], verbs: WRITE },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: WRITE },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: WRITE },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: WRITE,
  },
  { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: READ },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
  // Its own, and the agents'.
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
  },
  // OwnerReferences that block deletion need this where the admission plugin asks for it.
  {
    apiGroups: [GROUP],
    resources: ['dhcpservers/finalizers', 'dhcprelays/finalizers'],
    verbs: ['update'],
  },
  {
    apiGroups: ['monitoring.coreos.com'],
    resources: ['podmonitors'],
    verbs: ['get', 'list', 'create', 'patch'],
  },
];
