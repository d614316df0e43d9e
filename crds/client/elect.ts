import { type Millis, TIMER_MAX, type WallMillis } from '../../codec/machine.ts';
import {
  Election,
  type ElectionAction,
  type ElectionEvent,
  type ElectionOptions,
  type ElectionRecord,
} from '../election.ts';
import {
  type Kube,
  KubeError,
  type KubeMeta,
  type ObjectKey,
  type OwnerReference,
} from './kube.ts';
import { COORDINATION_LEASES, type CoordinationLease } from './resources.ts';

/** What a contender needs, and whom it tells. */
export interface ContenderParts {
  readonly kube: Kube;
  /** The Lease; made if it is not there. */
  readonly lease: ObjectKey;
  readonly fieldManager: string;
  /** With whom the Lease goes when it is made here; left out, or null: with nobody. */
  owner?(): OwnerReference | null;
  readonly options: ElectionOptions;
  /** A clock that never steps and counts time asleep too. */
  now(): Millis;
  wall(): WallMillis;
  /** From now on this one holds the Lease, as `holds` says. */
  onLead(epoch: number): void;
  /** It does not hold it any more. */
  onFollow(holder: string | null): void;
  /** A request failed, which may pass. */
  onError(error: KubeError): void;
}

/** Drives an Election with a Lease of the API server. */
export class Contender {
  private readonly parts: ContenderParts;
  private readonly election: Election;
  private options: ElectionOptions;
  private acquireTime = '';
  /** What others, or we when it was made, have written of the Lease besides: it stays. */
  private kept: Pick<KubeMeta, 'labels' | 'annotations' | 'ownerReferences'> = {};
  private timer: NodeJS.Timeout | undefined;
  private request = 0;
  private pending: Promise<void> = Promise.resolve();
  private over = false;

  constructor(parts: ContenderParts) {
    this.parts = parts;
    this.options = parts.options;
    this.election = new Election(parts.options);
    this.wake();
  }

  /** Whether this one holds the Lease at this very moment. */
  holds(): boolean {
    return this.election.holds(this.parts.now());
  }

  /** Who held it when it was last looked at. */
  get holder(): string | null {
    return this.election.holder;
  }

  configure(options: ElectionOptions): void {
    this.options = options;
    this.tell({ kind: 'configure', options });
  }

  /** Stops, and gives the Lease back if it is held; resolves when that has been tried. */
  async resign(): Promise<void> {
    this.tell({ kind: 'resign' });
    await this.pending;
    this.over = true;
    clearTimeout(this.timer);
  }

  private tell(event: ElectionEvent): void {
    if (!this.over) this.act(this.election.handle(this.parts.now(), event));
  }

  private act(actions: readonly ElectionAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'lead':
          this.parts.onLead(action.epoch);
          break;
        case 'follow':
          this.parts.onFollow(action.holder);
          break;
        case 'read':
          this.ask(() => this.read());
          break;
        case 'write':
          this.ask(() => this.write(action.record, action.version));
          break;
      }
    }
    this.wake();
  }

  private wake(): void {
    clearTimeout(this.timer);
    const deadline = this.election.deadline();
    if (deadline === null || this.over) return;
    const delay = Math.min(Math.max(deadline - this.parts.now(), 0), TIMER_MAX);
    this.timer = setTimeout(() => this.act(this.election.tick(this.parts.now())), Math.ceil(delay));
  }

  // A request that takes longer than a term is as good as failed; what comes of it later is not listened to. One may be
  // lost on its way without a sign, so the same is asked once more before that. Of two writes upon one version at most one
  // is taken.
  private ask(request: () => Promise<ElectionEvent>): void {
    const number = ++this.request;
    const timers: NodeJS.Timeout[] = [];
    let open = 0;
    const answer = (event: ElectionEvent): void => {
      if (number !== this.request) return;
      this.request++;
      for (const timer of timers) clearTimeout(timer);
      this.tell(event);
    };
    const attempt = (): void => {
      open++;
      this.pending = request().then(answer, (error: unknown) => {
        const event = this.failure(error);
        if (--open === 0 || event.conflict) answer(event);
      });
    };
    const { renewWithin } = this.options;
    const giveUp = (): void => {
      this.parts.onError(new KubeError('Timeout', 'no answer within a term of the Lease'));
      answer({ kind: 'failed', conflict: false });
    };
    timers.push(setTimeout(attempt, renewWithin * ASK_AGAIN), setTimeout(giveUp, renewWithin));
    attempt();
  }

  private failure(error: unknown): FailedEvent {
    if (!(error instanceof KubeError)) throw error;
    const conflict = ['Conflict', 'AlreadyExists', 'NotFound'].includes(error.reason);
    if (!conflict) this.parts.onError(error);
    return { kind: 'failed', conflict };
  }

  private async read(): Promise<ElectionEvent> {
    const lease = await this.parts.kube.get(COORDINATION_LEASES, this.parts.lease);
    const version = lease?.metadata.resourceVersion;
    if (lease === null || version === undefined)
      return { kind: 'read', record: null, version: null };
    this.keep(lease);
    return { kind: 'read', record: recordOf(lease), version };
  }

  private async write(record: ElectionRecord, version: string | null): Promise<ElectionEvent> {
    const { kube, fieldManager } = this.parts;
    const object = this.leaseOf(record, version);
    const written =
      version === null
        ? await kube.create(COORDINATION_LEASES, object, fieldManager)
        : await kube.update(COORDINATION_LEASES, object, fieldManager);
    this.keep(written);
    return { kind: 'written', version: written.metadata.resourceVersion ?? '' };
  }

  private keep({ metadata: { labels, annotations, ownerReferences } }: CoordinationLease): void {
    this.kept = {
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(ownerReferences && { ownerReferences }),
    };
  }

  private made(): KubeMeta {
    const { lease, owner } = this.parts;
    const whose = owner?.() ?? null;
    return { ...lease, ...(whose !== null && { ownerReferences: [whose] }) };
  }

  private leaseOf(record: ElectionRecord, version: string | null): CoordinationLease {
    const renewTime = `${new Date(this.parts.wall()).toISOString().slice(0, -1)}000Z`;
    if (!this.election.holds(this.parts.now())) this.acquireTime = renewTime;
    const { lease } = this.parts;
    const metadata =
      version === null ? this.made() : { ...this.kept, ...lease, resourceVersion: version };
    return {
      apiVersion: COORDINATION_LEASES.apiVersion,
      kind: COORDINATION_LEASES.kind,
      metadata,
      spec: {
        holderIdentity: record.holder,
        leaseDurationSeconds: Math.ceil(record.duration / 1000),
        leaseTransitions: record.epoch,
        acquireTime: this.acquireTime,
        renewTime,
      },
    };
  }
}

type FailedEvent = Extract<ElectionEvent, { kind: 'failed' }>;

/** After which part of a term without an answer to ask again: a renewal that begins after two fifths still ends in time. */
const ASK_AGAIN = 0.25;

function recordOf({ spec }: CoordinationLease): ElectionRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    duration: (spec?.leaseDurationSeconds ?? 0) * 1000,
    epoch: spec?.leaseTransitions ?? 0,
  };
}
