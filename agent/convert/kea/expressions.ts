import { unhex } from '../../../codec/hardware.ts';
import { parseIpv4, writeIpv4 } from '../../../codec/ipv4.ts';
import { joined, utf8 } from '../../../codec/v4/kind.ts';
import {
  ALWAYS,
  all,
  any,
  type Condition,
  type Data,
  equal,
  NEVER,
  negation,
} from '../condition.ts';
import { ConvertError, DEPTH_MAX } from '../fault.ts';
import type { Place } from '../report.ts';

/** What Kea's expressions are about that depends on the rest of the file. */
export interface Names {
  /** The code of an option by its name or number, or null. */
  option(name: string): number | null;
}

type Value =
  | { readonly kind: 'data'; readonly data: Data }
  | { readonly kind: 'condition'; readonly condition: Condition }
  /** `hexstring`: octets in hex with something between. */
  | { readonly kind: 'hex'; readonly of: Data; readonly separator: string };

const TOKEN = /\s+|'[^'\n]*'|0x[\da-fA-F]*|\d+(?:\.\d+){3}|-?\d+|==|[()[\],.+]|[\w-]+/gy;

/** Reads the `test` of a class; throws ConvertError where it is none. */
export function conditionOf(text: string, names: Names, place: Place): Condition {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw new ConvertError(place, `test: "${text.slice(at, at + 12)}" is not understood`);
    }
    if (match[0].trim() !== '') tokens.push(match[0]);
  }
  return asCondition(new Parser(tokens, names, place).whole());
}

function asCondition(value: Value): Condition {
  if (value.kind === 'condition') return value.condition;
  return { kind: 'unknown', what: 'what it asks is no question' };
}

function asData(value: Value): Data {
  return value.kind === 'data'
    ? value.data
    : unknown('it works on words in a way that is not known here');
}

function unknown(what: string): Data {
  return { kind: 'unknown', what };
}

class Parser {
  private readonly tokens: readonly string[];
  private readonly names: Names;
  private readonly place: Place;
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly string[], names: Names, place: Place) {
    this.tokens = tokens;
    this.names = names;
    this.place = place;
  }

  whole(): Value {
    const value = this.either();
    if (this.at < this.tokens.length) this.fail(`"${this.tokens[this.at]}" does not belong here`);
    return value;
  }

  private either(): Value {
    if (++this.depth > DEPTH_MAX) this.fail('it is nested too deep');
    const parts = [this.both()];
    while (this.skip('or')) parts.push(this.both());
    this.depth--;
    return parts.length === 1 ? parts[0]! : condition(any(parts.map(asCondition)));
  }

  private both(): Value {
    const parts = [this.negated()];
    while (this.skip('and')) parts.push(this.negated());
    return parts.length === 1 ? parts[0]! : condition(all(parts.map(asCondition)));
  }

  private negated(): Value {
    let times = 0;
    while (this.skip('not')) times++;
    const value = this.compared();
    return times % 2 === 0 ? value : condition(negation(asCondition(value)));
  }

  private compared(): Value {
    const left = this.sum();
    if (this.skip('==')) return condition(sameness(left, this.sum()));
    return left;
  }

  private sum(): Value {
    const parts = [this.operand()];
    while (this.skip('+')) parts.push(this.operand());
    return parts.length === 1 ? parts[0]! : data(concatenated(parts.map(asData)));
  }

  private operand(): Value {
    const token = this.next();
    if (token === '(') {
      const inner = this.either();
      this.expect(')');
      return inner;
    }
    const literal = literalOf(token);
    if (literal !== null) return data({ kind: 'octets', octets: literal });
    switch (token) {
      case 'option':
        return this.option();
      case 'relay4':
        return this.relay();
      case 'pkt':
      case 'pkt4':
        this.expect('.');
        return data(packetField(token, this.next()));
      case 'member':
        return this.member();
      case 'vendor':
      case 'vendor-class':
        return this.vendor(token);
      default:
        return this.call(token);
    }
  }

  private option(): Value {
    const name = this.index();
    const code = this.names.option(name);
    this.expect('.');
    const what = this.next();
    if (what === 'option') {
      this.index();
      this.expect('.');
      const last = this.next();
      const reason = `option[${name}].option[] looks inside of an option`;
      return last === 'exists'
        ? condition({ kind: 'unknown', what: reason })
        : data(unknown(reason));
    }
    if (code === null) {
      const reason = `option ${name} is not known`;
      return what === 'exists'
        ? condition({ kind: 'unknown', what: reason })
        : data(unknown(reason));
    }
    return what === 'exists' ? condition({ kind: 'sent', code }) : data({ kind: 'option', code });
  }

  private relay(): Value {
    const name = this.index();
    const code = RELAY.get(name) ?? Number(name);
    this.expect('.');
    const what = this.next();
    if (!Number.isInteger(code)) return data(unknown(`relay4[${name}] is not known`));
    return what === 'exists'
      ? condition({ kind: 'sentByRelay', code })
      : data({ kind: 'relay', code });
  }

  private vendor(token: string): Value {
    while (!['==', 'and', 'or', ')', undefined].includes(this.tokens[this.at])) {
      if (this.next() === 'exists') {
        return condition({ kind: 'unknown', what: `${token} looks inside of an option` });
      }
    }
    return data(unknown(`${token} looks inside of an option`));
  }

  private member(): Value {
    this.expect('(');
    const name = this.next();
    this.expect(')');
    return condition(memberOf(name.replace(/^'|'$/g, '')));
  }

  private index(): string {
    this.expect('[');
    const name = this.next();
    this.expect(']');
    return name;
  }

  private call(name: string): Value {
    if (!this.skip('(')) return data(unknown(`${name} is not known here`));
    const given: Value[] = [];
    const words: string[] = [];
    while (!this.skip(')')) {
      if (given.length > 0) this.expect(',');
      words.push(this.tokens[this.at] ?? '');
      given.push(this.either());
    }
    return called(name, given, words);
  }

  private next(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) this.fail('it ends too early');
    return token!;
  }

  private skip(text: string): boolean {
    if (this.tokens[this.at] !== text) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.skip(text)) this.fail(`"${text}" is missing`);
  }

  private fail(message: string): never {
    throw new ConvertError(this.place, `test: ${message}`);
  }
}

