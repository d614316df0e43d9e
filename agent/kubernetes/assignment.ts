import { FAILOVER, HASH_KEY, MANIFESTS_KEY } from '../../crds/assignment.ts';
import type { OwnerReference } from '../../crds/client/kube.ts';
import type { ConfigMap } from '../../crds/client/resources.ts';
import type { Document } from '../../crds/document.ts';
import { readManifests } from '../../crds/manifest.ts';

/** What this agent shall run. */
export interface Assignment {
  /** The DhcpServer or DhcpRelay, references resolved. */
  readonly document: Document;
  /** Tells versions apart; reported back when it has been applied. */
  readonly hash: string;
  readonly failover: boolean;
  /** The object whose agent this is, as what agents make names its owner. */
  readonly owner: OwnerReference | null;
}

/** Reads what the operator has written; a text says why that cannot be used. */
export function readAssignment(map: ConfigMap): Assignment | string {
  const text = map.data?.[MANIFESTS_KEY];
  const name = `ConfigMap ${map.metadata.name}`;
  if (text === undefined) return `${name} has no ${MANIFESTS_KEY}`;
  const { documents, problems } = readManifests([{ file: name, text }]);
  const [document] = documents;
  if (problems.length > 0) return `${name}: ${problems[0]!.message}`;
  if (document === undefined) return `${name} holds no object of ours`;
  return {
    document,
    hash: map.data?.[HASH_KEY] ?? '',
    failover: document.metadata.annotations?.[FAILOVER] === 'true',
    owner: ownerOf(map),
  };
}

// The one that the ConfigMap goes with. It does not wait for what agents make: only who may change its finalizers could ask
// for that (OwnerReferencesPermissionEnforcement), and it is no controller of theirs either.
function ownerOf({ metadata }: ConfigMap): OwnerReference | null {
  const found = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (found === undefined) return null;
  const { apiVersion, kind, name, uid } = found;
  return { apiVersion, kind, name, uid };
}
