import type { Condition } from '../../crds/types/common.ts';

/** What is so, before it is known since when. */
export interface Finding {
  readonly type: 'Accepted' | 'Programmed' | 'Ready' | 'Degraded';
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

/** The conditions of an object: each with the time at which its status last changed. */
export function conditionsOf(
  findings: readonly Finding[],
  before: readonly Condition[],
  generation: number,
  now: string,
): readonly Condition[] {
  return findings.map((finding) => {
    const old = before.find(({ type }) => type === finding.type);
    const lastTransitionTime =
      old !== undefined && old.status === finding.status ? old.lastTransitionTime : now;
    return { ...finding, lastTransitionTime, observedGeneration: generation };
  });
}

/** That a new object is not yet what it will be is no news. */
const EARLY: ReadonlySet<string> = new Set([
  'NotAccepted',
  'Progressing',
  'NotServing',
  'NodesNotReady',
]);

/** What is worth an Event: a condition that has become another, for another reason. */
export function turns(
  findings: readonly Finding[],
  before: readonly Condition[],
): readonly Finding[] {
  return findings.filter(({ type, status, reason }) => {
    const old = before.find((one) => one.type === type);
    if (old === undefined) return status === 'False' && !EARLY.has(reason) && type !== 'Degraded';
    // Degraded is the one that is bad when it is true.
    const isBad = status !== (type === 'Degraded' ? 'False' : 'True');
    return old.status !== status || (isBad && old.reason !== reason);
  });
}

/** Whether a turn is bad news. */
export function isWarning({ type, status, reason }: Finding): boolean {
  // That something is under way is no bad news.
  if (reason === 'Progressing') return false;
  return type === 'Degraded' ? status === 'True' : status === 'False';
}
