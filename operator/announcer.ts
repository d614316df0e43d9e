import type { Logger } from 'pino';
import { type Kube, KubeError, type KubeObject } from '../crds/client/kube.ts';
import { EVENTS } from '../crds/client/resources.ts';
import { type Finding, isWarning } from './core/conditions.ts';
import { MANAGER } from './core/names.ts';

/** Events of one object in this many milliseconds. */
const WINDOW = 60_000;
const EVENTS_MAX = 10;
/** Objects that are remembered before those are forgotten whose time is over. */
const RECENT_MAX = 1_000;
/** What events.k8s.io takes in a note. */
const NOTE_MAX = 1_000;

/** Where Events go. */
export interface AnnouncerParts {
  readonly kube: Kube;
  readonly log: Logger;
  readonly instance: string;
  wall(): number;
}

/** Makes Events of what has turned; a storm of them is cut short, because a condition says the same. */
export class Announcer {
  private readonly parts: AnnouncerParts;
  private readonly recent = new Map<string, { since: number; count: number }>();
  private serial = 0;

  constructor(parts: AnnouncerParts) {
    this.parts = parts;
  }

  /** How many objects it remembers to have spoken of. */
  get remembered(): number {
    return this.recent.size;
  }

  async announce(object: KubeObject, findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) {
      if (!this.within(object.metadata.uid ?? '')) return;
      try {
        await this.create(object, finding);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        // Nothing depends on Events; a namespace on its way out takes none.
        this.parts.log.debug({ reason: error.reason }, `no Event: ${error.message}`);
      }
    }
  }

  private within(uid: string): boolean {
    const now = this.parts.wall();
    // Of most objects there is never anything to tell again.
    if (this.recent.size >= RECENT_MAX)
      for (const [old, { since }] of this.recent) if (now - since > WINDOW) this.recent.delete(old);
    const window = this.recent.get(uid);
    if (window === undefined || now - window.since > WINDOW) {
      this.forget(now);
      this.recent.set(uid, { since: now, count: 1 });
      return true;
    }
    return ++window.count <= EVENTS_MAX;
  }

  // Objects come and go for months.
  private forget(now: number): void {
    for (const [uid, { since }] of this.recent) if (now - since > WINDOW) this.recent.delete(uid);
  }

  private async create(object: KubeObject, finding: Finding): Promise<void> {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace = 'default', uid } = metadata;
    const { kube, instance, wall } = this.parts;
    const now = wall();
    await kube.create(
      EVENTS,
      {
        apiVersion: EVENTS.apiVersion,
        kind: EVENTS.kind,
        metadata: { name: `${name}.${now.toString(36)}${this.serial++}`, namespace },
        eventTime: `${new Date(now).toISOString().slice(0, -1)}000Z`,
        reportingController: `${MANAGER}.io/operator`,
        reportingInstance: instance,
        action: finding.type,
        reason: finding.reason,
        note: finding.message.slice(0, NOTE_MAX),
        type: isWarning(finding) ? 'Warning' : 'Normal',
        regarding: { apiVersion, kind, name, namespace, ...(uid === undefined ? {} : { uid }) },
      },
      MANAGER,
    );
  }
}
