import { HASH_KEY, MANIFESTS_KEY } from '../crds/assignment.ts';
import type { ConfigMap } from '../crds/client/resources.ts';
import { readManifests } from '../crds/manifest.ts';
import type { LastGood } from './core/decide.ts';

/** What the ConfigMap of an object says; null when there is none, or it cannot be read. */
export function lastGoodOf(map: ConfigMap | undefined): LastGood | null {
  const text = map?.data?.[MANIFESTS_KEY];
  if (text === undefined) return null;
  const { documents, problems } = readManifests([{ file: '', text }]);
  const [document] = documents;
  if (problems.length > 0 || document === undefined) return null;
  return { document, hash: map?.data?.[HASH_KEY] ?? '' };
}
