import {
  contains,
  formatPrefix,
  type Ipv4,
  networkOf,
  parseIpv4,
  parsePrefix,
} from '../../../codec/ipv4.ts';
import { conditionOf as conditionOfClient } from '../clients.ts';
import { any, type Condition, negation } from '../condition.ts';
import { ConvertError } from '../fault.ts';
import {
  newLevel,
  newServer,
  type Permit,
  type Pool,
  type Range,
  type ServerModel,
  type Subnet,
} from '../model.ts';
import type { Report } from '../report.ts';
import type { Files, SourceFile } from '../source.ts';
import { ClassReader } from './classes.ts';
import { memberOf } from './expressions.ts';
import { Fields } from './fields.ts';
import { type Json, parseJson } from './json.ts';
import { readBoot, readTimes } from './levels.ts';
import { newOptionScope, type OptionScope, readOptions } from './options.ts';
import { GLOBAL_REMEDIES, HOOK_REMEDIES, POOL_REMEDIES, SUBNET_REMEDIES } from './remedies.ts';
import { reservationOf } from './reservations.ts';
import { Spaces } from './spaces.ts';

/** Kea's defaults, in seconds. */
const VALID_LIFETIME = 7200;
const DECLINE_PROBATION = 86_400;
const NAME_MAX = 63;

/** Reads the configuration of kea-dhcp4; throws ConvertError where it is none. */
export function readKeaConf(file: SourceFile, files: Files, report: Report): ServerModel {
  const reader = new ConfigReader(report);
  reader.read(parseJson(file, files, report));
  return reader.model;
}

/** What subnets of a shared network have from it. */
interface Surroundings {
  readonly scope: OptionScope;
  readonly shared: string | null;
  readonly permits: readonly Permit[];
}

class ConfigReader {
  readonly model = newServer();
  private readonly report: Report;
  private readonly spaces = new Spaces();
  private readonly classes: ClassReader;
  private usesGlobal = false;

  constructor(report: Report) {
    this.report = report;
    this.classes = new ClassReader(this.model, this.spaces, report);
  }

  read(json: Json): void {
    const whole = new Fields(json, 'the configuration');
    const dhcp4 = whole.object('Dhcp4');
    if (dhcp4 === undefined) throw new ConvertError(json.place, 'has no "Dhcp4"');
    for (const entry of dhcp4.objects('option-def')) {
      const fault = this.spaces.define(entry);
      if (fault !== null) {
        this.report.add(
          entry.place,
          `option-def ${entry.text('name')}`,
          fault,
          'write the option by its code',
        );
      }
    }
    const scope = this.global(dhcp4);
    this.classes.read(dhcp4, scope);
    const around = { scope, shared: null, permits: [] };
    for (const entry of dhcp4.objects('shared-networks')) this.sharedNetwork(entry, around);
    for (const entry of dhcp4.objects('subnet4')) this.subnet(entry, around);
    this.globalReservations(dhcp4, scope);
    this.classes.finish();
    dhcp4.rest('', GLOBAL_REMEDIES, this.report);
    whole.rest('', OTHER_SERVERS, this.report);
  }

  private global(fields: Fields): OptionScope {
    const { model } = this;
    const { switches } = model;
    const scope = newOptionScope(model.level, null, this.spaces);
    this.level(fields, scope);
    if (model.level.leaseTime === undefined) {
      model.level.leaseTime = VALID_LIFETIME;
      model.level.minLeaseTime ??= VALID_LIFETIME;
      model.level.maxLeaseTime ??= VALID_LIFETIME;
    }
    if (fields.boolean('authoritative') === true) switches.authoritative = true;
    if (fields.boolean('echo-client-id') === false) switches.echoClientId = false;
    if (fields.boolean('match-client-id') === false) switches.identity = 'HardwareAddress';
    switches.declineQuarantine = fields.number('decline-probation-period') ?? DECLINE_PROBATION;
    const offer = fields.number('offer-lifetime') ?? 0;
    if (offer > 0) switches.offerTime = offer;
    this.percentages(fields);
    for (const hook of fields.objects('hooks-libraries')) this.hook(hook);
    const links = fields.object('interfaces-config');
    for (const { text } of links?.texts('interfaces') ?? []) {
      const [name] = text.split('/');
      if (name !== undefined && name !== '') model.interfaces.push(name.slice(0, 64));
    }
    fields.get('option-def');
    if (model.interfaces.length === 0) model.noInterfaces = fields.placeOf('interfaces-config');
    return scope;
  }

