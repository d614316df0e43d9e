// An API server in memory, for tests: the rules that we rely on, and on demand the ill manners. What it has to agree with a real
// one about is in conformance.ts.

import { applyFields, type Json, type Managers } from './fields.ts';
import {
  type ApplyOptions,
  type Change,
  type DeleteOptions,
  type Following,
  type Kube,
  KubeError,
  type KubeMeta,
  type KubeObject,
  keyOf,
  type ObjectKey,
  type Resource,
  type Selection,
} from './kube.ts';
import { Follower, type Patience, type Source, type WatchEvent } from './supervise.ts';

/** Resources whose status is written by itself. */
const WITH_STATUS: ReadonlySet<string> = new Set([
  'dhcpservers',
  'dhcprelays',
  'dhcpleases',
  'daemonsets',
  'pods',
  'nodes',
]);

interface Stored {
  object: KubeObject;
  managers: Managers;
}

interface Logged {
  readonly version: number;
  readonly plural: string;
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly object: KubeObject;
  /** As it was before, for whom a selection no longer matches. */
  readonly before: KubeObject | null;
}

/** Kube in memory. */
export class FakeKube implements Kube {
  /** Every request so far, such as `apply configmaps dhcp/x`. */
  readonly requests: string[] = [];
  private readonly objects = new Map<string, Map<string, Stored>>();
  private readonly log: Logged[] = [];
  private readonly watchers = new Set<(logged: Logged) => void>();
  private readonly cuts = new Set<(error: KubeError) => void>();
  private readonly failures: KubeError[] = [];
  private version = 1;
  private forgotten = 0;
  private serial = 0;
  private readonly now: () => string;

  constructor(now: () => string = () => '2026-01-31T12:00:00Z') {
    this.now = now;
  }

  /** The next requests fail, one each. */
  failNext(...errors: readonly KubeError[]): void {
    this.failures.push(...errors);
  }

  /** Ends every watch, as a load balancer would. */
  cutWatches(): void {
    for (const cut of [...this.cuts]) cut(new KubeError('Unreachable', 'ECONNRESET'));
  }

