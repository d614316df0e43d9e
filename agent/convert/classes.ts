import type { BootEntry, ClientClass } from '../../crds/types/dhcpsubnet.ts';
import { type ClassConditions, portionsOf } from './cel.ts';
import { all, any, type Condition, negation } from './condition.ts';
import { forbid, type LevelYaml, levelYaml } from './levels.ts';
import type { Class, Permit } from './model.ts';
import type { Place, Report } from './report.ts';

/** As many as a spec, or a list of their names, has room for. */
const CLASSES_MAX = 64;
const NAMES_MAX = 16;
const NAME_MAX = 63;
const BY_HAND = 'write a class with a CEL expression by hand';

/** A class that is being written out. */
export type ClassDraft = {
  name: string;
  match: string;
  refuse?: true;
  boot?: BootEntry[];
} & LevelYaml;

/** The classes of the new server: those of the file, and those that its conditions need. */
export class Classes {
  readonly drafts: ClassDraft[] = [];
  private readonly conditions: ClassConditions;
  private readonly report: Report;
  /** What became of each class of the file. */
  private readonly names = new Map<string, string[]>();
  /** Classes made for a condition, by their expressions. */
  private readonly made = new Map<string, string>();

  constructor(classes: readonly Class[], report: Report) {
    this.report = report;
    this.conditions = new Map(classes.map(({ name, when }) => [name, when]));
  }

  /** Writes a class of the file out, several if it is long. */
  define(one: Class): ClassDraft[] {
    const { place, report } = { place: one.place, report: this.report };
    const what = `class ${one.name}`;
    forbid(one.level, ['ipv6OnlyWait'], { place, what, report });
    const drafts: ClassDraft[] = [];
    for (const told of portionsOf(one.when, this.conditions)) {
      let match = 'false';
      if ('cel' in told) match = told.cel;
      else this.report.add(place, what, `${told.untold}; nobody is in it now`, BY_HAND);
      const draft = this.add(one.name, match, place);
      if (draft === null) continue;
      Object.assign(draft, {
        ...(one.refuse && { refuse: true }),
        ...(!one.refuse && levelYaml(one.level)),
      });
      drafts.push(draft);
    }
    const known = this.names.get(one.name) ?? [];
    this.names.set(one.name, [...known, ...drafts.map(({ name }) => name)]);
    return drafts;
  }

  /** The names that stand for a condition in lists of classes; null when it cannot be told. */
  named(condition: Condition, place: Place, what: string): string[] | null {
    const known = condition.kind === 'class' ? this.names.get(condition.name) : undefined;
    if (known !== undefined && known.length > 0) return known;
    const names: string[] = [];
    for (const told of portionsOf(condition, this.conditions)) {
      if ('untold' in told) {
        this.report.add(place, what, told.untold, BY_HAND);
        return null;
      }
      const name = this.made.get(told.cel) ?? this.make(told.cel, place, what);
      if (name === null) return null;
      names.push(name);
    }
    return names;
  }

  /** The classes that a pool is for: undefined for everybody, null when that cannot be told. */
  permitted(permits: readonly Permit[], place: Place, what: string): string[] | undefined | null {
    if (permits.length === 0) return undefined;
    const [only] = permits;
    const simple = permits.length === 1 && only!.deny.length === 0;
    const conditions = simple ? only!.allow : [all(permits.map(permitCondition))];
    const names: string[] = [];
    for (const condition of conditions) {
      if (condition.kind === 'constant' && condition.value) return undefined;
      const found = this.named(condition, place, what);
      if (found === null) return null;
      names.push(...found);
    }
    const unique = [...new Set(names)];
    if (unique.length === 0) return undefined;
    if (unique.length <= NAMES_MAX) return unique;
    this.report.add(
      place,
      what,
      `is for ${unique.length} classes of clients`,
      'merge some of them',
    );
    return null;
  }

  private make(match: string, place: Place, what: string): string | null {
    const draft = this.add(`${what} ${place.line}`, match, place);
    if (draft === null) return null;
    this.made.set(match, draft.name);
    return draft.name;
  }

  private add(wanted: string, match: string, place: Place): ClassDraft | null {
    if (this.drafts.length >= CLASSES_MAX) {
      this.report.add(
        place,
        `class ${wanted}`,
        `there are more than ${CLASSES_MAX}`,
        'merge some of them',
      );
      return null;
    }
    const draft: ClassDraft = { name: this.free(wanted), match };
    this.drafts.push(draft);
    return draft;
  }

  private free(wanted: string): string {
    const plain = wanted.replace(/[^\w.+-]+/g, '-').replace(/^-+|-+$/g, '') || 'class';
    for (let i = 1; ; i++) {
      const suffix = i === 1 ? '' : `-${i}`;
      const name = plain.slice(0, NAME_MAX - suffix.length) + suffix;
      if (!this.drafts.some((draft) => draft.name === name)) return name;
    }
  }
}

function permitCondition({ allow, deny }: Permit): Condition {
  const allowed = allow.length === 0 ? [] : [any(allow)];
  return all([...allowed, ...deny.map(negation)]);
}

/** Drafts are what the API has. */
export function classesYaml(drafts: readonly ClassDraft[]): ClientClass[] | undefined {
  return drafts.length === 0 ? undefined : [...drafts];
}