  private percentages(fields: Fields): void {
    const t1 = fields.number('t1-percent');
    const t2 = fields.number('t2-percent');
    const { switches } = this.model;
    if (fields.boolean('calculate-tee-times') === false) return;
    if (t1 !== undefined) switches.renewalPercent = Math.min(Math.max(Math.round(100 * t1), 1), 99);
    if (t2 !== undefined)
      switches.rebindingPercent = Math.min(Math.max(Math.round(100 * t2), 1), 99);
  }

  private hook(hook: Fields): void {
    const library = hook.text('library') ?? '';
    const name = /libdhcp_(\w+)\.so/.exec(library)?.[1] ?? library;
    if (name === 'bootp') this.model.switches.bootp = 'Dynamic';
    const entry = Object.hasOwn(HOOK_REMEDIES, name)
      ? HOOK_REMEDIES[name]
      : (['there are no hooks', 'see what the manifest can do'] as const);
    if (entry) this.report.add(hook.place, `hook ${name}`, entry[0], entry[1]);
  }

  /** What any level may say. */
  private level(fields: Fields, scope: OptionScope): void {
    const { level } = scope;
    readOptions(fields, scope, this.report);
    readTimes(fields, level);
    readBoot(fields, level, this.report);
    if (fields.boolean('reservations-global') === true) this.usesGlobal = true;
    if (/^(global|all)$/.test(fields.text('reservation-mode') ?? '')) this.usesGlobal = true;
  }

  private sharedNetwork(fields: Fields, around: Surroundings): void {
    const { sharedNetworks, subnets } = this.model;
    const wanted = (fields.text('name') ?? '').replace(/\p{C}/gu, '').trim().slice(0, NAME_MAX);
    const isFree = wanted !== '' && !sharedNetworks.some(({ name }) => name === wanted);
    const name = isFree ? wanted : `network-${sharedNetworks.length + 1}`;
    const level = newLevel();
    const scope = newOptionScope(level, around.scope, this.spaces);
    this.level(fields, scope);
    sharedNetworks.push({ place: fields.place, name, level });
    const before = subnets.length;
    const permits = this.permits(fields, [], null);
    for (const entry of fields.objects('subnet4'))
      this.subnet(entry, { scope, shared: name, permits });
    const first = subnets[before];
    if (first !== undefined) readSelectors(fields, first);
    this.onlyGlobal(fields);
    fields.rest(`shared network ${name}`, SUBNET_REMEDIES, this.report);
  }

  private subnet(fields: Fields, { scope: outer, shared, permits }: Surroundings): void {
    const written = fields.text('subnet') ?? '';
    const prefix = prefixOf(written);
    if (prefix === null)
      throw new ConvertError(
        fields.placeOf('subnet'),
        `"${written}" is no network such as 192.0.2.0/24`,
      );
    const level = newLevel();
    const scope = newOptionScope(level, outer, this.spaces);
    const subnet: Subnet = {
      place: fields.place,
      prefix,
      name: null,
      sharedNetwork: shared,
      selectors: [],
      pools: [],
      reservations: [],
      level,
    };
    this.model.subnets.push(subnet);
    this.level(fields, scope);
    readSelectors(fields, subnet);
    const looksUp = fields.boolean('reservations-in-subnet') ?? true;
    for (const entry of fields.objects('reservations')) {
      const one = reservationOf(entry, scope, this.classes, this.report);
      if (one !== null && looksUp) subnet.reservations.push(one);
    }
    const own = this.permits(fields, permits, subnet);
    for (const entry of fields.objects('pools')) this.pool(entry, scope, subnet, own);
    this.onlyGlobal(fields);
    fields.rest(`subnet ${formatPrefix(prefix)}`, SUBNET_REMEDIES, this.report);
  }

  // What is one for the whole server here is taken from there; only a difference is told.
  private onlyGlobal(fields: Fields): void {
    const { authoritative = false, identity } = this.model.switches;
    for (const [name, global, remedy] of [
      ['authoritative', authoritative, 'set spec.authoritative if it holds for all subnets'],
      ['match-client-id', identity === undefined, 'set spec.identity if it holds for all subnets'],
    ] as const) {
      const own = fields.boolean(name);
      if (own === undefined || own === global) continue;
      const why = 'is a setting of the whole server';
      this.report.add(fields.placeOf(name), `${name} ${own}`, why, remedy);
    }
  }

