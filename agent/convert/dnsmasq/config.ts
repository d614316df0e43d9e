import { utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { type Condition, equal } from '../condition.ts';
import { newLevel, newServer, type ServerModel } from '../model.ts';
import type { Report } from '../report.ts';
import type { Files, SourceFile } from '../source.ts';
import { containing, hardwareCondition, matchCondition, octetsOrText } from './clients.ts';
import { Defaults } from './defaults.ts';
import { Hosts } from './hosts.ts';
import { type Directive, directivesOf, textOf } from './lines.ts';
import { readRange, settleTimes } from './ranges.ts';
import { remedyOf } from './remedies.ts';
import { Settings } from './settings.ts';
import { Tags, takeTags } from './tags.ts';

/** Reads dnsmasq.conf; throws ConvertError where it is none. */
export function readDnsmasqConf(file: SourceFile, files: Files, report: Report): ServerModel {
  const reader = new ConfigReader(report);
  reader.read(directivesOf(file, files, report));
  return reader.model;
}

/** In the order in which they have to be read: who has a tag comes before what is for a tag. */
const STEPS: readonly ((name: string) => boolean)[] = [
  (name) => name === 'interface',
  (name) => TAGGING.has(name),
  (name) => name === 'dhcp-range',
  (name) =>
    name !== 'interface' && name !== 'dhcp-range' && name !== 'dhcp-boot' && !TAGGING.has(name),
];

const TAGGING = new Set([
  'dhcp-host',
  'dhcp-mac',
  'dhcp-vendorclass',
  'dhcp-userclass',
  'dhcp-match',
  'dhcp-name-match',
  'dhcp-circuitid',
  'dhcp-remoteid',
  'dhcp-subscrid',
  'tag-if',
]);

class ConfigReader {
  readonly model = newServer();
  private readonly report: Report;
  private readonly tags: Tags;
  private readonly hosts: Hosts;
  private readonly settings: Settings;
  private readonly defaults = new Defaults();
  private readonly dns: Directive[] = [];
  /** Whether it gives addresses on some links and is a proxy on others. */
  private isMixed = false;

  constructor(report: Report) {
    const { model } = this;
    this.report = report;
    this.tags = new Tags(report);
    this.hosts = new Hosts(model, this.tags, report);
    this.settings = new Settings(model, this.tags, report);
  }

  read(directives: readonly Directive[]): void {
    // Who is known by a host is answered by BOOTP too.
    this.model.switches.bootp = 'Reserved';
    const modes = new Set(directives.map(proxyOf).filter((mode) => mode !== null));
    this.isMixed = modes.size > 1;
    for (const belongs of STEPS) {
      for (const one of directives) if (belongs(one.name)) this.take(one);
    }
    // Of several that fit, the last of the file counts.
    const boots = directives.filter(({ name }) => name === 'dhcp-boot');
    for (const one of boots.reverse()) this.settings.boot(one);
    settleTimes(this.model);
    this.defaults.settle(this.model, this.report);
    this.model.classes.push(...this.tags.classes);
    if (this.model.interfaces.length === 0) this.model.interfaces.push('*');
    this.tellDns();
  }

  private take(directive: Directive): void {
    const { name } = directive;
    switch (name) {
      case 'interface':
        this.interface(directive);
        return;
      case 'dhcp-host':
        this.hosts.take(directive);
        return;
      case 'dhcp-range':
        if (this.isMixed && proxyOf(directive) === true) this.untakenProxy(directive);
        else readRange(directive, this.model, this.tags, this.report);
        return;
      case 'dhcp-option':
      case 'dhcp-option-force':
      case 'dhcp-option-pxe':
        this.settings.option(directive);
        return;
      case 'dhcp-ignore':
        this.ignore(directive);
        return;
      default:
        if (TAGGING.has(name)) this.tagging(directive);
        else if (!this.defaults.take(directive) && !this.switch(directive)) this.untold(directive);
    }
  }

  private untakenProxy(directive: Directive): void {
    const why = 'a server that gives addresses is no proxy on other links';
    const remedy = 'write a second DhcpServer with proxyDhcp for that link';
    this.report.add(directive.place, textOf(directive), why, remedy);
  }

  private interface({ parts }: Directive): void {
    for (const name of parts) {
      if (name === '' || name === 'lo') continue;
      this.model.interfaces.push(name.slice(0, 64));
      this.tags.define(name, equal({ kind: 'interface' }, { kind: 'octets', octets: utf8(name) }));
    }
  }

  private tagging(directive: Directive): void {
    const { sets, tags, rest } = takeTags(directive.parts);
    if (directive.name === 'tag-if') {
      for (const set of sets) this.tags.derive(set, tags);
      return;
    }
    // The tag may stand without `set:`.
    const [tag] = sets.length > 0 ? sets : rest.splice(0, 1);
    if (tag === undefined) return;
    const condition = conditionOf(directive.name, rest);
    if (condition.kind === 'unknown') {
      this.report.add(directive.place, textOf(directive), condition.what, 'write a class by hand');
    }
    this.tags.define(tag, condition);
  }

  /** Whether it is one. */
  private switch({ name, parts }: Directive): boolean {
    const { switches, excludeInterfaces } = this.model;
    switch (name) {
      case 'except-interface':
      case 'no-dhcp-interface':
      case 'no-dhcpv4-interface':
        excludeInterfaces.push(
          ...parts.filter((part) => part !== '').map((part) => part.slice(0, 64)),
        );
        return true;
      case 'dhcp-authoritative':
        switches.authoritative = true;
        return true;
      case 'dhcp-rapid-commit':
        switches.rapidCommit = true;
        return true;
      case 'dhcp-ignore-clid':
        switches.identity = 'HardwareAddress';
        return true;
      case 'no-ping':
        switches.pingOff = true;
        return true;
      case 'bootp-dynamic':
        switches.bootp = 'Dynamic';
        return true;
      default:
        return false;
    }
  }

  private untold(directive: Directive): void {
    const { name, place } = directive;
    const remedy = remedyOf(name);
    if (remedy === undefined) this.dns.push(directive);
    else if (remedy !== null) this.report.add(place, textOf(directive), remedy[0], remedy[1]);
  }

  private ignore({ parts, place }: Directive): void {
    const { tags } = takeTags(
      parts.map((part) => (/^(tag|net):/.test(part) ? part : `tag:${part}`)),
    );
    const when = this.tags.conditionOf(tags);
    if (when.kind === 'constant' && !when.value) return;
    const name = `ignored ${place.line}`;
    this.model.classes.push({ place, name, when, refuse: true, level: newLevel() });
  }

  private tellDns(): void {
    const [first] = this.dns;
    if (first === undefined) return;
    const more = this.dns.length === 1 ? '' : ` and ${this.dns.length - 1} more`;
    const remedy = 'keep dnsmasq for the DNS, without dhcp-range';
    this.report.add(first.place, `${textOf(first)}${more}`, 'this is no DNS server', remedy);
  }
}

/** Whether a range leaves addresses to another server; null for what is no range, or one of IPv6. */
function proxyOf({ name, parts }: Directive): boolean | null {
  if (name !== 'dhcp-range') return null;
  const { rest } = takeTags(parts);
  return rest.some((part) => part.includes(':')) ? null : rest[1] === 'proxy';
}

function conditionOf(name: string, parts: readonly string[]): Condition {
  const text = parts.join(',');
  switch (name) {
    case 'dhcp-mac':
      return hardwareCondition(text);
    case 'dhcp-vendorclass':
      if (text.startsWith('enterprise:')) return { kind: 'unknown', what: 'it is about IPv6' };
      return containing(OPTION.vendorClass, text);
    case 'dhcp-userclass':
      return containing(OPTION.userClass, text);
    case 'dhcp-match':
      return matchCondition(parts);
    case 'dhcp-name-match': {
      const octets = utf8(text.replace(/\*$/, ''));
      const length = text.endsWith('*') ? octets.length : null;
      const hostName = { kind: 'option', code: OPTION.hostName } as const;
      return equal({ kind: 'slice', of: hostName, from: 0, length }, { kind: 'octets', octets });
    }
    default: {
      const code = { 'dhcp-circuitid': 1, 'dhcp-remoteid': 2 }[name] ?? 6;
      return equal({ kind: 'relay', code }, { kind: 'octets', octets: octetsOrText(text) });
    }
  }
}
