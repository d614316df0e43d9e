import { formatIpv4, type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { conditionOf } from '../clients.ts';
import { any, type Condition } from '../condition.ts';
import { type Class, type Client, newLevel, type ServerModel } from '../model.ts';
import { printable } from '../optionyaml.ts';
import type { Place, Report } from '../report.ts';
import { hostnameOf } from '../reservations.ts';
import { octetsOfWord } from './expressions.ts';
import type { Token } from './lexer.ts';
import { textOf } from './options.ts';
import { nearest, type Scope } from './scope.ts';
import { AGENT_SPACE, DHCP, type Spaces } from './spaces.ts';
import type { Statement } from './statements.ts';

/** Clients that there is a `host` for. */
export const KNOWN_CLIENTS: Condition = { kind: 'class', name: 'known clients' };

interface Host {
  readonly name: string;
  readonly place: Place;
  readonly scope: Scope;
  clients: Client[];
  addresses: Ipv4[];
  refuse: boolean;
}

/** Reads hosts, and makes reservations of them. */
export class HostReader {
  private readonly model: ServerModel;
  private readonly spaces: Spaces;
  private readonly report: Report;
  private readonly hosts: Host[] = [];

  constructor(model: ServerModel, spaces: Spaces, report: Report) {
    this.model = model;
    this.spaces = spaces;
    this.report = report;
  }

  /** Takes what says which client it is, and leaves its settings. */
  take(name: string, block: readonly Statement[], scope: Scope, place: Place): Statement[] {
    const host: Host = { name, place, scope, clients: [], addresses: [], refuse: false };
    this.hosts.push(host);
    return block.filter((statement) => !this.part(statement, host));
  }

  /** The classes that hosts ask for: those that are refused, and all that are known. */
  classes(): Class[] {
    const [first] = this.hosts;
    const place = first?.place ?? { file: '', line: 0 };
    const classes: Class[] = [];
    const refused = this.hosts.filter(({ refuse }) => refuse).flatMap(({ clients }) => clients);
    if (refused.length > 0) {
      const when = any(refused.map(conditionOf));
      classes.push({ place, name: 'refused clients', when, refuse: true, level: newLevel() });
    }
    const pools = this.model.subnets.flatMap((subnet) => subnet.pools);
    const isAsked = pools.some(({ permits }) =>
      JSON.stringify(permits).includes('"known clients"'),
    );
    if (isAsked) {
      const when = any(this.hosts.flatMap(({ clients }) => clients).map(conditionOf));
      classes.push({ place, name: 'known clients', when, refuse: false, level: newLevel() });
    }
    return classes;
  }

  /** Gives the reservations to the model. */
  finish(): void {
    for (const host of this.hosts) {
      const { name, place, clients, addresses, scope, refuse } = host;
      const what = `host ${name}`;
      if (refuse) continue;
      const [client, ...others] = clients;
      if (client === undefined) {
        this.report.add(place, what, 'names no client', 'write a reservation by hand');
        continue;
      }
      for (const _ of others) {
        const why = 'is told by its hardware address alone, not by its client identifier too';
        this.report.add(
          place,
          what,
          why,
          'write a second reservation if it comes with another card',
        );
      }
      this.reserve({ what, place, client, addresses, hostname: this.hostname(host), scope });
    }
  }

  private reserve(one: {
    readonly what: string;
    readonly place: Place;
    readonly client: Client;
    readonly addresses: readonly Ipv4[];
    readonly hostname: string | null;
    readonly scope: Scope;
  }): void {
    const { what, place, client, addresses, hostname, scope } = one;
    const { level } = scope;
    if (addresses.length > 0) {
      for (const address of addresses) {
        const own = what + (addresses.length > 1 ? ` (${formatIpv4(address)})` : '');
        this.model.reservations.push({ place, what: own, client, address, hostname, level });
      }
      return;
    }
    this.model.reservations.push({ place, what, client, address: null, hostname, level });
  }

  private hostname({ name, scope }: Host): string | null {
    const { options } = scope.level;
    const given = options.get(OPTION.hostName);
    const text = given === undefined ? null : printable(given);
    if (text !== null && hostnameOf(text) !== null) {
      options.delete(OPTION.hostName);
      return text;
    }
    return given === undefined && nearest(scope, 'useHostNames') === true ? name : null;
  }

  private part(statement: Statement, host: Host): boolean {
    const { tokens } = statement;
    const words = tokens.map(({ text }) => text.toLowerCase());
    switch (words[0]) {
      case 'hardware':
        this.hardware(statement, host);
        return true;
      case 'fixed-address':
        this.fixedAddress(statement, host);
        return true;
      case 'uid':
        this.clientId(tokens[1], statement, host);
        return true;
      case 'option':
        if (this.spaces.find(words[1] ?? '')?.code !== OPTION.clientIdentifier) return false;
        this.clientId(tokens[2], statement, host);
        return true;
      case 'host-identifier':
        this.hostIdentifier(statement, host);
        return true;
      case 'deny':
      case 'ignore':
        if (words[1] !== 'booting') return false;
        host.refuse = true;
        return true;
      case 'allow':
        return words[1] === 'booting';
      case 'dynamic':
      case 'deleted':
        return true;
      default:
        return false;
    }
  }

  private hardware({ tokens, place }: Statement, host: Host): void {
    const octets = octetsOfWord(
      tokens
        .slice(2)
        .map(({ text }) => text)
        .join(''),
    );
    if (octets !== null && octets.length <= 16) {
      host.clients.unshift({ kind: 'hardwareAddress', octets });
      return;
    }
    this.report.add(
      place,
      textOf(tokens),
      'is no hardware address',
      'write it as 02:00:00:00:00:0a',
    );
  }

  private fixedAddress({ tokens, place }: Statement, host: Host): void {
    for (const { kind, text } of tokens.slice(1)) {
      if (kind === 'sign') continue;
      const address = parseIpv4(text);
      if (address !== null) host.addresses.push(address);
      else {
        const why = `"${text}" is a name, and names are not looked up`;
        this.report.add(place, `host ${host.name}`, why, 'write a reservation with its address');
      }
    }
  }

  private clientId(token: Token | undefined, { tokens, place }: Statement, host: Host): void {
    const octets = token === undefined ? null : octetsOf(token);
    if (octets === null) {
      this.report.add(
        place,
        textOf(tokens),
        'is no client identifier',
        'write a reservation by hand',
      );
      return;
    }
    // Clients that send a text put a type octet in front of it, or not.
    const isText = token!.kind === 'text' && printable(octets) !== null;
    host.clients.push({ kind: 'clientId', octets, isText });
  }

  private hostIdentifier({ tokens, place }: Statement, host: Host): void {
    const words = tokens.slice(1);
    if (words[0]?.text.toLowerCase() === 'option') words.shift();
    const option = this.spaces.find(words[0]?.text ?? '');
    const octets = words[1] === undefined ? null : octetsOf(words[1]);
    if (octets !== null && option?.space === AGENT_SPACE && option.code <= 2) {
      host.clients.push({ kind: option.code === 1 ? 'circuitId' : 'remoteId', octets });
    } else if (octets !== null && option?.space === DHCP) {
      host.clients.push({ kind: 'option', code: option.code, octets });
    } else {
      this.report.add(
        place,
        textOf(tokens),
        'cannot tell a client here',
        'write a reservation by hand',
      );
    }
  }
}

function octetsOf({ octets, text }: Token): Uint8Array | null {
  return octets ?? octetsOfWord(text);
}
