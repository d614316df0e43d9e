import { type AgentKind, childName } from '../../crds/assignment.ts';
import type { KubeMeta, OwnerReference } from '../../crds/client/kube.ts';

/** An object that agents are made for, as far as what is made for it is concerned. */
export interface Parent {
  readonly kind: AgentKind;
  readonly metadata: KubeMeta & { readonly namespace: string; readonly uid: string };
}

/** Who applies everything that the operator makes. */
export const MANAGER = 'dhcp-operator';
const MANAGED_BY = { 'app.kubernetes.io/managed-by': MANAGER } as const;
/** What an operator follows of kinds that others use too. */
export const OURS = `app.kubernetes.io/managed-by=${MANAGER}`;

/** On an object: "true" lets an edit cut off clients that hold leases. */
export const ALLOW_STRANDING = 'dhcp-operator.io/allow-stranding';

/** What everything that is made for an object is called. */
export function childNameOf({ kind, metadata }: Parent): string {
  return childName(kind, metadata.name);
}

/** What finds the pods of one object. */
export function selectorOf({ kind, metadata }: Parent): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'dhcp-agent',
    'app.kubernetes.io/instance': metadata.name,
    'app.kubernetes.io/component': kind === 'DhcpServer' ? 'server' : 'relay',
  };
}

export function labelsOf(parent: Parent): Record<string, string> {
  return { ...selectorOf(parent), ...MANAGED_BY };
}

/** Makes what is made for an object go with it. */
export function ownerOf({ kind, metadata }: Parent): OwnerReference {
  const { name, uid } = metadata;
  const apiVersion = 'dhcp-operator.io/v1alpha1';
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** `namespace/name`. */
export function nameOf({ metadata }: Pick<Parent, 'metadata'>): string {
  return `${metadata.namespace}/${metadata.name}`;
}