const RELAY = new Map([
  ['agent-circuit-id', 1],
  ['circuit-id', 1],
  ['agent-remote-id', 2],
  ['remote-id', 2],
  ['subscriber-id', 6],
  ['relay-id', 12],
]);

function data(of: Data): Value {
  return { kind: 'data', data: of };
}

function condition(of: Condition): Value {
  return { kind: 'condition', condition: of };
}

function literalOf(token: string): Uint8Array | null {
  if (token.startsWith("'")) return utf8(token.slice(1, -1));
  if (/^0x/.test(token)) {
    const digits = token.slice(2);
    return unhex(digits.length % 2 === 1 ? `0${digits}` : digits);
  }
  const address = parseIpv4(token);
  if (address === null && !/^-?\d+$/.test(token)) return null;
  // Integers have four octets.
  const octets = new Uint8Array(4);
  writeIpv4(octets, 0, (address ?? Number(token) >>> 0) as Parameters<typeof writeIpv4>[2]);
  return octets;
}

function packetField(of: string, name: string): Data {
  if (of === 'pkt')
    return name === 'iface' ? { kind: 'interface' } : unknown(`pkt.${name} cannot be asked for`);
  switch (name) {
    case 'mac':
      return { kind: 'hardware' };
    case 'giaddr':
    case 'ciaddr':
      return { kind: name };
    case 'msgtype':
      return { kind: 'messageType' };
    default:
      return unknown(`pkt4.${name} cannot be asked for`);
  }
}

/** Whether a client is in a class, some of which Kea has by itself. */
export function memberOf(name: string): Condition {
  // HA_NAME is for the clients of one of two servers, of which one is left.
  if (name === 'ALL' || name.startsWith('HA_')) return ALWAYS;
  if (name === 'UNKNOWN') return negation({ kind: 'class', name: 'KNOWN' });
  const vendor = /^VENDOR_CLASS_(.+)$/.exec(name)?.[1];
  if (vendor !== undefined) {
    return equal({ kind: 'option', code: 60 }, { kind: 'octets', octets: utf8(vendor) });
  }
  return { kind: 'class', name };
}

function called(name: string, given: readonly Value[], words: readonly string[]): Value {
  const [first, second] = given;
  const of = first === undefined ? unknown(`${name}() of nothing`) : asData(first);
  switch (name) {
    case 'substring': {
      const from = Number(words[1]);
      const length = words[2] === 'all' ? null : Number(words[2]);
      if (!Number.isInteger(from) || !(length === null || length >= 0)) break;
      return data({ kind: 'slice', of, from, length });
    }
    case 'concat':
      return data(concatenated(given.map(asData)));
    case 'lcase':
      return data({ kind: 'lower', of });
    case 'hexstring': {
      const separator = second === undefined ? unknown('') : asData(second);
      if (separator.kind !== 'octets') break;
      return { kind: 'hex', of, separator: new TextDecoder().decode(separator.octets) };
    }
  }
  return data(unknown(`${name}() is not known here`));
}

function concatenated(parts: readonly Data[]): Data {
  const octets = parts.flatMap((part) => (part.kind === 'octets' ? [part.octets] : []));
  if (octets.length < parts.length)
    return unknown('what clients send is put together in a way that is not known here');
  return { kind: 'octets', octets: joined(octets) };
}

function sameness(left: Value, right: Value): Condition {
  const isLiteral = left.kind === 'data' && left.data.kind === 'octets';
  const [subject, literal] = isLiteral ? [right, left] : [left, right];
  const value = asData(literal);
  if (subject.kind !== 'hex' || value.kind !== 'octets') return equal(asData(subject), value);
  const text = new TextDecoder().decode(value.octets);
  const digits = subject.separator === '' ? text : text.split(subject.separator).join(':');
  const octets = unhex(digits);
  return octets === null ? NEVER : equal(subject.of, { kind: 'octets', octets });
}
