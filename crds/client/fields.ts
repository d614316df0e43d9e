// Who says what in an object: server-side apply, as far as we use it.
import { KubeError } from './kube.ts';

export type Json = { [key: string]: unknown };

/** By manager: the fields that it has applied, as paths. */
export type Managers = Map<string, ReadonlySet<string>>;

/** Lists whose items are told apart by a key; all others are one value. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['conditions', 'type'],
  ['nodes', 'node'],
  ['ownerReferences', 'uid'],
  ['containers', 'name'],
  ['env', 'name'],
  ['volumes', 'name'],
]);

/** Applies `wanted` in a manager's name; throws KubeError Conflict when others say otherwise and it is not forced. */
export function applyFields(
  before: Json,
  managers: Managers,
  wanted: Json,
  manager: string,
  force: boolean,
): Json {
  const told = new Map<string, unknown>();
  leaves(wanted, '', told);
  const have = new Map<string, unknown>();
  leaves(before, '', have);
  for (const [other, theirs] of managers) {
    if (other === manager) continue;
    const contested = [...theirs].filter(
      (path) => told.has(path) && JSON.stringify(told.get(path)) !== JSON.stringify(have.get(path)),
    );
    if (contested.length === 0) continue;
    if (!force) throw new KubeError('Conflict', `${other} says ${contested.join(', ')}`, 409);
    managers.set(other, new Set([...theirs].filter((path) => !contested.includes(path))));
  }
  const others = new Set(
    [...managers].flatMap(([name, paths]) => (name === manager ? [] : [...paths])),
  );
  const dropped = [...(managers.get(manager) ?? [])].filter(
    (path) => !told.has(path) && !others.has(path),
  );
  managers.set(manager, new Set(told.keys()));
  return merge(without(before, new Set(dropped), ''), wanted) as Json;
}

function leaves(value: unknown, path: string, into: Map<string, unknown>): void {
  const inside = inner(value, path);
  if (inside === null || (inside.length === 0 && path !== '')) into.set(path, value);
  else for (const [at, one] of inside) if (one !== undefined) leaves(one, at, into);
}

// What a value is made of and where that is; null of what is one value.
function inner(value: unknown, path: string): [string, unknown][] | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value))
    return Object.entries(value).map(([key, one]) => [`${path}.${key}`, one]);
  const key = keyOf(path);
  if (key === undefined) return null;
  return value.map((one: Json) => [`${path}[${one[key]}]`, one]);
}

function keyOf(path: string): string | undefined {
  return KEYS.get(path.slice(path.lastIndexOf('.') + 1));
}

function merge(base: unknown, wanted: unknown, name = ''): unknown {
  if (Array.isArray(wanted)) return mergeList(base, wanted, name);
  if (typeof wanted !== 'object' || wanted === null) return wanted;
  const merged: Json = { ...(typeof base === 'object' && !Array.isArray(base) ? base : {}) };
  for (const [key, inner] of Object.entries(wanted))
    if (inner !== undefined) merged[key] = merge(merged[key], inner, key);
  return merged;
}

function mergeList(base: unknown, wanted: readonly unknown[], name: string): unknown {
  const key = KEYS.get(name);
  if (key === undefined || !Array.isArray(base)) return wanted;
  const merged = base.map((item: Json) => {
    const same = wanted.find((one) => (one as Json)[key] === item[key]);
    return same === undefined ? item : merge(item, same);
  });
  const isNew = (one: unknown): boolean =>
    !base.some((item: Json) => item[key] === (one as Json)[key]);
  return [...merged, ...wanted.filter(isNew)];
}

// Takes paths away, and what has nothing left in it.
function without(value: unknown, paths: ReadonlySet<string>, path: string): unknown {
  if (paths.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const key = keyOf(path);
    if (key === undefined) return value;
    return value
      .map((item: Json) => without(item, paths, `${path}[${item[key]}]`))
      .filter((item) => Object.keys(item as Json).length > 0);
  }
  const kept = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const at = `${path}.${key}`;
    if (paths.has(at)) return [];
    const left = without(inner, paths, at);
    const emptied = left !== inner && isEmpty(left) && !isEmpty(inner);
    return emptied ? [] : [[key, left]];
  });
  return Object.fromEntries(kept);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
