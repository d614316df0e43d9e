import type { Millis } from '../../codec/machine.ts';
import { Backoff } from './backoff.ts';
import { type Change, type Following, KubeError, type KubeObject, keyOf } from './kube.ts';

/** One event of a watch. */
export type WatchEvent<T extends KubeObject> =
  /** The server has taken the watch. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'added' | 'changed' | 'deleted'; readonly object: T }
  /** Nothing happened up to this resourceVersion. */
  | { readonly kind: 'bookmark'; readonly version: string };

/** Where the objects are: an API server, or a memory that behaves like one. */
export interface Source<T extends KubeObject> {
  /** All that match, and the resourceVersion to watch from; rejects with KubeError. */
  list(): Promise<{ readonly items: readonly T[]; readonly version: string }>;
  /**
   * Calls back for what happens after `version`. Resolves when the server ends the watch as agreed, rejects with KubeError
   * when it fails; Expired: that version is too old. Aborting `signal` ends it either way.
   */
  watch(
    version: string,
    onEvent: (event: WatchEvent<T>) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** How long is waited for what; a test may be in more of a hurry. */
export interface Patience {
  /** Before the first and at most before any later attempt after a failure; each doubles the one before. */
  readonly first: Millis;
  readonly last: Millis;
  /** A watch on which not even a bookmark came for so long is dead. */
  readonly silence: Millis;
  /** A number in [0, 1). */
  random(): number;
  /** A clock that never steps. */
  now(): Millis;
}

/** What is told of trouble that passes. */
export interface Trouble {
  /** A list or a watch failed and is tried again. */
  failed(error: KubeError): void;
  /** Our own code threw when it was told of a change. */
  threw(error: unknown): void;
}

/**
 * Follows objects whatever the server does: a failed list is tried again, a watch that ends goes on where it was, one that
 * is too old to go on is replaced by a list of which only what differs is told, one that is silent is taken for dead.
 */
export class Follower<T extends KubeObject> implements Following<T> {
  readonly ready: Promise<void>;
  readonly objects: ReadonlyMap<string, T>;
  private readonly known = new Map<string, T>();
  private readonly source: Source<T>;
  private readonly onChange: (change: Change<T>) => void;
  private readonly patience: Patience;
  private readonly trouble: Trouble;
  private readonly end = new AbortController();
  private readonly backoff: Backoff;
  private version: string | null = null;
  private lastWait: Millis = 0;
  private openedAt: Millis = Number.POSITIVE_INFINITY;
  private watching = false;
  private heardAt: Millis = Number.NEGATIVE_INFINITY;
  private isReady: () => void = () => {};

  constructor(
    source: Source<T>,
    onChange: (change: Change<T>) => void,
    patience: Patience,
    trouble: Trouble,
  ) {
    this.source = source;
    this.onChange = onChange;
    this.patience = patience;
    this.backoff = new Backoff(patience);
    this.trouble = trouble;
    this.objects = this.known;
    this.ready = new Promise((resolve) => {
      this.isReady = resolve;
    });
    void this.run();
  }

  staleness(): Millis {
    return this.watching ? 0 : this.patience.now() - this.heardAt;
  }

  close(): void {
    this.end.abort();
  }

  private get closed(): boolean {
    return this.end.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      try {
        if (this.version === null) await this.relist();
        await this.watch();
      } catch (error) {
        if (this.closed) return;
        await this.recover(error instanceof KubeError ? error : unexpected(error));
      }
    }
  }

  private async relist(): Promise<void> {
    const { items, version } = await this.source.list();
    if (this.closed) return;
    this.heard();
    this.version = version;
    const listed = new Map(items.map((item) => [keyOf(item), item]));
    for (const [key, object] of [...this.known]) if (!listed.has(key)) this.forget(key, object);
    for (const [key, object] of listed) this.learn(key, object);
    this.isReady();
  }

  private async watch(): Promise<void> {
    const from = this.version;
    if (from === null || this.closed) return;
    const silence = new AbortController();
    const quiet = (): NodeJS.Timeout =>
      setTimeout(() => silence.abort(), this.patience.silence).unref();
    let timer = quiet();
    const began = this.patience.now();
    this.openedAt = Number.POSITIVE_INFINITY;
    try {
      const signal = AbortSignal.any([this.end.signal, silence.signal]);
      const onEvent = (event: WatchEvent<T>): void => {
        clearTimeout(timer);
        timer = quiet();
        if (event.kind === 'opened') this.openedAt = this.patience.now();
        else this.take(event);
      };
      this.watching = true;
      await this.source.watch(from, onEvent, signal);
    } finally {
      this.watching = false;
      clearTimeout(timer);
      // One that was open for longer than was waited for it has shown that the server is well, also if nothing happened.
      if (this.patience.now() - this.openedAt > this.lastWait) this.backoff.reset();
    }
    if (silence.signal.aborted) throw new KubeError('Timeout', 'the watch fell silent');
    this.heard();
    // A server that ends every watch at once is not asked again and again without a pause.
    const short = this.patience.now() - began < this.patience.first;
    if (short) await this.pause(this.patience.first);
  }

  private take(event: Exclude<WatchEvent<T>, { kind: 'opened' }>): void {
    if (this.closed) return;
    this.heard();
    if (event.kind === 'bookmark') {
      this.version = event.version;
      return;
    }
    const { object } = event;
    this.version = object.metadata.resourceVersion ?? this.version;
    const key = keyOf(object);
    if (event.kind === 'deleted') this.forget(key, object);
    else this.learn(key, object);
  }

  private learn(key: string, object: T): void {
    const before = this.known.get(key);
    const version = object.metadata.resourceVersion;
    if (before !== undefined && before.metadata.resourceVersion === version) return;
    // One that went and came again under the same name is another one.
    if (before !== undefined && before.metadata.uid !== object.metadata.uid)
      this.forget(key, before);
    const kind = this.known.has(key) ? 'changed' : 'added';
    this.known.set(key, object);
    this.tell({ kind, object });
  }

  private forget(key: string, object: T): void {
    if (this.known.delete(key)) this.tell({ kind: 'deleted', object });
  }

  private tell(change: Change<T>): void {
    try {
      this.onChange(change);
    } catch (error) {
      this.trouble.threw(error);
    }
  }

  private heard(): void {
    this.backoff.reset();
    this.heardAt = this.patience.now();
  }

  private async recover(error: KubeError): Promise<void> {
    if (error.reason === 'Expired') {
      const again = this.version !== null;
      this.version = null;
      if (again) return;
    }
    this.trouble.failed(error);
    this.lastWait = this.backoff.next(error);
    await this.pause(this.lastWait);
  }

  private pause(wait: Millis): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.end;
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, wait);
      signal.addEventListener('abort', over);
      if (signal.aborted) over();
    });
  }
}

function unexpected(error: unknown): KubeError {
  return new KubeError('Unreachable', error instanceof Error ? error.message : String(error));
}