  /** Forgets what has happened, so that no watch can go on from before. */
  forgetHistory(): void {
    this.forgotten = this.version;
    for (const cut of [...this.cuts]) cut(new KubeError('Expired', 'too old', 410));
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | null> {
    await this.asked('get', resource, key);
    return copy((this.all(resource).get(nameOf(key))?.object ?? null) as T | null);
  }

  async list<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection = {},
  ): Promise<readonly T[]> {
    await this.asked('list', resource, { name: '' });
    return this.matching(resource, selection);
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    fieldManager: string,
  ): Promise<T> {
    await this.asked('create', resource, object.metadata);
    if (object.metadata.resourceVersion !== undefined)
      throw new KubeError('InternalError', 'resourceVersion should not be set', 500);
    if (this.all(resource).has(keyOf(object)))
      throw new KubeError('AlreadyExists', `${keyOf(object)} already exists`, 409);
    const { status: _, ...rest } = object as T & { status?: unknown };
    const wanted = WITH_STATUS.has(resource.plural) ? rest : object;
    const managers: Managers = new Map();
    // What is created is not applied: the same manager may apply less later, and that takes nothing away.
    const fields = applyFields({}, managers, wanted as Json, `${fieldManager} create`, true);
    return copy(this.store(resource, null, fields as unknown as T, managers));
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    _fieldManager: string,
  ): Promise<T> {
    await this.asked('update', resource, object.metadata);
    const stored = this.found(resource, object.metadata);
    this.checkVersion(stored, object.metadata.resourceVersion);
    const { status } = stored.object as { status?: unknown };
    const kept = WITH_STATUS.has(resource.plural) && status !== undefined ? { status } : {};
    const { uid, creationTimestamp, generation } = stored.object.metadata;
    const metadata = { ...object.metadata, ...known({ uid, creationTimestamp, generation }) };
    return copy(
      this.store(resource, stored, { ...object, metadata, ...kept } as T, stored.managers),
    );
  }

  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Partial<T> & { readonly metadata: KubeMeta },
    { fieldManager, force = false, subresource, absent = false }: ApplyOptions,
  ): Promise<T> {
    await this.asked('apply', resource, object.metadata, subresource);
    const stored = this.all(resource).get(nameOf(object.metadata)) ?? null;
    if (stored === null && subresource === 'status')
      throw new KubeError('NotFound', `${object.metadata.name} not found`, 404);
    const { status, metadata, ...rest } = object as Json & { metadata: KubeMeta; status?: Json };
    const { name, namespace, resourceVersion, ...told } = metadata;
    if (absent && stored !== null) throw modified();
    this.checkVersion(stored, resourceVersion);
    const split = WITH_STATUS.has(resource.plural);
    const own = split && subresource === undefined ? rest : { ...rest, ...known({ status }) };
    const wanted =
      subresource === 'status'
        ? known({ status })
        : { ...own, ...(Object.keys(told).length === 0 ? {} : { metadata: told }) };
    const managers: Managers = new Map(stored?.managers ?? []);
    const manager = subresource === undefined ? fieldManager : `${fieldManager} ${subresource}`;
    const before = (stored?.object ?? { metadata: known({ name, namespace }) }) as unknown as Json;
    const fields = applyFields(before, managers, wanted as Json, manager, force);
    return copy(this.store(resource, stored, fields as unknown as T, managers));
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    merge: object,
    _fieldManager: string,
    subresource?: 'status',
  ): Promise<T> {
    await this.asked('patch', resource, key, subresource);
    const stored = this.found(resource, key);
    const { metadata, ...rest } = merge as { metadata?: KubeMeta };
    this.checkVersion(stored, metadata?.resourceVersion);
    const only = subresource === 'status' ? { status: (rest as Json).status } : merge;
    const fields = mergePatch(stored.object, only) as T;
    return copy(this.store(resource, stored, fields, stored.managers));
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    { uid, resourceVersion }: DeleteOptions = {},
  ): Promise<boolean> {
    await this.asked('delete', resource, key);
    const stored = this.all(resource).get(nameOf(key));
    if (stored === undefined) return false;
    if (uid !== undefined && uid !== stored.object.metadata.uid)
      throw new KubeError('Conflict', 'another one by now', 409);
    this.checkVersion(stored, resourceVersion);
    const { metadata } = stored.object;
    if ((metadata.finalizers ?? []).length > 0) {
      const deletionTimestamp = metadata.deletionTimestamp ?? this.now();
      const object = { ...stored.object, metadata: { ...metadata, deletionTimestamp } };
      this.store(resource as Resource, stored, object, stored.managers);
    } else this.remove(resource, stored);
    return true;
  }

  follow<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    onChange: (change: Change<T>) => void,
    patience: Partial<Patience> = {},
  ): Following<T> {
    const source: Source<T> = {
      list: async () => {
        await this.asked('list', resource, { name: '' });
        // Both of one moment: what came between them would be lost.
        return { items: this.matching(resource, selection), version: `${this.version}` };
      },
      watch: (version, onEvent, signal) =>
        this.watch(resource, selection, Number(version), onEvent, signal),
    };
    const hurried = { first: 1, last: 5, silence: 60_000, random: () => 0.5 };
    const now = (): number => performance.now();
    return new Follower(
      source,
      onChange,
      { ...hurried, now, ...patience },
      { failed() {}, threw() {} },
    );
  }

  private watch<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    from: number,
    onEvent: (event: WatchEvent<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (from < this.forgotten) return Promise.reject(new KubeError('Expired', 'too old', 410));
    return new Promise((_, reject) => {
      const tell = (logged: Logged): void => {
        if (logged.plural !== resource.plural || logged.version <= from) return;
        const event = seenBy(selection, logged);
        if (event !== null) onEvent({ kind: event, object: copy(logged.object as T) });
      };
      const end = (error: KubeError): void => {
        this.watchers.delete(tell);
        this.cuts.delete(end);
        reject(error);
      };
      onEvent({ kind: 'opened' });
      for (const logged of this.log) tell(logged);
      this.watchers.add(tell);
      this.cuts.add(end);
      signal.addEventListener('abort', () => end(new KubeError('Timeout', 'aborted')));
    });
  }

  private async asked(
    verb: string,
    { plural }: Resource,
    key: ObjectKey,
    subresource?: string,
  ): Promise<void> {
    const what = subresource === undefined ? plural : `${plural}/${subresource}`;
    this.requests.push(`${verb} ${what} ${nameOf(key)}`.trim());
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  private all({ plural }: Resource): Map<string, Stored> {
    const found = this.objects.get(plural) ?? new Map<string, Stored>();
    this.objects.set(plural, found);
    return found;
  }

  private found(resource: Resource, key: ObjectKey): Stored {
    const stored = this.all(resource).get(nameOf(key));
    if (stored === undefined) throw new KubeError('NotFound', `${nameOf(key)} not found`, 404);
    return stored;
  }

  private checkVersion(stored: Stored | null, version: string | undefined): void {
    if (version !== undefined && version !== stored?.object.metadata.resourceVersion)
      throw modified();
  }

  private matching<T extends KubeObject>(resource: Resource<T>, selection: Selection): T[] {
    return [...this.all(resource).values()]
      .filter(({ object }) => matches(object, selection))
      .map(({ object }) => copy(object as T));
  }

  private store<T extends KubeObject>(
    resource: Resource<T>,
    stored: Stored | null,
    fields: T,
    managers: Managers,
  ): T {
    const before = stored?.object ?? null;
    const { apiVersion, kind } = resource;
    const old = before?.metadata;
    const specChanged = !same(specOf(before), specOf(fields));
    const object: KubeObject = {
      ...fields,
      apiVersion,
      kind,
      metadata: {
        ...fields.metadata,
        uid: old?.uid ?? `uid-${++this.serial}`,
        creationTimestamp: old?.creationTimestamp ?? this.now(),
        generation: (old?.generation ?? 0) + (specChanged || before === null ? 1 : 0),
        resourceVersion: old?.resourceVersion ?? '0',
      },
    };
    // What changes nothing is no change.
    if (before !== null && same(before, object)) return before as T;
    const numbered = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${++this.version}` },
    };
    const next = { object: numbered, managers };
    const { deletionTimestamp, finalizers = [] } = numbered.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) {
      this.remove(resource, next);
      return numbered as unknown as T;
    }
    this.all(resource).set(keyOf(numbered), next);
    this.announce(resource, before === null ? 'added' : 'changed', numbered, before);
    return numbered as unknown as T;
  }

  private remove(resource: Resource, { object }: Stored): void {
    this.all(resource).delete(keyOf(object));
    const last = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${++this.version}` },
    };
    this.announce(resource, 'deleted', last, object);
    this.collect(object.metadata.uid);
  }

  // What the garbage collector of Kubernetes does a moment later.
  private collect(owner: string | undefined): void {
    for (const [plural, all] of this.objects)
      for (const stored of [...all.values()]) {
        const { ownerReferences = [] } = stored.object.metadata;
        if (ownerReferences.some(({ uid }) => uid === owner))
          this.remove({ plural } as Resource, stored);
      }
  }

  private announce(
    { plural }: Resource,
    kind: Logged['kind'],
    object: KubeObject,
    before: KubeObject | null,
  ): void {
    const logged = { version: this.version, plural, kind, object, before };
    this.log.push(logged);
    for (const watcher of [...this.watchers]) queueMicrotask(() => watcher(logged));
  }
}

