import type { KubeObject } from '../../crds/client/kube.ts';
import { MANAGER } from './names.ts';

/** Whose an object is that has the name of one that we want to make. */
export type Claim =
  /** Made for the same parent. */
  | 'ours'
  /** Made by us, and nobody's: its parent was deleted without it, or it comes from a backup. */
  | 'orphan'
  /** Made by us for a parent of the same name that is gone, with which it is about to go. */
  | 'leaving'
  /** Somebody else's. */
  | 'foreign';

/** Tells whose `current` is, of which `wanted` would make another one. */
export function claimOf(current: KubeObject, wanted: KubeObject): Claim {
  const [parent] = wanted.metadata.ownerReferences ?? [];
  const owners = current.metadata.ownerReferences ?? [];
  if (owners.some(({ uid }) => uid === parent?.uid)) return 'ours';
  const former = owners.find(({ controller }) => controller === true);
  if (former !== undefined) {
    const isNamesake = former.kind === parent?.kind && former.name === parent.name;
    return isNamesake ? 'leaving' : 'foreign';
  }
  const { labels = {} } = current.metadata;
  const isMade = labels['app.kubernetes.io/managed-by'] === MANAGER;
  return isMade && sameAgents(labels, wanted.metadata.labels ?? {}) ? 'orphan' : 'foreign';
}

type Labels = Readonly<Record<string, string>>;

function sameAgents(a: Labels, b: Labels): boolean {
  return ['instance', 'component'].every((one) => {
    const label = `app.kubernetes.io/${one}`;
    return a[label] === b[label];
  });
}
