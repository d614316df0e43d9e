import { contains, type Ipv4, networkOf, parseIpv4 } from '../../../codec/ipv4.ts';
import { type Condition, NEVER } from '../condition.ts';
import { ConvertError } from '../fault.ts';
import { inherit } from '../levels.ts';
import {
  newServer,
  type Permit,
  type Pool,
  type Range,
  type ServerModel,
  type Subnet,
} from '../model.ts';
import type { Report } from '../report.ts';
import type { Files, SourceFile } from '../source.ts';
import { lengthOfMask } from '../values.ts';
import { ClassReader } from './classes.ts';
import { HostReader, KNOWN_CLIENTS } from './hosts.ts';
import { textOf } from './options.ts';
import { Parameters } from './parameters.ts';
import { encapsulateOptions, groupsAround, nearest, newScope, type Scope } from './scope.ts';
import { Spaces } from './spaces.ts';
import { type Statement, statementsOf } from './statements.ts';

/** dhcpd's defaults, in seconds. */
const DEFAULT_LEASE_TIME = 43_200;
const MAX_LEASE_TIME = 86_400;
const MIN_LEASE_TIME = 300;
const NAME_MAX = 63;

/** Reads dhcpd.conf; throws ConvertError where it is none. */
export function readDhcpdConf(file: SourceFile, files: Files, report: Report): ServerModel {
  const reader = new ConfigReader(report);
  reader.read(statementsOf(file, files, report));
  return reader.model;
}

const DECLARATIONS = new Set([
  'subnet',
  'shared-network',
  'group',
  'pool',
  'host',
  'class',
  'subclass',
  'range',
]);

/** Pools and hosts have no bounds here. */
const UNBOUNDED: ReadonlySet<string> = new Set(['pool', 'host']);

class ConfigReader {
  readonly model = newServer();
  private readonly report: Report;
  private readonly spaces = new Spaces();
  private readonly parameters: Parameters;
  private readonly hosts: HostReader;
  private readonly classes: ClassReader;
  /** Pools of shared networks, until all of their subnets are known. */
  private readonly sharedPools: { readonly pool: Pool; readonly shared: string }[] = [];

  constructor(report: Report) {
    this.report = report;
    this.parameters = new Parameters(this.model, this.spaces, report);
    this.hosts = new HostReader(this.model, this.spaces, report);
    this.classes = new ClassReader(this.model, this.spaces, report);
  }

  read(statements: readonly Statement[]): void {
    this.definitions(statements);
    // BOOTP clients with a host are answered unless that is denied.
    this.model.switches.bootp = 'Reserved';
    this.block(statements, newScope('root', null, { level: this.model.level }));
    this.model.level.leaseTime ??= DEFAULT_LEASE_TIME;
    this.model.level.maxLeaseTime ??= MAX_LEASE_TIME;
    this.model.level.minLeaseTime ??= MIN_LEASE_TIME;
    this.settle();
    this.classes.finish(this.hosts, this.parameters.classes);
    this.hosts.finish();
  }

  private definitions(statements: readonly Statement[]): void {
    for (const { tokens, block, place } of statements) {
      if (block !== null) this.definitions(block);
      const words = tokens.slice(0, 3).map(({ text }) => text.toLowerCase());
      if (words[0] !== 'option') continue;
      if (words[1] === 'space' && !this.spaces.declare(tokens)) {
        this.report.add(
          place,
          textOf(tokens),
          'its widths are not known here',
          'write its options by code',
        );
      } else if (words[2] === 'code') {
        const fault = this.spaces.define(tokens);
        if (fault !== null)
          this.report.add(place, textOf(tokens), fault, 'write the option by its code');
      }
    }
  }