function nameOf({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function modified(): KubeError {
  return new KubeError('Conflict', 'the object has been modified', 409);
}

function copy<T>(value: T): T {
  return structuredClone(value);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]),
  );
}

function specOf(object: KubeObject | null): unknown {
  return (object as { spec?: unknown } | null)?.spec;
}

function known(fields: object): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function mergePatch(value: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  const merged: Json = { ...base };
  for (const [key, inner] of Object.entries(patch)) {
    if (inner === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], inner) as Json[string];
  }
  return merged;
}

function seenBy(selection: Selection, { kind, object, before }: Logged): Logged['kind'] | null {
  const was = before !== null && matches(before, selection);
  const is = kind !== 'deleted' && matches(object, selection);
  if (is) return was ? 'changed' : 'added';
  return was ? 'deleted' : null;
}

function matches(object: KubeObject, { namespace, labels, fields }: Selection): boolean {
  const { metadata } = object;
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  const pairs = (text: string): [string, string][] =>
    text.split(',').map((one) => one.split(/==?/) as [string, string]);
  const labelled =
    labels === undefined || pairs(labels).every(([k, v]) => metadata.labels?.[k] === v);
  return labelled && (fields === undefined || pairs(fields).every(([k, v]) => at(object, k) === v));
}

function at(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], object);
}
