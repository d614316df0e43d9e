import { byAge, type DhcpLeaseObject } from '../../crds/client/resources.ts';
import { isIntent } from '../../crds/compile/lease.ts';
import { compile } from '../../crds/compile.ts';
import { type Document, documentOf, nameOf } from '../../crds/document.ts';
import { type Problem, problemText } from '../../crds/problem.ts';
import type { Condition } from '../../crds/types/common.ts';
import { conditionsOf, type Finding, turns } from './conditions.ts';

/** What is to be said of a DhcpLease that a user wrote. */
export interface Verdict {
  readonly lease: DhcpLeaseObject;
  readonly conditions: readonly Condition[];
  readonly events: readonly Finding[];
}

/** Whether nothing has yet been said of what a user wants by a DhcpLease, or something is said of nothing. */
export function isUnjudged(lease: DhcpLeaseObject): boolean {
  const condition = conditionOf(lease);
  if (!isIntent(lease.spec)) return condition !== undefined;
  return condition?.observedGeneration !== lease.metadata.generation;
}

/**
 * Judges what users want of single addresses of one server, as its agents do. `server` is what is in force there; null when
 * there is no such server. Only what is not said already is returned.
 */
export function judge(
  leases: readonly DhcpLeaseObject[],
  server: Document | null,
  now: string,
): readonly Verdict[] {
  const there = leases.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const intents = there.filter(({ spec }) => isIntent(spec)).sort(byAge);
  const documents = intents.map((lease) => documentOf(lease));
  const all = server === null ? documents : [server, ...documents];
  const problems = compile(all, { kubernetes: true }).problems.filter(
    ({ kind }) => kind === 'DhcpLease',
  );
  // The first of each.
  const byName = new Map([...problems].reverse().map((problem) => [problem.name, problem]));
  const verdicts = intents.map((lease, i) =>
    verdictOf(lease, byName.get(nameOf(documents[i]!)), now),
  );
  // Such as a binding that is pinned no more.
  const over = there
    .filter((lease) => !isIntent(lease.spec) && conditionOf(lease) !== undefined)
    .map((lease): Verdict => ({ lease, conditions: [], events: [] }));
  return [...verdicts.filter(isNews), ...over];
}

function verdictOf(lease: DhcpLeaseObject, problem: Problem | undefined, now: string): Verdict {
  const type = 'Accepted';
  const finding: Finding =
    problem === undefined
      ? { type, status: 'True', reason: 'Valid', message: 'the spec is in order' }
      : { type, status: 'False', reason: problem.reason, message: problemText(problem) };
  const before = lease.status?.conditions ?? [];
  const conditions = conditionsOf([finding], before, lease.metadata.generation ?? 1, now);
  return { lease, conditions, events: turns([finding], before) };
}

function isNews({ lease, conditions }: Verdict): boolean {
  const found = conditionOf(lease);
  const [wanted] = conditions;
  const keys = ['status', 'reason', 'message', 'observedGeneration'] as const;
  return found === undefined || keys.some((key) => found[key] !== wanted?.[key]);
}

function conditionOf({ status }: DhcpLeaseObject): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Accepted');
}