  /** Settings first: a block's hold for what it declares, wherever they stand in it. */
  private block(statements: readonly Statement[], scope: Scope): void {
    const declarations = statements.filter((one) => !this.parameter(one, scope));
    encapsulateOptions(scope, this.spaces);
    const { maxLeaseTime = MAX_LEASE_TIME } = scope.level;
    // What is farther out is no less than dhcpd's own minimum, which gives way to a maximum.
    if (maxLeaseTime < MIN_LEASE_TIME && !UNBOUNDED.has(scope.kind)) {
      scope.level.minLeaseTime ??= maxLeaseTime;
    }
    for (const one of declarations) this.declaration(one, scope);
    for (const { level } of groupsAround(scope))
      if (scope.kind !== 'group') inherit(scope.level, level);
  }

  /** Whether it was one. */
  private parameter(statement: Statement, scope: Scope): boolean {
    const verb = statement.tokens[0]!.text.toLowerCase();
    if (DECLARATIONS.has(verb)) return false;
    this.parameters.take(statement, scope);
    return true;
  }

  private declaration(statement: Statement, scope: Scope): void {
    switch (statement.tokens[0]!.text.toLowerCase()) {
      case 'subnet':
        this.subnet(statement, scope);
        return;
      case 'shared-network':
        this.sharedNetwork(statement, scope);
        return;
      case 'group':
        this.block(statement.block ?? [], newScope('group', scope));
        return;
      case 'pool':
        this.pool(statement, scope);
        return;
      case 'range':
        this.range(statement, scope);
        return;
      case 'host':
        this.host(statement, scope);
        return;
      case 'class':
        this.class(statement, scope);
        return;
      case 'subclass':
        this.subclass(statement, scope);
        return;
    }
  }

  private subnet({ tokens, place, block }: Statement, scope: Scope): void {
    const address = parseIpv4(tokens[1]?.text ?? '');
    const length = lengthOfMask(tokens[3]?.text ?? '');
    if (address === null || length === null) {
      throw new ConvertError(place, `${textOf(tokens)}: write subnet ADDRESS netmask MASK`);
    }
    const prefix = { address, length };
    if (networkOf(address, length) !== address) {
      throw new ConvertError(place, `${textOf(tokens)}: the mask is not that of the address`);
    }
    const own = newScope('subnet', scope);
    const subnet: Subnet = {
      place,
      prefix,
      name: null,
      sharedNetwork: scope.shared,
      selectors: [],
      pools: [],
      reservations: [],
      level: own.level,
    };
    this.model.subnets.push(subnet);
    this.block(block ?? [], { ...own, subnet });
  }

  private sharedNetwork({ tokens, place, block }: Statement, scope: Scope): void {
    const wanted =
      (tokens[1]?.text ?? '').replace(/[\p{C}]/gu, '').trim() || `network-${place.line}`;
    const { sharedNetworks } = this.model;
    const isTaken = sharedNetworks.some(({ name }) => name === wanted.slice(0, NAME_MAX));
    const name = isTaken
      ? `${wanted.slice(0, NAME_MAX - 12)}-${place.line}`
      : wanted.slice(0, NAME_MAX);
    const own = newScope('shared', scope, { shared: name });
    sharedNetworks.push({ place, name, level: own.level });
    this.block(block ?? [], own);
  }

  private pool({ place, block }: Statement, scope: Scope): void {
    const own = newScope('pool', scope);
    const ranges: Range[] = [];
    const allow: Condition[] = [];
    const deny: Condition[] = [];
    const rest: Statement[] = [];
    for (const one of block ?? []) {
      const verb = one.tokens[0]!.text.toLowerCase();
      if (verb === 'range') ranges.push(...this.rangeOf(one));
      else if (verb === 'allow' || verb === 'deny' || verb === 'ignore') {
        const condition = this.permitOf(one, verb === 'allow');
        if (condition !== null) (verb === 'allow' ? allow : deny).push(condition);
      } else rest.push(one);
    }
    this.block(rest, own);
    this.addPool({ place, level: own.level, ranges, permits: [{ allow, deny }] }, scope);
  }

