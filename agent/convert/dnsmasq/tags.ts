import { all, any, type Condition, negation } from '../condition.ts';
import { type Class, type Level, newLevel, type Pool } from '../model.ts';
import type { Place, Report } from '../report.ts';

/** A tag that a client must have, or must not. */
export interface TagRef {
  readonly name: string;
  readonly negated: boolean;
}

/** Takes the tags from the front of a directive. */
export function takeTags(parts: readonly string[]): {
  tags: TagRef[];
  sets: string[];
  rest: string[];
} {
  const tags: TagRef[] = [];
  const sets: string[] = [];
  const rest = [...parts];
  for (;;) {
    const [, verb, name] = /^(tag|net|set):(.*)$/.exec(rest[0] ?? '') ?? [];
    if (verb === undefined) return { tags, sets, rest };
    rest.shift();
    if (verb === 'set') sets.push(name!);
    else tags.push({ name: name!.replace(/^[!#]/, ''), negated: /^[!#]/.test(name!) });
  }
}

/** Tags depend on tags only so far. */
const DEPTH_MAX = 16;

/** Who and what has which tags. */
export class Tags {
  /** Classes for the settings that are for tagged clients, the last of the file first. */
  readonly classes: Class[] = [];
  private readonly sources = new Map<string, Condition[]>();
  private readonly derived = new Map<string, (readonly TagRef[])[]>();
  private readonly pools = new Map<string, Set<Pool>>();
  /** What has been worked out, until more is said. */
  private readonly known = new Map<string, Condition>();
  private readonly allPools: Pool[] = [];
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** Says who has a tag. */
  define(tag: string, condition: Condition): void {
    this.known.clear();
    const others = this.sources.get(tag);
    if (others === undefined) this.sources.set(tag, [condition]);
    else others.push(condition);
  }

  /** Says that whoever has all of these has the tag. */
  derive(tag: string, from: readonly TagRef[]): void {
    this.known.clear();
    const others = this.derived.get(tag);
    if (others === undefined) this.derived.set(tag, [from]);
    else others.push(from);
  }

  /** Says which tags clients of a pool have. */
  pool(pool: Pool, tags: readonly string[]): void {
    this.allPools.push(pool);
    for (const tag of tags) {
      const others = this.pools.get(tag);
      if (others === undefined) this.pools.set(tag, new Set([pool]));
      else others.add(pool);
    }
  }

  /** Whether anything sets a tag. */
  isSet(tag: string): boolean {
    return this.sources.has(tag) || this.derived.has(tag) || this.pools.has(tag);
  }

  /** Whether a client has all of these, the pool that it is in left out of account. */
  conditionOf(tags: readonly TagRef[], depth = 0): Condition {
    return all(
      tags.map(({ name, negated }) => {
        const has = this.has(name, depth);
        return negated ? negation(has) : has;
      }),
    );
  }

  private has(tag: string, depth: number): Condition {
    if (depth > DEPTH_MAX) return { kind: 'unknown', what: 'tags depend on each other' };
    const known = this.known.get(tag);
    if (known !== undefined) return known;
    const derived = (this.derived.get(tag) ?? []).map((from) => this.conditionOf(from, depth + 1));
    const condition = any([...(this.sources.get(tag) ?? []), ...derived]);
    this.known.set(tag, condition);
    return condition;
  }

  /**
   * The levels that a setting for clients with these tags belongs to: those of pools, or of a class. Null, and reported,
   * when there are none; undefined is everybody.
   */
  levelsFor(tags: readonly TagRef[], place: Place, what: string): Level[] | null | undefined {
    const places = tags.filter(({ name }) => this.pools.has(name));
    const others = tags.filter(({ name }) => !this.pools.has(name));
    const missing = others.find(({ name, negated }) => !negated && !this.isSet(name));
    if (missing !== undefined) {
      this.report.add(
        place,
        what,
        `nothing sets the tag ${missing.name}`,
        'nothing to do, unless it was meant to',
      );
      return null;
    }
    if (places.length === 0) return this.classFor(tags, place);
    const [levels, condition] = [this.poolsOf(places), this.conditionOf(others)];
    if (condition.kind !== 'constant' || !condition.value) {
      const remedy = 'write a class for them, and a pool with that class';
      this.report.add(place, what, 'is for some clients of some ranges', remedy);
      return null;
    }
    return levels.map(({ level }) => level);
  }

  /** Whether ranges set a tag. */
  isOfRange(tag: string): boolean {
    return this.pools.has(tag);
  }

  /** The pools whose clients have these tags. */
  poolsOf(tags: readonly TagRef[]): Pool[] {
    return this.allPools.filter((pool) =>
      tags.every(({ name, negated }) => this.pools.get(name)?.has(pool) !== negated),
    );
  }

  private classFor(tags: readonly TagRef[], place: Place): Level[] | undefined {
    const when = this.conditionOf(tags);
    if (when.kind === 'constant' && when.value) return undefined;
    const name = tags.map((tag) => (tag.negated ? `not-${tag.name}` : tag.name)).join(' ');
    const known = this.classes.find((one) => one.name === name);
    if (known !== undefined) return [known.level];
    const level = newLevel();
    this.classes.unshift({ place, name, when, refuse: false, level });
    return [level];
  }
}
