import { parseIpv4 } from '../../../codec/ipv4.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { ALWAYS, all, type Condition, negation } from '../condition.ts';
import { isSilent } from '../levels.ts';
import type { Boot, BootCase, Class, Level, ServerModel } from '../model.ts';
import type { Place, Report } from '../report.ts';
import { conditionOf } from './expressions.ts';
import { setOption, textOf } from './options.ts';
import { remedyOf } from './remedies.ts';
import { encapsulateOptions, newScope, type Scope } from './scope.ts';
import type { Spaces } from './spaces.ts';
import type { Statement } from './statements.ts';

/** Takes what is no declaration: settings, options, and those of both that are for some clients. */
export class Parameters {
  private readonly model: ServerModel;
  private readonly spaces: Spaces;
  private readonly report: Report;
  /** What `if` makes classes for. */
  readonly classes: Class[] = [];
  /** `else` goes with the `if` before it: what was asked, and what it has said to boot. */
  private readonly chains = new WeakMap<Scope, { before: Condition[]; cases: number }>();

  constructor(model: ServerModel, spaces: Spaces, report: Report) {
    this.model = model;
    this.spaces = spaces;
    this.report = report;
  }

  take(statement: Statement, scope: Scope): void {
    const [first, second] = statement.tokens;
    const verb = first!.text.toLowerCase();
    if (verb === 'if' || verb === 'elsif' || verb === 'else') {
      this.branch(statement, scope);
      return;
    }
    this.chains.delete(scope);
    const { level } = scope;
    switch (verb) {
      case 'option':
      case 'supersede':
        this.option(statement, scope);
        return;
      case 'default-lease-time':
        this.seconds(statement, (value) => Object.assign(level, { leaseTime: value }));
        return;
      case 'max-lease-time':
        this.seconds(statement, (value) => Object.assign(level, { maxLeaseTime: value }));
        return;
      case 'min-lease-time':
        this.seconds(statement, (value) => Object.assign(level, { minLeaseTime: value }));
        return;
      case 'filename':
        level.boot.file = second?.text ?? '';
        return;
      case 'server-name':
        level.boot.serverName = second?.text ?? '';
        return;
      case 'next-server':
        this.nextServer(statement, level.boot);
        return;
      case 'vendor-option-space':
        scope.vendorSpace = second?.text.toLowerCase() ?? '';
        return;
      case 'use-host-decl-names':
        scope.useHostNames = isOn(second?.text);
        return;
      default:
        this.server(statement, scope, verb);
        return;
    }
  }

  /** Says that a statement is not carried over. */
  untold({ tokens, place }: Statement): void {
    const remedy = remedyOf(tokens.map(({ text }) => text));
    if (remedy !== null) this.report.add(place, textOf(tokens), remedy.why, remedy.remedy);
  }

  private option(statement: Statement, scope: Scope): void {
    const [, name, third] = statement.tokens;
    // Definitions have been taken before.
    if (name?.text.toLowerCase() === 'space' || third?.text.toLowerCase() === 'code') return;
    if (this.spaces.find(name?.text ?? '')?.code === OPTION.serverIdentifier) {
      this.serverIdentifier({ ...statement, tokens: statement.tokens.slice(1) }, scope);
      return;
    }
    setOption(statement, scope, this.spaces, this.report);
  }

  private seconds(statement: Statement, set: (value: number) => void): void {
    const word = statement.tokens[1]?.text ?? '';
    if (/^\d{1,10}$/.test(word)) set(Number(word));
    else if (/^(-1|infinite)$/i.test(word)) set(0xffffffff);
    else {
      const { place, tokens } = statement;
      this.report.add(
        place,
        textOf(tokens),
        'is no number of seconds',
        'write a duration such as 8h',
      );
    }
  }

  private nextServer({ tokens, place }: Statement, boot: Boot): void {
    const address = parseIpv4(tokens[1]?.text ?? '');
    if (address !== null) boot.nextServer = address;
    else
      this.report.add(
        place,
        textOf(tokens),
        'names are not looked up',
        'write its address in nextServer',
      );
  }

  private server(statement: Statement, scope: Scope, verb: string): void {
    const { switches } = this.model;
    const [, second] = statement.tokens;
    switch (verb) {
      case 'authoritative':
        this.authoritative(statement, scope);
        return;
      case 'not':
        return;
      case 'server-identifier':
        this.serverIdentifier(statement, scope);
        return;
      case 'ping-check':
        if (!isOn(second?.text)) switches.pingOff = true;
        return;
      case 'ping-timeout':
        this.seconds(statement, (value) => Object.assign(switches, { pingTimeout: 1000 * value }));
        return;
      case 'ping-timeout-ms':
        this.seconds(statement, (value) => Object.assign(switches, { pingTimeout: value }));
        return;
      case 'ignore-client-uids':
        if (isOn(second?.text)) switches.identity = 'HardwareAddress';
        return;
      case 'allow':
      case 'deny':
      case 'ignore':
        this.permission(statement, scope, verb === 'allow');
        return;
      default:
        this.untold(statement);
        return;
    }
  }

