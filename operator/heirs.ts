import type { Logger } from 'pino';
import { childName } from '../crds/assignment.ts';
import type { Kube } from '../crds/client/kube.ts';
import {
  COORDINATION_LEASES,
  type DhcpServerObject,
  PODS,
  type Pod,
} from '../crds/client/resources.ts';
import { MANAGER, type Parent, selectorOf } from './core/names.ts';
import { formerHolder, standByInVain } from './core/orphaned.ts';

/** What letting heirs in needs from who asks for it. */
export interface HeirsParts {
  readonly kube: Kube;
  readonly log: Logger;
  /** Throws when nothing may be written any more. */
  mayWrite(): void;
}

/**
 * A server on one node holds its Lease for good, so that it answers whether the API server does or not. When its node is no more,
 * it is given back here, or no other node could ever take over. `pods` are those known of it; rejects with KubeError.
 */
export async function letHeirsIn(
  { kube, log, mayWrite }: HeirsParts,
  server: DhcpServerObject,
  pods: readonly Pod[],
): Promise<void> {
  if (!standByInVain(server, pods)) return;
  const parent = { kind: 'DhcpServer', metadata: server.metadata } as Parent;
  const { namespace, name } = parent.metadata;
  const key = { namespace, name: childName('DhcpServer', name) };
  const lease = await kube.get(COORDINATION_LEASES, key);
  if (lease === null || formerHolder(lease, pods) === null) return;
  // What is known may be old, and two that answer are worse than none.
  const labels = Object.entries(selectorOf(parent)).map(([label, value]) => `${label}=${value}`);
  const fresh = await kube.list(PODS, { namespace, labels: labels.join(',') });
  const former = formerHolder(lease, fresh);
  if (former === null) return;
  mayWrite();
  const spec = { ...lease.spec, holderIdentity: '' };
  await kube.update(COORDINATION_LEASES, { ...lease, spec }, MANAGER);
  log.info({ server: `${namespace}/${name}`, former }, 'another node may serve');
}
