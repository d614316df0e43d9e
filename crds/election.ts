import type { Machine, Millis } from '../codec/machine.ts';

/** What a coordination.k8s.io/v1 Lease says, as far as an election needs it. */
export interface ElectionRecord {
  /** Empty when the last holder gave it back. */
  readonly holder: string;
  /** How long others wait after they last saw the record change. */
  readonly duration: Millis;
  /** Counts the terms; every holder has a higher one than all others before it. */
  readonly epoch: number;
}

/** How one contender behaves. */
export interface ElectionOptions {
  /** Unique among the contenders. */
  readonly identity: string;
  /** How long others wait before they take over. `UNLIMITED`: they never do. */
  readonly duration: Millis;
  /** Less than `duration`: a holder whose last renewal was asked for longer ago than this has stopped. */
  readonly renewWithin: Millis;
  /** Between two renewals, and between two attempts. */
  readonly retry: Millis;
  /** Terms are counted from above this, also when somebody has deleted the Lease. */
  readonly epochAbove?: number;
}

/** The duration of a holder that nobody shall replace: about 68 years, the most that a Lease can say. */
export const UNLIMITED: Millis = 2_147_483_647_000;

export type ElectionEvent =
  /** What the API server has; `version` is its resourceVersion, null with a record that is not there. */
  | {
      readonly kind: 'read';
      readonly record: ElectionRecord | null;
      readonly version: string | null;
    }
  /** The last write was taken. */
  | { readonly kind: 'written'; readonly version: string }
  /** The last request failed. `conflict`: because the record is not what it was thought to be. */
  | { readonly kind: 'failed'; readonly conflict: boolean }
  /** From now on with these options. */
  | { readonly kind: 'configure'; readonly options: ElectionOptions }
  /** Stop contending, and let the others know if possible. */
  | { readonly kind: 'resign' };

export type ElectionAction =
  | { readonly kind: 'read' }
  /** Only if the record still has this version; null: only if there is none. */
  | { readonly kind: 'write'; readonly record: ElectionRecord; readonly version: string | null }
  | { readonly kind: 'lead'; readonly epoch: number }
  | { readonly kind: 'follow'; readonly holder: string | null };

interface Known {
  readonly record: ElectionRecord;
  /** Null: it has been deleted, which does not tell its holder to stop. */
  readonly version: string | null;
  /** When this version was first seen here. No clock of another machine is ever looked at. */
  readonly seenAt: Millis;
}

type Request =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly record: ElectionRecord; readonly at: Millis };

/**
 * One contender for a Lease. At most one holds it at any time, whatever is delayed, lost or paused, as long as clocks
 * tick at rates that differ by less than `renewWithin` and `duration` do: a holder counts from when it *asked* for its
 * last renewal, the others from when they *saw* it. Requests that do not end must be failed by the driver.
 */
