import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { conditionOf } from '../clients.ts';
import { any, type Condition } from '../condition.ts';
import { type Client, newLevel, type ServerModel } from '../model.ts';
import { printable } from '../optionyaml.ts';
import type { Report } from '../report.ts';
import { HARDWARE, hardwareCondition, hardwareOf, octetsOrText } from './clients.ts';
import { type Directive, textOf } from './lines.ts';
import { type TagRef, type Tags, takeTags } from './tags.ts';
import { secondsOf } from './times.ts';

/** What a `dhcp-host` says. */
interface Host {
  readonly clients: Client[];
  /** Of hardware addresses with wildcards. */
  readonly patterns: Condition[];
  readonly sets: string[];
  readonly tags: TagRef[];
  address: Ipv4 | null;
  hostname: string | null;
  leaseTime: number | null;
  ignored: boolean;
}

/** Reads `dhcp-host`, and remembers who is known by one. */
export class Hosts {
  private readonly model: ServerModel;
  private readonly tags: Tags;
  private readonly report: Report;

  constructor(model: ServerModel, tags: Tags, report: Report) {
    this.model = model;
    this.tags = tags;
    this.report = report;
  }

  take(directive: Directive): void {
    const { place } = directive;
    const what = textOf(directive);
    const host = this.parse(directive);
    if (host === null) return;
    const clients = clientsOf(host);
    const members = any([...clients.map(conditionOf), ...host.patterns]);
    for (const tag of ['known', ...host.sets]) this.tags.define(tag, members);
    if (host.ignored) {
      const name = `ignored ${place.line}`;
      this.model.classes.push({ place, name, when: members, refuse: true, level: newLevel() });
      return;
    }
    if (clients.length === 0 && host.patterns.length === 0) {
      this.report.add(place, what, 'names no client', 'write a reservation by hand');
    }
    if (host.patterns.length > 0 && (host.address !== null || host.hostname !== null)) {
      this.report.add(place, what, 'a reservation is for one client', 'write one for each');
    }
    if (host.tags.length > 0) {
      this.report.add(
        place,
        what,
        'holds only for some tags',
        'write a class if it is not to hold for all',
      );
    }
    for (const client of clients) this.reserve(client, host, directive);
  }

  private reserve(client: Client, host: Host, directive: Directive): void {
    const { address, hostname, leaseTime } = host;
    const level = newLevel();
    if (leaseTime !== null) level.leaseTime = leaseTime;
    // A name that it is told by need not be told to it.
    const own = client.kind === 'option' ? null : hostname;
    if (address === null && own === null && leaseTime === null) return;
    const { place } = directive;
    this.model.reservations.push({
      place,
      what: textOf(directive),
      client,
      address,
      hostname: own,
      level,
    });
  }

  private parse(directive: Directive): Host | null {
    const host: Host = {
      clients: [],
      patterns: [],
      sets: [],
      tags: [],
      address: null,
      hostname: null,
      leaseTime: null,
      ignored: false,
    };
    for (const part of directive.parts) {
      const { tags, sets } = takeTags([part]);
      if (tags.length + sets.length > 0) {
        host.tags.push(...tags);
        host.sets.push(...sets);
      } else if (!takePart(part, host)) {
        this.report.add(
          directive.place,
          textOf(directive),
          'is about IPv6',
          'keep dnsmasq, or another, for that',
        );
        return null;
      }
    }
    return host;
  }
}

/** False for what is of IPv6. */
function takePart(part: string, host: Host): boolean {
  if (part === '' || part === 'id:*') return true;
  if (part.startsWith('[')) return false;
  const address = parseIpv4(part);
  const seconds = secondsOf(part);
  if (part === 'ignore') host.ignored = true;
  else if (part.startsWith('id:')) host.clients.push(clientIdOf(part.slice(3)));
  else if (address !== null) host.address = address;
  else if (HARDWARE.test(part)) takeHardware(part, host);
  else if (seconds !== null) host.leaseTime = seconds;
  else host.hostname = part;
  return true;
}

function takeHardware(part: string, host: Host): void {
  const octets = hardwareOf(part);
  if (octets === null) host.patterns.push(hardwareCondition(part));
  else host.clients.push({ kind: 'hardwareAddress', octets });
}

function clientIdOf(text: string): Client {
  const octets = octetsOrText(text);
  return { kind: 'clientId', octets, isText: !text.includes(':') && printable(octets) !== null };
}

// Without an address of its own, a host is who calls itself so.
function clientsOf({ clients, patterns, hostname, address, ignored }: Host): Client[] {
  if (clients.length > 0 || patterns.length > 0 || hostname === null) return clients;
  if (address === null && !ignored) return [];
  return [{ kind: 'option', code: OPTION.hostName, octets: utf8(hostname) }];
}
