import { HASH_KEY, MANIFESTS_KEY } from '../crds/assignment.ts';
import type { ConfigMap } from '../crds/client/resources.ts';
import { readManifests } from '../crds/manifest.ts';
import type { LastGood } from './core/decide.ts';

/** What was read of ConfigMaps that are still known: each is looked at for every server. */
const known = new WeakMap<ConfigMap, LastGood | null>();

/** What the ConfigMap of an object says; null when there is none, or it cannot be read. */
export function lastGoodOf(map: ConfigMap | undefined): LastGood | null {
  if (map === undefined) return null;
  const before = known.get(map);
  if (before !== undefined) return before;
  const found = read(map);
  known.set(map, found);
  return found;
}

function read(map: ConfigMap): LastGood | null {
  const text = map.data?.[MANIFESTS_KEY];
  if (text === undefined) return null;
  const { documents, problems } = readManifests([{ file: '', text }]);
  const [document] = documents;
  if (problems.length > 0 || document === undefined) return null;
  return { document, hash: map.data?.[HASH_KEY] ?? '' };
}