  private authoritative({ place }: Statement, scope: Scope): void {
    const { switches } = this.model;
    if (scope.kind === 'root' || scope.kind === 'group') switches.authoritative = true;
    else if (!switches.authoritative) {
      const why = 'is a setting of the whole server';
      this.report.add(
        place,
        'authoritative',
        why,
        'set spec.authoritative if it holds for all subnets',
      );
    }
  }

  private serverIdentifier({ tokens, place }: Statement, scope: Scope): void {
    const address = parseIpv4(tokens.at(-1)?.text ?? '');
    if (address !== null && scope.kind === 'root') this.model.switches.serverIdentifier = address;
    else {
      const why = 'is a setting of the whole server, and an address';
      this.report.add(
        place,
        textOf(tokens),
        why,
        'set spec.serverIdentifier if there is one for all',
      );
    }
  }

  private permission(statement: Statement, scope: Scope, allowed: boolean): void {
    const { place, tokens } = statement;
    const what = tokens
      .slice(1)
      .map(({ text }) => text.toLowerCase())
      .join(' ')
      .replace(/ clients$/, '-clients');
    switch (what) {
      case 'unknown-clients':
        scope.unknownClients = allowed;
        return;
      case 'bootp':
        if (scope.kind === 'root') this.model.switches.bootp = 'Reserved';
        if (!allowed) delete this.model.switches.bootp;
        return;
      case 'leasequery':
        if (allowed)
          this.report.add(
            place,
            textOf(tokens),
            'needs to know who asks',
            'set spec.leaseQuery.from',
          );
        return;
      case 'booting':
      case 'duplicates':
      case 'declines':
        if (allowed) return;
        this.report.add(
          place,
          textOf(tokens),
          'has no counterpart here',
          'write a class with refuse: true, or limits',
        );
        return;
      case 'client-updates':
        return;
      default:
        this.report.add(
          place,
          textOf(tokens),
          'is not known here',
          'write a class for these clients',
        );
    }
  }

  private branch(statement: Statement, scope: Scope): void {
    const { tokens, place, block } = statement;
    const words = tokens.map(({ text }) => text.toLowerCase());
    const chain = (words[0] === 'if' ? undefined : this.chains.get(scope)) ?? {
      before: [],
      cases: 0,
    };
    const skip = words[0] === 'else' && words[1] === 'if' ? 2 : 1;
    const asked = tokens.slice(skip);
    const own = asked.length === 0 ? null : conditionOf(asked, this.spaces, place);
    const inner = newScope('if', scope);
    for (const one of block ?? []) this.take(one, inner);
    encapsulateOptions(inner, this.spaces);
    // Of boot entries the first that fits counts, so that they need not say what was asked before. A later `if`
    // outweighs an earlier one.
    const cases = casesOf(inner.level, own ?? ALWAYS, place);
    scope.level.bootCases.splice(chain.cases, 0, ...cases);
    this.settings(inner, all([...chain.before.map(negation), own ?? ALWAYS]), scope, statement);
    if (own === null) this.chains.delete(scope);
    else {
      const before = [...chain.before, own];
      this.chains.set(scope, { before, cases: chain.cases + cases.length });
    }
  }

  private settings({ level }: Scope, when: Condition, scope: Scope, statement: Statement): void {
    const { place, tokens } = statement;
    const rest = { ...level, boot: {}, bootCases: [] };
    if (isSilent(rest)) return;
    const name = `if ${place.line}`;
    const within: Condition | null =
      scope.kind === 'root' || scope.kind === 'group'
        ? ALWAYS
        : scope.className === undefined
          ? null
          : { kind: 'class', name: scope.className };
    if (within === null) {
      const why = 'sets options for some clients of one place';
      const remedy = 'write a class for them, and a pool or reservations with these options';
      this.report.add(place, textOf(tokens), why, remedy);
    } else {
      this.classes.push({ place, name, when: all([within, when]), refuse: false, level: rest });
    }
  }
}

function casesOf({ boot, bootCases }: Level, when: Condition, place: Place): BootCase[] {
  const nested = bootCases.map((one) => ({ ...boot, ...one, when: all([when, one.when]) }));
  return Object.keys(boot).length === 0 ? nested : [...nested, { when, place, ...boot }];
}

/** Whether a switch is on. */
function isOn(word: string | undefined): boolean {
  return /^(on|true|1|yes)$/i.test(word ?? '');
}
