import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { type AgentKind, childName } from '../crds/assignment.ts';
import type { DhcpRelayObject, DhcpServerObject } from '../crds/client/resources.ts';
import type { Claimant } from './core/checks.ts';
import { type Gathered, networksInForce } from './core/decide.ts';
import { childNameOf, type Parent, selectorOf } from './core/names.ts';
import { lastGoodOf } from './lastgood.ts';
import type { View } from './view.ts';

/** Gathers what a decision about an object is made of; `more` is what the cluster does not say. */
export function gather(
  view: View,
  kind: AgentKind,
  object: DhcpServerObject | DhcpRelayObject,
  more: Pick<Gathered<DhcpServerObject>, 'podMonitors' | 'image' | 'now'>,
): Gathered<DhcpServerObject | DhcpRelayObject> {
  const { namespace = '', name } = object.metadata;
  const parent = { kind, metadata: object.metadata } as Parent;
  const key = `${namespace}/${childNameOf(parent)}`;
  const labels = Object.entries(selectorOf(parent));
  return {
    object,
    refer: view.refer(),
    lastGood: lastGoodOf(view.configMaps.objects.get(key)),
    daemonSet: view.daemonSets.objects.get(key),
    daemonSets: [...view.daemonSets.objects.values()],
    pods: [...view.pods.objects.values()].filter(
      ({ metadata }) =>
        metadata.namespace === namespace &&
        labels.every(([label, value]) => metadata.labels?.[label] === value),
    ),
    servers: kind === 'DhcpServer' ? claimants(view) : [],
    taken: kind === 'DhcpServer' ? view.taken() : [],
    leases: kind === 'DhcpServer' ? view.leasesOf(namespace, name) : [],
    hindrance: null,
    ...more,
    print: (one) => stringify(one, { version: '1.1', lineWidth: 0 }),
    hash: (text) => createHash('sha256').update(text).digest('hex').slice(0, 16),
  };
}

function claimants(view: View): readonly Claimant[] {
  return [...view.servers.objects].map(([key, object]) => {
    const [namespace] = key.split('/');
    const map = `${namespace}/${childName('DhcpServer', object.metadata.name)}`;
    return { object, inForce: networksInForce(lastGoodOf(view.configMaps.objects.get(map))) };
  });
}
