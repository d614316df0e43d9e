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
import type { Token } from './lexer.ts';
import { AGENT_SPACE, DHCP, type KnownOption, type Spaces } from './spaces.ts';

/** What an expression is worth. */
type Value =
  | { readonly kind: 'data'; readonly data: Data }
  | { readonly kind: 'condition'; readonly condition: Condition }
  /** `binary-to-ascii`: octets as numbers with something between. */
  | {
      readonly kind: 'ascii';
      readonly of: Data;
      readonly base: number;
      readonly width: number;
      readonly separator: string;
    }
  /** The first of these that was sent. */
  | { readonly kind: 'first'; readonly of: readonly Value[] }
  /** A number made of octets. */
  | { readonly kind: 'integer'; readonly of: Data; readonly width: number }
  | { readonly kind: 'number'; readonly value: number; readonly word: string };

/** Reads `if` conditions, and what a class matches by. */
export function conditionOf(tokens: readonly Token[], spaces: Spaces, place: Place): Condition {
  const parser = new Parser(tokens, spaces, place);
  return asCondition(parser.whole(), 'what it asks is no question');
}

/** Reads an expression that gives octets. */
export function dataOf(tokens: readonly Token[], spaces: Spaces, place: Place): Data {
  return asData(new Parser(tokens, spaces, place).whole());
}

/** What an option of the file is in a request. */
function dataOfOption(option: KnownOption | null, written: string): Data {
  if (option === null) return unknown(`option ${written} is not known`);
  if (option.space === DHCP) return { kind: 'option', code: option.code };
  if (option.space === AGENT_SPACE) return { kind: 'relay', code: option.code };
  return unknown(`option ${written} is part of another option`);
}

function asCondition(value: Value, otherwise: string): Condition {
  return value.kind === 'condition' ? value.condition : { kind: 'unknown', what: otherwise };
}

function asData(value: Value): Data {
  switch (value.kind) {
    case 'data':
      return value.data;
    case 'number':
      return { kind: 'octets', octets: octetsOfWord(value.word) ?? utf8(value.word) };
    default:
      return unknown('it works on numbers and words in a way that is not known here');
  }
}

function unknown(what: string): Data {
  return { kind: 'unknown', what };
}

/** `1:0:ff` or `ff`; null when it is no octets in hex. */
export function octetsOfWord(word: string): Uint8Array | null {
  if (!/^[\da-f]{1,2}(:[\da-f]{1,2})*$/i.test(word)) return null;
  return Uint8Array.from(word.split(':'), (digits) => Number.parseInt(digits, 16));
}

const OPERATORS = ['=', '!=', '~=', '~~', '=='];

class Parser {
  private readonly tokens: readonly Token[];
  private readonly spaces: Spaces;
  private readonly place: Place;
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly Token[], spaces: Spaces, place: Place) {
    this.tokens = tokens;
    this.spaces = spaces;
    this.place = place;
  }

  whole(): Value {
    const value = this.either();
    const rest = this.tokens[this.at];
    if (rest !== undefined)
      throw new ConvertError(rest.place, `"${rest.text}" does not belong here`);
    return value;
  }

  private either(): Value {
    if (++this.depth > DEPTH_MAX)
      throw new ConvertError(this.here(), 'the expression is nested too deep');
    const first = this.both();
    const parts = [first];
    while (this.skip('or')) parts.push(this.both());
    this.depth--;
    return parts.length === 1
      ? first
      : conditionValue(any(parts.map((one) => asCondition(one, 'a part of it is no question'))));
  }

  private both(): Value {
    const first = this.negated();
    const parts = [first];
    while (this.skip('and')) parts.push(this.negated());
    return parts.length === 1
      ? first
      : conditionValue(all(parts.map((one) => asCondition(one, 'a part of it is no question'))));
  }

  private negated(): Value {
    let times = 0;
    while (this.skip('not') || this.skip('!')) times++;
    const value = this.compared();
    if (times % 2 === 0) return value;
    return conditionValue(negation(asCondition(value, 'it negates what is no question')));
  }

  private compared(): Value {
    const left = this.operand();
    const operator = this.tokens[this.at]?.text;
    if (operator === undefined || !OPERATORS.includes(operator)) return left;
    this.at++;
    if (operator === '=') this.skip('=');
    if (operator === '~=' || operator === '~~') {
      const pattern = this.take();
      const subject = asData(left);
      const of: Data = operator === '~~' ? { kind: 'lower', of: subject } : subject;
      return conditionValue({ kind: 'matches', of, pattern: pattern.text });
    }
    const same = sameness(left, this.operand());
    return conditionValue(operator === '!=' ? negation(same) : same);
  }

  private operand(): Value {
    const token = this.take();
    if (token.kind === 'text') return dataValue({ kind: 'octets', octets: token.octets! });
    if (token.text === '(') {
      const inner = this.either();
      this.expect(')');
      return inner;
    }
    if (token.kind === 'sign')
      throw new ConvertError(token.place, `"${token.text}" does not belong here`);
    return this.word(token);
  }

  private word(token: Token): Value {
    const word = token.text.toLowerCase();
    switch (word) {
      case 'option':
      case 'config-option': {
        const name = this.take().text;
        return dataValue(dataOfOption(this.spaces.find(name), name));
      }
      case 'exists':
        return this.exists();
      case 'hardware':
        return dataValue({ kind: 'typedHardware' });
      case 'known':
      case 'static': {
        const what = `whether a client is ${word} is not a question that classes can ask`;
        return conditionValue({ kind: 'unknown', what });
      }
      case 'true':
      case 'false':
        return conditionValue({ kind: 'constant', value: word === 'true' });
    }
    if (this.tokens[this.at]?.text === '(') return this.call(word);
    if (octetsOfWord(word) !== null || /^\d+$/.test(word)) {
      return { kind: 'number', value: Number(word), word };
    }
    return dataValue(unknown(`${token.text} is not known here`));
  }

  private exists(): Value {
    const name = this.take().text;
    const option = this.spaces.find(name);
    if (option?.space === DHCP) return conditionValue({ kind: 'sent', code: option.code });
    if (option?.space === AGENT_SPACE) {
      return conditionValue({ kind: 'sentByRelay', code: option.code });
    }
    if (name.toLowerCase() === AGENT_SPACE) return conditionValue({ kind: 'sent', code: 82 });
    return conditionValue({ kind: 'unknown', what: `option ${name} is not known` });
  }

  private call(name: string): Value {
    this.expect('(');
    const given: Value[] = [];
    while (!this.skip(')')) {
      if (given.length > 0) this.expect(',');
      given.push(this.either());
    }
    return called(name, given);
  }

  private take(): Token {
    const token = this.tokens[this.at];
    if (token === undefined) throw new ConvertError(this.here(), 'the expression ends too early');
    this.at++;
    return token;
  }

  private skip(text: string): boolean {
    const token = this.tokens[this.at];
    if (token === undefined || token.kind === 'text' || token.text.toLowerCase() !== text)
      return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (this.skip(text)) return;
    const place = this.tokens[this.at]?.place ?? this.here();
    throw new ConvertError(place, `"${text}" is missing in the expression`);
  }

  private here(): Place {
    return this.tokens[this.at - 1]?.place ?? this.place;
  }
}

