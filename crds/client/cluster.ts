import type { Millis } from '../../codec/machine.ts';
import { findCredentials } from './credentials.ts';
import { ApiServer, type Call, failureOf } from './http.ts';
import {
  type ApplyOptions,
  type Change,
  type DeleteOptions,
  type Following,
  type Kube,
  KubeError,
  type KubeMeta,
  type KubeObject,
  type ObjectKey,
  type Resource,
  type Selection,
} from './kube.ts';
import {
  Follower,
  type Patience,
  type Source,
  type Trouble,
  type WatchEvent,
} from './supervise.ts';

/** Objects asked for at once. */
const PAGE = 500;
/** A version that no object has: who applies to it makes a new object, or meets a conflict. */
const NONE = '1';
/** A watch is asked to end after this long and a random part of it more, so that not all come back at once. */
const WATCH_SECONDS = 240;
/** The API server sends a bookmark about every minute. */
const SILENCE: Millis = 150_000;
const RETRY_FIRST: Millis = 500;
const RETRY_LAST: Millis = 30_000;

/**
 * Opens the cluster that a kubeconfig names; without one, that of the pod, else what kubectl would use. Nothing is asked of it
 * yet. Rejects with an Error of one line.
 */
export async function openCluster(kubeconfig: string | null, trouble: Trouble): Promise<Cluster> {
  return new Cluster(new ApiServer(await findCredentials(kubeconfig)), trouble);
}

/** Kube on an API server. */
export class Cluster implements Kube {
  private readonly server: ApiServer;
  private readonly trouble: Trouble;
  private readonly patience: Patience;

  constructor(server: ApiServer, trouble: Trouble, patience: Partial<Patience> = {}) {
    this.server = server;
    this.trouble = trouble;
    this.patience = {
      first: RETRY_FIRST,
      last: RETRY_LAST,
      silence: SILENCE,
      random: Math.random,
      now: () => performance.now(),
      ...patience,
    };
  }

  /** How many requests have been made. */
  get calls(): number {
    return this.server.calls;
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | null> {
    try {
      return (await this.server.call({ method: 'GET', path: pathOf(resource, key) })) as T;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async list<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection = {},
  ): Promise<readonly T[]> {
    return (await this.pages(resource, selection)).items;
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    fieldManager: string,
  ): Promise<T> {
    const { namespace } = object.metadata;
    const path = collectionOf(resource, namespace);
    return (await this.server.call({
      method: 'POST',
      path,
      query: { fieldManager },
      body: typed(resource, object),
    })) as T;
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    fieldManager: string,
  ): Promise<T> {
    return (await this.server.call({
      method: 'PUT',
      path: pathOf(resource, object.metadata),
      query: { fieldManager },
      body: typed(resource, object),
    })) as T;
  }

  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Partial<T> & { readonly metadata: KubeMeta },
    { fieldManager, force, subresource, absent = false }: ApplyOptions,
  ): Promise<T> {
    const body = typed(resource, object);
    return (await this.server.call({
      method: 'PATCH',
      path: pathOf(resource, object.metadata, subresource),
      query: { fieldManager, force },
      contentType: 'application/apply-patch+yaml',
      body: absent ? { ...body, metadata: { ...object.metadata, resourceVersion: NONE } } : body,
    })) as T;
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    merge: object,
    fieldManager: string,
    subresource?: 'status',
  ): Promise<T> {
    return (await this.server.call({
      method: 'PATCH',
      path: pathOf(resource, key, subresource),
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: merge,
    })) as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    { uid, resourceVersion, propagation }: DeleteOptions = {},
  ): Promise<boolean> {
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation ?? 'Background',
      ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    };
    try {
      await this.server.call({ method: 'DELETE', path: pathOf(resource, key), body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  follow<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    onChange: (change: Change<T>) => void,
  ): Following<T> {
    const source: Source<T> = {
      list: () => this.pages(resource, selection),
      watch: (version, onEvent, signal) =>
        this.watch(resource, selection, version, onEvent, signal),
    };
    return new Follower(source, onChange, this.patience, this.trouble);
  }

  private async pages<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
  ): Promise<{ items: T[]; version: string }> {
    const items: T[] = [];
    let more: string | undefined;
    for (;;) {
      const page = (await this.server.call({
        method: 'GET',
        path: collectionOf(resource, selection.namespace),
        query: { ...queryOf(selection), limit: PAGE, continue: more },
      })) as Page<T>;
      // Objects in a list do not say what they are.
      items.push(...page.items.map((item) => typed(resource, item)));
      more = page.metadata.continue || undefined;
      if (more === undefined) return { items, version: page.metadata.resourceVersion };
    }
  }

  private async watch<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    version: string,
    onEvent: (event: WatchEvent<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const call: Call = {
      method: 'GET',
      path: collectionOf(resource, selection.namespace),
      query: {
        ...queryOf(selection),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: version,
        timeoutSeconds: Math.round(WATCH_SECONDS * (1 + this.patience.random() / 4)),
      },
    };
    const failed = new AbortController();
    let failure: KubeError | null = null;
    const onLine = (line: string): void => {
      const event = eventOf<T>(line);
      if (event instanceof KubeError) {
        failure ??= event;
        failed.abort();
      } else onEvent(event);
    };
    try {
      const either = AbortSignal.any([signal, failed.signal]);
      await this.server.lines(call, () => onEvent({ kind: 'opened' }), onLine, either);
    } catch (error) {
      throw failure ?? error;
    }
    if (failure !== null) throw failure;
  }
}

interface Page<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

const KINDS: ReadonlyMap<string, 'added' | 'changed' | 'deleted'> = new Map([
  ['ADDED', 'added'],
  ['MODIFIED', 'changed'],
  ['DELETED', 'deleted'],
]);

function eventOf<T extends KubeObject>(line: string): WatchEvent<T> | KubeError {
  let event: { readonly type: string; readonly object: T };
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    return new KubeError('InternalError', 'a line of the watch is no JSON');
  }
  const kind = KINDS.get(event.type);
  if (kind !== undefined) return { kind, object: event.object };
  if (event.type === 'BOOKMARK')
    return { kind: 'bookmark', version: event.object.metadata.resourceVersion ?? '' };
  const { code = 500, ...said } = event.object as { code?: number; reason?: string };
  return failureOf(code, said);
}

function typed<T extends object>({ apiVersion, kind }: Resource, object: T): T {
  return { apiVersion, kind, ...object };
}

function collectionOf({ apiVersion, plural, namespaced }: Resource, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  if (!namespaced || namespace === undefined) return `${root}/${plural}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

function pathOf(resource: Resource, key: ObjectKey, subresource?: string): string {
  const path = `${collectionOf(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function queryOf({ labels, fields }: Selection): Record<string, string | undefined> {
  return { labelSelector: labels, fieldSelector: fields };
}

function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.reason === 'NotFound';
}
