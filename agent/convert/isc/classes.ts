import { any, type Condition, type Data, NEVER } from '../condition.ts';
import type { Class, Level, ServerModel } from '../model.ts';
import type { Place, Report } from '../report.ts';
import { conditionOf, dataOf } from './expressions.ts';
import type { HostReader } from './hosts.ts';
import type { Token } from './lexer.ts';
import { textOf } from './options.ts';
import type { Scope } from './scope.ts';
import type { Spaces } from './spaces.ts';
import { isSign, type Statement } from './statements.ts';

interface Draft {
  readonly name: string;
  readonly place: Place;
  readonly level: Level;
  condition: Condition | null;
  /** What subclasses are told by. */
  by: readonly Token[] | null;
  refuse: boolean;
  readonly subclasses: {
    readonly value: readonly Token[];
    readonly name: string | null;
    readonly level: Level;
    readonly place: Place;
  }[];
}

/** Reads classes and subclasses. */
export class ClassReader {
  private readonly model: ServerModel;
  private readonly spaces: Spaces;
  private readonly report: Report;
  private readonly drafts = new Map<string, Draft>();
  /** What the class at hand makes classes by, as clients come. */
  private spawning: Data | null = null;

  constructor(model: ServerModel, spaces: Spaces, report: Report) {
    this.model = model;
    this.spaces = spaces;
    this.report = report;
  }

  /** Takes what makes a class, and leaves its settings. */
  take(name: string, block: readonly Statement[], scope: Scope, place: Place): Statement[] {
    const draft = this.draft(name, place, scope.level);
    this.spawning = null;
    return block.filter((statement) => !this.part(statement, draft));
  }

  /** Takes a subclass; the name is that of a class of its own, when it has settings. */
  takeSubclass(tokens: readonly Token[], scope: Scope, place: Place, hasSettings: boolean): string {
    const parent = tokens[1]?.text ?? '';
    const draft = this.draft(parent, place, scope.level);
    const value = tokens.slice(2);
    const name = `${parent} ${textOf(tokens.slice(2))}`;
    draft.subclasses.push({ value, name: hasSettings ? name : null, level: scope.level, place });
    return name;
  }

  /** Gives the classes to the model; those that hosts need and `if` asks for come first, as they are nearer. */
  finish(hosts: HostReader, conditional: readonly Class[]): void {
    const { classes } = this.model;
    classes.push(...hosts.classes(), ...conditional);
    for (const { name, place, level, by, condition, refuse, subclasses } of this.drafts.values()) {
      const members: Condition[] = [];
      for (const one of subclasses) {
        const when = by === null ? NEVER : this.sameness(by, one.value, one.place);
        members.push(when);
        if (one.name !== null) {
          classes.push({ place: one.place, name: one.name, when, refuse: false, level: one.level });
        }
      }
      const parts = condition === null ? members : [condition, ...members];
      classes.push({ place, name, when: any(parts), refuse, level });
    }
  }

  private sameness(by: readonly Token[], value: readonly Token[], place: Place): Condition {
    const equals: Token = { kind: 'sign', text: '=', place };
    return conditionOf([...by, equals, ...value], this.spaces, place);
  }

  private draft(name: string, place: Place, level: Level): Draft {
    const known = this.drafts.get(name);
    if (known !== undefined) return known;
    const fresh: Draft = {
      name,
      place,
      level,
      condition: null,
      by: null,
      refuse: false,
      subclasses: [],
    };
    this.drafts.set(name, fresh);
    return fresh;
  }

  private part(statement: Statement, draft: Draft): boolean {
    const { tokens, place } = statement;
    const words = tokens.map(({ text }) => text.toLowerCase());
    switch (words[0]) {
      case 'match': {
        const isCondition = words[1] === 'if';
        const rest = tokens
          .slice(isCondition ? 2 : 1)
          .filter((token, i) => !(i === 0 && isSign(token, '=')));
        if (isCondition) draft.condition = conditionOf(rest, this.spaces, place);
        else draft.by = rest;
        return true;
      }
      case 'spawn':
        this.spawn(statement);
        return true;
      case 'lease':
        this.limit(statement, Number(words[2]));
        return true;
      case 'deny':
      case 'ignore':
        if (words[1] !== 'booting') return false;
        draft.refuse = true;
        return true;
      default:
        return false;
    }
  }

  private spawn({ tokens, place }: Statement): void {
    this.spawning = dataOf(tokens.slice(2), this.spaces, place);
    if (this.isPerCircuit()) return;
    const remedy = 'write a class for each, or limits';
    this.report.add(place, textOf(tokens), 'classes are not made as clients come', remedy);
  }

  private isPerCircuit(): boolean {
    return this.spawning?.kind === 'relay' && this.spawning.code === 1;
  }

  private limit({ tokens, place }: Statement, limit: number): void {
    if (this.isPerCircuit() && Number.isInteger(limit)) {
      this.model.switches.leasesPerCircuit = limit;
      return;
    }
    const remedy = 'see spec.limits for what comes near';
    this.report.add(place, textOf(tokens), 'classes have no limit of leases', remedy);
  }
}