  private range(statement: Statement, scope: Scope): void {
    const ranges = this.rangeOf(statement);
    const { place } = statement;
    this.addPool({ place, level: newScope('pool', scope).level, ranges, permits: [] }, scope);
  }

  private addPool(pool: Pool, scope: Scope): void {
    const permits: Permit[] = pool.permits.filter(
      ({ allow, deny }) => allow.length + deny.length > 0,
    );
    if (nearest(scope, 'unknownClients') === false)
      permits.push({ allow: [KNOWN_CLIENTS], deny: [] });
    const whole = { ...pool, permits };
    if (scope.subnet !== null) scope.subnet.pools.push(whole);
    else if (scope.shared !== null) this.sharedPools.push({ pool: whole, shared: scope.shared });
    else this.report.add(pool.place, 'pool', 'is in no subnet', 'move it into one');
  }

  /** Gives the pools of shared networks to the subnets that they are in. */
  private settle(): void {
    for (const { pool, shared } of this.sharedPools) {
      for (const range of pool.ranges) {
        const home = this.model.subnets.find(
          ({ sharedNetwork, prefix }) => sharedNetwork === shared && contains(prefix, range.start),
        );
        if (home !== undefined) home.pools.push({ ...pool, ranges: [range] });
        else
          this.report.add(pool.place, 'pool', `is in no subnet of ${shared}`, 'move it into one');
      }
    }
  }

  private rangeOf({ tokens, place }: Statement): Range[] {
    const words = tokens.slice(1).map(({ text }) => text);
    if (words[0]?.toLowerCase() === 'dynamic-bootp') {
      words.shift();
      if (this.model.switches.bootp !== undefined) this.model.switches.bootp = 'Dynamic';
    }
    const start = parseIpv4(words[0] ?? '');
    const end = parseIpv4(words[1] ?? words[0] ?? '');
    if (start === null || end === null) {
      throw new ConvertError(place, `${textOf(tokens)}: write range FIRST LAST`);
    }
    return [{ start: Math.min(start, end) as Ipv4, end: Math.max(start, end) as Ipv4 }];
  }

  /** Whom `allow` and `deny` in a pool are about; null for what makes no difference. */
  private permitOf({ tokens, place }: Statement, allowed: boolean): Condition | null {
    const words = tokens.slice(1).map(({ text }) => text.toLowerCase());
    const what = words.join(' ').replace(/-clients$/, ' clients');
    if (what.startsWith('members of ')) return { kind: 'class', name: tokens.at(-1)!.text };
    switch (what) {
      case 'known clients':
        return KNOWN_CLIENTS;
      case 'unknown clients':
        return { kind: 'not', of: KNOWN_CLIENTS };
      case 'all clients':
        return { kind: 'constant', value: true };
      case 'dynamic bootp clients':
        if (allowed && this.model.switches.bootp !== undefined)
          this.model.switches.bootp = 'Dynamic';
        return null;
      default:
        this.report.add(
          place,
          textOf(tokens),
          'is not known here',
          'write a class for these clients',
        );
        return allowed ? NEVER : null;
    }
  }

  private host({ tokens, place, block }: Statement, scope: Scope): void {
    const own = newScope('host', scope);
    const rest = this.hosts.take(tokens[1]?.text ?? '', block ?? [], own, place);
    this.block(rest, own);
  }

  private class({ tokens, place, block }: Statement, scope: Scope): void {
    const own = newScope('class', this.root(scope));
    own.className = tokens[1]?.text ?? `class ${place.line}`;
    this.block(this.classes.take(own.className, block ?? [], own, place), own);
  }

  private subclass(statement: Statement, scope: Scope): void {
    const { tokens, place, block } = statement;
    const own = newScope('class', this.root(scope));
    own.className = this.classes.takeSubclass(tokens, own, place, (block ?? []).length > 0);
    this.block(block ?? [], own);
  }

  private root(scope: Scope): Scope {
    return scope.parent === null ? scope : this.root(scope.parent);
  }
}
