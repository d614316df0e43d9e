// The one door to Kubernetes, as the operator and the agents see it. cluster.ts opens it on an API server, fake.ts in memory.

/** What every object of Kubernetes has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMeta;
}

/** Standard object metadata, as far as it is read or written here. */
export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A resource: what kind of object, and where the API server has it. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never there; carries the type of its objects. */
  readonly object?: T;
}

/** Names one object; `namespace` is left out for what has none. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** Which objects of a resource; all parts that are there must match. */
export interface Selection {
  /** Left out: all namespaces. */
  readonly namespace?: string;
  /** As kubectl -l takes it. */
  readonly labels?: string;
  /** As kubectl --field-selector takes it. */
  readonly fields?: string;
}

/** Server-side apply: who says it, and whether others' claims to the fields are overridden. */
export interface ApplyOptions {
  readonly fieldManager: string;
  readonly force?: boolean;
  readonly subresource?: 'status';
  /** Only makes: rejects with Conflict when there is one already. */
  readonly absent?: boolean;
}

/** What must still be so for an object to be deleted. */
export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/** Kubernetes' word for why a request failed (metav1.StatusReason), or ours where it said nothing. */
export type KubeFailure =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Expired'
  | 'Invalid'
  | 'Forbidden'
  | 'Unauthorized'
  | 'TooManyRequests'
  | 'Timeout'
  | 'InternalError'
  | 'Unreachable';

/** A request that failed. */
export class KubeError extends Error {
  readonly reason: KubeFailure;
  /** The HTTP status; 0 when there was none. */
  readonly status: number;
  /** Milliseconds after which the server wants to be asked again, if it said so. */
  readonly retryAfter: number | null;

  constructor(reason: KubeFailure, message: string, status = 0, retryAfter: number | null = null) {
    super(message);
    this.reason = reason;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get passing(): boolean {
    return ['TooManyRequests', 'Timeout', 'InternalError', 'Unreachable'].includes(this.reason);
  }
}

/** Requests to one API server. All reject with KubeError and nothing else. */
export interface Kube {
  /** Null when there is none. */
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | null>;
  /** All that match, by pages, from the server and no cache. */
  list<T extends KubeObject>(resource: Resource<T>, selection?: Selection): Promise<readonly T[]>;
  /** Rejects with AlreadyExists. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, fieldManager: string): Promise<T>;
  /** Rejects with Conflict when metadata.resourceVersion is given and is not the newest; NotFound when there is none. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, fieldManager: string): Promise<T>;
  /** Server-side apply: creates or merges what is said here. `object` may be any part of one that has its name. */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Partial<T> & { readonly metadata: KubeMeta },
    options: ApplyOptions,
  ): Promise<T>;
  /** JSON merge patch (RFC 7386), for what server-side apply cannot say: taking a finalizer or a key away. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    merge: object,
    fieldManager: string,
    subresource?: 'status',
  ): Promise<T>;
  /** Returns whether there was one; one that is already going counts. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<boolean>;
  /** Follows all that match, for as long as it is not closed, whatever the server does. */
  follow<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    onChange: (change: Change<T>) => void,
  ): Following<T>;
}

/** What became of one object. A relist tells only what differs from what was known. */
export interface Change<T extends KubeObject> {
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly object: T;
}

/** A live copy of some objects: list, watch, and list again when the watch is lost for good. */
export interface Following<T extends KubeObject> {
  /** Resolves when the first list is in; never rejects. */
  readonly ready: Promise<void>;
  /** By `namespace/name`, or the name alone of what has no namespace. */
  readonly objects: ReadonlyMap<string, T>;
  /** Milliseconds since the server was last heard of: 0 while a watch is open, Infinity before the first list. */
  staleness(): number;
  close(): void;
}

/** `namespace/name`, or the name alone. */
export function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined
    ? metadata.name
    : `${metadata.namespace}/${metadata.name}`;
}