export class Election implements Machine<ElectionEvent, ElectionAction> {
  private options: ElectionOptions;
  private known: Known | null = null;
  private request: Request | null = null;
  private leading = false;
  private resigned = false;
  private heldUntil: Millis = Number.NEGATIVE_INFINITY;
  private next: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: ElectionOptions) {
    this.options = options;
  }

  /** Whether this one holds the Lease. To be asked before everything that only the holder may do. */
  holds(now: Millis): boolean {
    return this.leading && now < this.heldUntil;
  }

  /** Who held it when it was last seen, or null. */
  get holder(): string | null {
    return this.known?.record.holder || null;
  }

  handle(now: Millis, event: ElectionEvent): readonly ElectionAction[] {
    switch (event.kind) {
      case 'read':
        return this.read(now, event.record, event.version);
      case 'written':
        return this.written(now, event.version);
      case 'failed':
        return this.failed(now, event.conflict);
      case 'configure':
        return this.configure(now, event.options);
      case 'resign':
        return this.resign(now);
    }
  }

  deadline(): Millis | null {
    const work = this.request === null && !this.resigned ? this.next : Number.POSITIVE_INFINITY;
    const at = Math.min(work, this.leading ? this.heldUntil : Number.POSITIVE_INFINITY);
    return at === Number.POSITIVE_INFINITY ? null : at;
  }

  tick(now: Millis): readonly ElectionAction[] {
    const expired = this.leading && now >= this.heldUntil ? this.stop() : [];
    if (this.request !== null || this.resigned || now < this.next) return expired;
    return [...expired, this.leading ? this.claim(now) : this.look()];
  }

  private read(
    now: Millis,
    record: ElectionRecord | null,
    version: string | null,
  ): readonly ElectionAction[] {
    this.request = null;
    if (record === null || version === null)
      this.known = this.known && { ...this.known, version: null };
    else if (version !== this.known?.version) this.known = { record, version, seenAt: now };
    if (this.resigned) return [];
    const replaced = this.leading && this.holder !== this.options.identity ? this.stop() : [];
    const freeAt = this.freeAt();
    if (now >= freeAt) return [...replaced, this.claim(now)];
    this.next = Math.min(now + this.options.retry, freeAt);
    return replaced;
  }

  // From when on the record as it was seen may be claimed.
  private freeAt(): Millis {
    if (this.known === null) return Number.NEGATIVE_INFINITY;
    const { record, seenAt } = this.known;
    if (record.holder === '' || record.holder === this.options.identity)
      return Number.NEGATIVE_INFINITY;
    return record.duration >= UNLIMITED ? Number.POSITIVE_INFINITY : seenAt + record.duration;
  }

  private written(now: Millis, version: string): readonly ElectionAction[] {
    const { request } = this;
    this.request = null;
    if (request?.kind !== 'write') return [];
    this.known = { record: request.record, version, seenAt: now };
    if (this.resigned || request.record.holder !== this.options.identity) return [];
    const unlimited = request.record.duration >= UNLIMITED;
    const heldUntil = unlimited ? Number.POSITIVE_INFINITY : request.at + this.options.renewWithin;
    // So late that the term is over before it began.
    if (now >= heldUntil) return this.retryAt(now);
    this.heldUntil = heldUntil;
    this.next = unlimited ? Number.POSITIVE_INFINITY : request.at + this.options.retry;
    // What was configured while the write was under way is still to be written.
    if (request.record.duration !== this.options.duration) this.next = now;
    if (this.leading) return [];
    this.leading = true;
    return [{ kind: 'lead', epoch: request.record.epoch }];
  }

  private failed(now: Millis, conflict: boolean): readonly ElectionAction[] {
    this.request = null;
    if (this.resigned) return [];
    // A write that failed may still have been taken: only reading tells.
    if (conflict) return [this.look()];
    return this.retryAt(now + this.options.retry);
  }

  private retryAt(at: Millis): readonly ElectionAction[] {
    this.next = at;
    return [];
  }

  private configure(now: Millis, options: ElectionOptions): readonly ElectionAction[] {
    const changed = options.duration !== this.options.duration;
    this.options = options;
    if (changed && this.leading) this.next = now;
    return changed && this.leading ? this.tick(now) : [];
  }

  private resign(now: Millis): readonly ElectionAction[] {
    if (this.resigned) return [];
    const held = this.holds(now);
    const stopped = this.leading ? this.stop() : [];
    this.resigned = true;
    if (!held || this.known === null || this.request !== null) return stopped;
    const record = { ...this.known.record, holder: '' };
    this.request = { kind: 'write', record, at: now };
    return [...stopped, { kind: 'write', record, version: this.known.version }];
  }

  private stop(): readonly ElectionAction[] {
    this.leading = false;
    this.heldUntil = Number.NEGATIVE_INFINITY;
    const holder = this.holder === this.options.identity ? null : this.holder;
    return [{ kind: 'follow', holder }];
  }

  private look(): ElectionAction {
    this.request = { kind: 'read' };
    return { kind: 'read' };
  }

  private claim(now: Millis): ElectionAction {
    const { identity, duration, renewWithin } = this.options;
    // Whether a write was taken may never be heard: from now on the others may wait for as little as it says.
    if (this.leading && duration < UNLIMITED)
      this.heldUntil = Math.min(this.heldUntil, now + renewWithin);
    const before = Math.max(this.known?.record.epoch ?? 0, this.options.epochAbove ?? 0);
    const record = { holder: identity, duration, epoch: this.leading ? before : before + 1 };
    this.request = { kind: 'write', record, at: now };
    return { kind: 'write', record, version: this.known?.version ?? null };
  }
}
