import type { PolicyRule } from '../../crds/client/resources.ts';
import { childNameOf, type Parent } from './names.ts';

const GROUP = 'dhcp-operator.io';
/** What a live copy takes. */
const FOLLOW = ['list', 'watch'] as const;

/** What the agents of one object may do, in its namespace: no more than they do. */
export function agentRules(parent: Parent): readonly PolicyRule[] {
  const { name } = parent.metadata;
  const child = childNameOf(parent);
  const plural = parent.kind === 'DhcpServer' ? 'dhcpservers' : 'dhcprelays';
  const rules: PolicyRule[] = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [child], verbs: FOLLOW },
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
      verbs: [...FOLLOW, 'create', 'patch', 'delete'],
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

/**
 * A live copy, and server-side apply, which creates or patches. Most of what is not wanted any more goes with its owner, but to
 * take over what has lost its owner takes the right to delete it (OwnerReferencesPermissionEnforcement).
 */
const KEEP = [...FOLLOW, 'create', 'patch', 'delete'] as const;

/** What the operator may do in the cluster: what it does, and what it gives to agents, since nobody can give more. */
export const OPERATOR_RULES: readonly PolicyRule[] = [
  { apiGroups: [GROUP], resources: ['dhcpservers'], verbs: ['get', ...FOLLOW] },
  { apiGroups: [GROUP], resources: ['dhcprelays'], verbs: FOLLOW },
  {
    apiGroups: [GROUP],
    resources: ['dhcpservers/status', 'dhcprelays/status', 'dhcpleases/status'],
    verbs: ['patch'],
  },
  { apiGroups: [GROUP], resources: ['dhcpleases'], verbs: KEEP },
  { apiGroups: [''], resources: ['configmaps', 'services', 'serviceaccounts'], verbs: KEEP },
  { apiGroups: [''], resources: ['pods', 'nodes'], verbs: FOLLOW },
  { apiGroups: ['apps'], resources: ['daemonsets'], verbs: KEEP },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: KEEP },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: KEEP },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: KEEP,
  },
  { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: FOLLOW },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
  // Its own, and the agents'.
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
  },
  // An owner that is said to wait for its children may be said so only by who may change its finalizers
  // (OwnerReferencesPermissionEnforcement).
  {
    apiGroups: [GROUP],
    resources: ['dhcpservers/finalizers', 'dhcprelays/finalizers'],
    verbs: ['update'],
  },
  // A kind that may be missing is not followed.
  {
    apiGroups: ['monitoring.coreos.com'],
    resources: ['podmonitors'],
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
  },
];