function dataValue(data: Data): Value {
  return { kind: 'data', data };
}

function conditionValue(condition: Condition): Value {
  return { kind: 'condition', condition };
}

function called(name: string, given: readonly Value[]): Value {
  const [first, second, third, fourth] = given;
  const of = first === undefined ? unknown(`${name} of nothing`) : asData(first);
  const number = (value: Value | undefined): number =>
    value?.kind === 'number' ? value.value : -1;
  switch (name) {
    case 'substring': {
      const from = number(second);
      const length = number(third);
      if (from < 0 || length < 0) break;
      return dataValue({ kind: 'slice', of, from, length });
    }
    case 'suffix': {
      const length = number(second);
      return length <= 0
        ? dataValue(unknown('suffix'))
        : dataValue({ kind: 'slice', of, from: -length, length });
    }
    case 'lcase':
      return dataValue({ kind: 'lower', of });
    case 'concat':
      return dataValue(concatenated(given));
    case 'pick-first-value':
      return { kind: 'first', of: given };
    case 'extract-int':
      return { kind: 'integer', of, width: number(second) / 8 };
    case 'binary-to-ascii': {
      const separator = third === undefined ? unknown('') : asData(third);
      if (separator.kind !== 'octets' || fourth === undefined) break;
      const text = new TextDecoder().decode(separator.octets);
      return {
        kind: 'ascii',
        of: asData(fourth),
        base: number(first),
        width: number(second),
        separator: text,
      };
    }
  }
  return dataValue(unknown(`${name}() is not known here`));
}

function concatenated(given: readonly Value[]): Data {
  const parts = given.map(asData);
  const octets = parts.flatMap((part) => (part.kind === 'octets' ? [part.octets] : []));
  if (octets.length < parts.length)
    return unknown('concat() of what clients send is not known here');
  return { kind: 'octets', octets: joined(octets) };
}

function sameness(left: Value, right: Value): Condition {
  const reversed = left.kind === 'number' || (left.kind === 'data' && left.data.kind === 'octets');
  const [subject, literal] = reversed ? [right, left] : [left, right];
  if (subject.kind === 'first') return sameAsFirst(subject.of, literal);
  if (subject.kind === 'integer' && literal.kind === 'number') {
    const { of, width } = subject;
    if (![1, 2, 4].includes(width)) return { kind: 'unknown', what: 'extract-int() of odd width' };
    const octets = Uint8Array.from({ length: width }, (_, i) =>
      Math.floor(Number(literal.word) / 256 ** (width - 1 - i)),
    );
    return equal({ kind: 'slice', of, from: 0, length: width }, { kind: 'octets', octets });
  }
  const value = asData(literal);
  if (subject.kind === 'ascii' && value.kind === 'octets') {
    const text = new TextDecoder().decode(value.octets);
    const octets = fromAscii(text, subject);
    return octets === null ? NEVER : equal(subject.of, { kind: 'octets', octets });
  }
  return equal(asData(subject), value);
}

function sameAsFirst(of: readonly Value[], literal: Value): Condition {
  const before: Condition[] = [];
  const ways: Condition[] = [];
  for (const value of of) {
    ways.push(all([...before.map(negation), sameness(value, literal)]));
    before.push(wasSent(asData(value)));
  }
  return any(ways);
}

function wasSent(data: Data): Condition {
  switch (data.kind) {
    case 'option':
      return { kind: 'sent', code: data.code };
    case 'relay':
      return { kind: 'sentByRelay', code: data.code };
    case 'hardware':
    case 'typedHardware':
      return ALWAYS;
    default:
      return { kind: 'unknown', what: 'whether that was sent cannot be asked' };
  }
}

function fromAscii(
  text: string,
  { base, width, separator }: Extract<Value, { kind: 'ascii' }>,
): Uint8Array | null {
  const size = width / 8;
  if (![1, 2, 4].includes(size) || base < 2 || base > 36 || separator === '') return null;
  const octets: number[] = [];
  for (const digits of text.split(separator)) {
    const value = Number.parseInt(digits, base);
    if (!(value >= 0 && value < 256 ** size)) return null;
    for (let i = size - 1; i >= 0; i--) octets.push(Math.floor(value / 256 ** i) & 0xff);
  }
  return Uint8Array.from(octets);
}
