// What a release of the chart has in a cluster, compared with what the chart renders.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { covers } from '../../operator/core/children.ts';
import type { ControlPlane } from './controlplane.ts';

/** Name and namespace of the release. */
export const RELEASE = 'dhcp';
const INSTANCE = `app.kubernetes.io/instance=${RELEASE}`;

interface Thing {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly ownerReferences?: readonly unknown[];
  };
  readonly spec?: object;
}

/** That the cluster has what this chart renders, as it is rendered, and nothing else of the release. */
export function assertInstalled(cluster: ControlPlane, chart: string): void {
  const wanted = rendered(cluster, chart);
  const live = labelled(cluster);
  assert.deepEqual([...live.keys()].sort(), wanted.map(nameOf).sort());
  for (const object of wanted) {
    const name = nameOf(object);
    assert.ok(covers(live.get(name), object), `${name} is not as the chart says`);
  }
}

/** Applies every manifest of a folder, and returns how the objects were taken. */
export function applyAll(cluster: ControlPlane, folder: string): Thing[] {
  const files = readdirSync(folder).map((name) => join(folder, name));
  cluster.kubectl('apply', '--server-side', ...files.flatMap((file) => ['-f', file]));
  return files.map((file) => cluster.get<Thing>('-f', file));
}

/** That objects are the same as before, and say what they said. */
export function assertSurvived(cluster: ControlPlane, before: readonly Thing[]): void {
  for (const { kind, metadata, spec } of before) {
    const { name, namespace = 'default', uid, generation } = metadata;
    const now = cluster.get<Thing>('-n', namespace, kind, name);
    const same = { metadata: { uid, generation }, spec };
    // A newer kind may have defaults for fields that the older one did not know.
    assert.partialDeepStrictEqual(now, same, `${kind} ${namespace}/${name}`);
  }
}

function rendered(cluster: ControlPlane, chart: string): Thing[] {
  return parseAllDocuments(
    cluster.helm('template', RELEASE, '--namespace', RELEASE, '--skip-tests', chart),
  )
    .map((document) => document.toJSON() as Thing | null)
    .filter((object) => object !== null);
}

// Of every kind that there is; what controllers made of what was installed is theirs.
function labelled(cluster: ControlPlane): Map<string, Thing> {
  const kinds = cluster.kubectl('api-resources', '--verbs=list', '-o', 'name').trim();
  const { items } = cluster.get<{ items: Thing[] }>(
    ...[kinds.split('\n').join(','), '-A', '-l', INSTANCE],
  );
  const own = items.filter(
    ({ kind, metadata }) => metadata.ownerReferences === undefined && kind !== 'Endpoints',
  );
  return new Map(own.map((item) => [nameOf(item), item]));
}

function nameOf({ kind, metadata }: Thing): string {
  return [kind, metadata.namespace, metadata.name].filter((part) => part !== undefined).join(' ');
}
