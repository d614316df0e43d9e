import { parseIpv4 } from '../../../codec/ipv4.ts';
import { joined } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import type { Condition } from '../condition.ts';
import { putOption } from '../levels.ts';
import type { Boot, Level, ServerModel } from '../model.ts';
import type { Report } from '../report.ts';
import { containing } from './clients.ts';
import { type Directive, textOf } from './lines.ts';
import { codeOf, dataOf, guessed, isOfAddresses } from './options.ts';
import { type TagRef, type Tags, takeTags } from './tags.ts';

/** Options that dnsmasq sends by itself unless they are there without a value. */
const UNASKED: readonly number[] = [OPTION.routers, OPTION.domainNameServers];

/** Where an option goes: inside of another, or not. */
interface Target {
  readonly code: number;
  readonly isInside: boolean;
  /** How the vendor class of those clients has to be that it is for. */
  readonly vendor: string | null;
}

/** Takes options and what to boot to the levels that their tags stand for. */
export class Settings {
  private readonly model: ServerModel;
  private readonly tags: Tags;
  private readonly report: Report;

  constructor(model: ServerModel, tags: Tags, report: Report) {
    this.model = model;
    this.tags = tags;
    this.report = report;
  }

  option(directive: Directive): void {
    const { place, name } = directive;
    const { tags, rest } = takeTags(directive.parts);
    const target = targetOf(rest[0] ?? '');
    if (typeof target === 'string') {
      this.report.add(place, textOf(directive), target, 'write it by its code in options.custom');
      return;
    }
    const levels = this.levels(directive, tags, target.vendor);
    if (levels === null) return;
    if (target.isInside) this.inside(levels, target.code, rest.slice(1), directive);
    else this.plain(levels, target.code, rest.slice(1), directive);
    if (name === 'dhcp-option-force') for (const level of levels) level.force.add(target.code);
  }

  boot(directive: Directive): void {
    const { place } = directive;
    const { tags, rest } = takeTags(directive.parts);
    const [file = '', serverName = '', address = ''] = rest;
    const server = parseIpv4(address);
    if (address !== '' && server === null) {
      const remedy = 'write its address in nextServer';
      this.report.add(place, textOf(directive), 'names are not looked up', remedy);
    }
    const boot: Boot = {
      file,
      ...(serverName !== '' && { serverName }),
      ...(server !== null && { nextServer: server }),
    };
    const ranges = tags.filter(({ name }) => this.tags.isOfRange(name));
    const others = tags.filter(({ name }) => !this.tags.isOfRange(name));
    const when = others.length === 0 ? null : this.tags.conditionOf(others);
    if (ranges.length === 0) bootAt(this.model.level, when, boot, directive);
    else this.bootOfRanges(ranges, when, boot, directive);
  }

  private bootOfRanges(
    ranges: readonly TagRef[],
    when: Condition | null,
    boot: Boot,
    directive: Directive,
  ): void {
    const tagged = new Set(this.tags.poolsOf(ranges));
    for (const { pools, level } of this.model.subnets) {
      const own = pools.filter((pool) => tagged.has(pool));
      if (own.length === 0) continue;
      if (own.length === pools.length) bootAt(level, when, boot, directive);
      else {
        const why = 'is for some ranges of a subnet';
        this.report.add(directive.place, textOf(directive), why, 'write boot entries with a class');
      }
    }
  }

  private inside(
    levels: readonly Level[],
    code: number,
    parts: readonly string[],
    directive: Directive,
  ): void {
    const data = subOption(parts);
    if (typeof data === 'string') {
      this.report.add(
        directive.place,
        textOf(directive),
        data,
        'write the whole option by its code',
      );
      return;
    }
    for (const { options } of levels) {
      options.set(code, joined([options.get(code) ?? new Uint8Array(), data]));
    }
  }

  private plain(
    levels: readonly Level[],
    code: number,
    values: readonly string[],
    directive: Directive,
  ): void {
    const mention = { place: directive.place, what: textOf(directive), report: this.report };
    if (values.includes('0.0.0.0') && isOfAddresses(code)) {
      const why = '0.0.0.0 is the address of the machine that dnsmasq runs on';
      this.report.add(mention.place, mention.what, why, 'write that address in options');
      return;
    }
    const isNone = values.length === 0 && UNASKED.includes(code);
    const data = dataOf(code, values);
    for (const level of levels) {
      // Of two, the later counts.
      level.suppress.delete(code);
      level.options.delete(code);
      if (isNone) level.suppress.add(code);
      else if (typeof data !== 'string') putOption(level, code, data, mention);
      else this.report.add(mention.place, mention.what, data, 'write its value in options');
    }
  }

  private levels(directive: Directive, tags: TagRef[], vendor: string | null): Level[] | null {
    const wanted = [...tags];
    if (vendor !== null) {
      const tag = `vendor ${vendor}`;
      if (!this.tags.isSet(tag)) this.tags.define(tag, containing(OPTION.vendorClass, vendor));
      wanted.push({ name: tag, negated: false });
    }
    if (wanted.length === 0) return [this.model.level];
    const levels = this.tags.levelsFor(wanted, directive.place, textOf(directive));
    return levels === undefined ? [this.model.level] : levels;
  }
}

function targetOf(word: string): Target | string {
  const [, kind, rest] = /^(vendor|encap|vi-encap):(.*)$/.exec(word) ?? [];
  if (word.startsWith('option6:')) return 'is about IPv6';
  if (kind === 'vi-encap') return 'is an option in an option of a vendor';
  if (kind === 'vendor') {
    return { code: OPTION.vendorSpecific, isInside: true, vendor: rest === '' ? null : rest! };
  }
  const code = codeOf(kind === 'encap' ? rest! : word);
  return code === null
    ? 'the option is not known'
    : { code, isInside: kind === 'encap', vendor: null };
}

function bootAt(level: Level, when: Condition | null, boot: Boot, { place }: Directive): void {
  if (when !== null) level.bootCases.push({ when, place, ...boot });
  else if (level.boot.file === undefined) Object.assign(level.boot, boot);
}

/** `CODE,VALUE` as an option inside of another. */
function subOption(parts: readonly string[]): Uint8Array | string {
  const [word = '', ...values] = parts;
  if (!/^\d{1,3}$/.test(word) || Number(word) > 255) return 'names no option inside of another';
  const isEmpty = values.length === 0 || (values.length === 1 && values[0] === '');
  const data = isEmpty ? new Uint8Array() : guessed(values);
  return data.length > 255
    ? 'is too long'
    : joined([Uint8Array.of(Number(word), data.length), data]);
}
