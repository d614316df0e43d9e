import type { CoordinationLease, DhcpServerObject, Pod } from '../../crds/client/resources.ts';
import { UNLIMITED } from '../../crds/election.ts';
import { presentNodes } from './findings.ts';

/** Whether agents of a server stand by while none answers, for whatever reason others do not: then somebody else may hold its Lease for good. */
export function standByInVain(server: DhcpServerObject, pods: readonly Pod[]): boolean {
  const states = new Set(presentNodes(server, pods).map(({ state }) => state));
  return states.has('Standby') && !states.has('Active');
}

/**
 * Who holds a Lease for good, and has no agent any more. That a pod is gone says that its containers have ended: the kubelet has
 * said so, or somebody who deleted it with force, or its Node. Null: nobody such.
 */
export function formerHolder({ spec }: CoordinationLease, pods: readonly Pod[]): string | null {
  const { holderIdentity: holder = '', leaseDurationSeconds = 0 } = spec ?? {};
  if (holder === '' || leaseDurationSeconds * 1000 < UNLIMITED) return null;
  return pods.some((pod) => pod.spec?.nodeName === holder) ? null : holder;
}