  private pool(
    fields: Fields,
    outer: OptionScope,
    subnet: Subnet,
    permits: readonly Permit[],
  ): void {
    const written = fields.text('pool') ?? '';
    const range = rangeOf(written);
    const place = fields.placeOf('pool');
    if (range === null)
      throw new ConvertError(place, `"${written}" is no pool such as 192.0.2.10 - 192.0.2.20`);
    const level = newLevel();
    this.level(fields, newOptionScope(level, outer, this.spaces));
    const ranges: Range[] = [];
    if (contains(subnet.prefix, range.start) || contains(subnet.prefix, range.end))
      ranges.push(range);
    else this.report.add(place, `pool ${written}`, 'is not in its subnet', 'move it');
    const pool: Pool = {
      place: fields.place,
      level,
      ranges,
      permits: this.permits(fields, permits, subnet),
    };
    subnet.pools.push(pool);
    fields.rest(`pool ${written}`, POOL_REMEDIES, this.report);
  }

  /** Who is let in, besides what is asked farther out. */
  private permits(fields: Fields, outer: readonly Permit[], subnet: Subnet | null): Permit[] {
    const names = [
      fields.text('client-class') ?? [],
      fields.texts('client-classes').map(({ text }) => text),
    ].flat();
    if (names.length === 0) return [...outer];
    return [...outer, { allow: names.map((name) => memberIn(name, subnet)), deny: [] }];
  }

  private globalReservations(fields: Fields, scope: OptionScope): void {
    for (const entry of fields.objects('reservations')) {
      const one = reservationOf(entry, scope, this.classes, this.report);
      if (one === null) continue;
      if (this.usesGlobal) this.model.reservations.push(one);
      else {
        const why = 'is global, and Kea looks for those only with reservations-global';
        this.report.add(one.place, one.what, why, 'nothing to do, unless it was meant to hold');
      }
    }
  }
}

const OTHER_SERVERS = {
  Logging: ['logs go to standard output', 'set --log-level, and let the service manager keep them'],
  Dhcp6: ['is about DHCPv6', 'nothing to do for IPv4'],
  DhcpDdns: ['names are not put into the DNS', 'let clients or the DNS server do it'],
  'Control-agent': ['there is no such agent', 'write objects, and ask 127.0.0.1:9067 with curl'],
  Netconf: ['there is no such agent', 'write objects'],
} as const;

/** Of the clients that Kea calls known, those of the subnet. */
function memberIn(name: string, subnet: Subnet | null): Condition {
  if (subnet === null || (name !== 'KNOWN' && name !== 'UNKNOWN')) return memberOf(name);
  const known = any(subnet.reservations.map(({ client }) => conditionOfClient(client)));
  return name === 'KNOWN' ? known : negation(known);
}

function readSelectors(fields: Fields, subnet: Subnet): void {
  const link = fields.text('interface');
  if (link !== undefined) subnet.selectors.push({ interface: link.slice(0, 64) });
  const relay = fields.object('relay');
  const single = relay?.text('ip-address');
  const addresses = [
    ...(single === undefined ? [] : [single]),
    ...(relay?.texts('ip-addresses') ?? []).map(({ text }) => text),
  ];
  for (const text of addresses) {
    const giaddr = parseIpv4(text);
    if (giaddr !== null) subnet.selectors.push({ giaddr });
  }
}

/** `192.0.2.10 - 192.0.2.20` or `192.0.2.16/28`; null for what is neither. */
function rangeOf(text: string): Range | null {
  const prefix = parsePrefix(text.replaceAll(' ', ''));
  if (prefix !== null) {
    const size = 2 ** (32 - prefix.length);
    return { start: prefix.address, end: (prefix.address + size - 1) as Ipv4 };
  }
  const [first, last, ...more] = text.split('-').map((part) => parseIpv4(part.trim()));
  if (first == null || last == null || more.length > 0 || first > last) return null;
  return { start: first, end: last };
}

function prefixOf(text: string): Subnet['prefix'] | null {
  const [address, length] = text.split('/');
  const ip = parseIpv4((address ?? '').trim());
  const bits = Number(length);
  if (ip === null || length === undefined || !(Number.isInteger(bits) && bits >= 0 && bits <= 32))
    return null;
  return { address: networkOf(ip, bits), length: bits };
}
