import { OPTION, optionByCode } from '../../../codec/v4/options.ts';
import { codeOfName } from '../optionnames.ts';
import { type FieldType, type Format, formatOf } from '../values.ts';
import type { Token } from './lexer.ts';
import { isSign } from './statements.ts';

/** An option as a file knows it. */
export interface KnownOption {
  /** `dhcp` is that of the options themselves; others go into one of them. */
  readonly space: string;
  readonly name: string;
  readonly code: number;
  readonly format: Format;
  /** The space whose options this one holds. */
  readonly encapsulates: string | null;
}

/** Sub-options of option 82 by their names. */
const AGENT = new Map([
  ['circuit-id', 1],
  ['remote-id', 2],
  ['agent-id', 3],
  ['docsis-device-class', 4],
  ['link-selection', 5],
  ['subscriber-id', 6],
  ['relay-port', 19],
]);

const OCTETS: Format = { fields: ['octets'], repeat: 'no' };
export const DHCP = 'dhcp';
export const AGENT_SPACE = 'agent';

/** The options of a file: dhcpd's own, and those that it defines. */
export class Spaces {
  private readonly defined = new Map<string, KnownOption>();
  /** Octets that a code and a length take. */
  private readonly widths = new Map<string, readonly [number, number]>();

  /** `option space NAME code width N length width N`: false when it cannot be followed. */
  declare(tokens: readonly Token[]): boolean {
    const words = tokens.map(({ text }) => text.toLowerCase());
    const name = words[2];
    if (name === undefined) return false;
    const width = (what: string): number => {
      const at = words.indexOf(what);
      return at < 0 ? 1 : Number(words[at + 2]);
    };
    const widths = [width('code'), width('length')] as const;
    this.widths.set(name, widths);
    return widths.every((octets) => [0, 1, 2, 4].includes(octets));
  }

  isSpace(name: string): boolean {
    return this.widths.has(name);
  }

  /** Defines `option NAME code N = TYPE`; returns why it cannot be. */
  define(tokens: readonly Token[]): string | null {
    const name = tokens[1]?.text.toLowerCase() ?? '';
    const code = Number(tokens[3]?.text);
    const max = name.includes('.') ? 0xffffffff : 254;
    if (!(Number.isInteger(code) && code >= 0 && code <= max))
      return `"${tokens[3]?.text}" is no code`;
    if (!isSign(tokens[4], '=')) return 'its type is missing';
    const type = parseType(tokens.slice(5));
    if (type === null) return 'its type is not known here';
    const [space, own] = splitName(name);
    this.defined.set(`${space}.${own}`, { space, name: own, code, ...type });
    return null;
  }

  /** The options that hold those of another space. */
  holders(): KnownOption[] {
    return [...this.defined.values()].filter(
      ({ space, encapsulates }) => space === DHCP && encapsulates !== null,
    );
  }

  /** The option of a name such as `routers` or `space.name`, or null. */
  find(written: string): KnownOption | null {
    const [space, name] = splitName(written.toLowerCase());
    const defined = this.defined.get(`${space}.${name}`);
    if (defined !== undefined) return defined;
    const numbered = /^(?:unknown|option)-(\d{1,3})$/.exec(name);
    const code = space === AGENT_SPACE ? AGENT.get(name) : (numberOf(numbered) ?? codeOfName(name));
    if (code === undefined || code === null) return null;
    if (space === AGENT_SPACE) return { space, name, code, format: OCTETS, encapsulates: null };
    if (space !== DHCP || code === 0 || code > 254)
      return numbered === null ? null : other(space, name, code);
    return { space, name, code, format: formatIn(code), encapsulates: null };
  }

  /** The options of a space, one after the other, as they go into the option that holds them. */
  encapsulate(space: string, options: ReadonlyMap<number, Uint8Array>): Uint8Array {
    const [codeWidth, lengthWidth] = this.widths.get(space) ?? [1, 1];
    const parts: number[] = [];
    for (const [code, data] of [...options].sort(([a], [b]) => a - b)) {
      parts.push(...bigEndian(code, codeWidth), ...bigEndian(data.length, lengthWidth), ...data);
    }
    return Uint8Array.from(parts);
  }
}

function numberOf(match: RegExpExecArray | null): number | undefined {
  return match === null ? undefined : Number(match[1]);
}

function other(space: string, name: string, code: number): KnownOption {
  return { space, name, code, format: OCTETS, encapsulates: null };
}

function splitName(name: string): [string, string] {
  const [first, ...rest] = name.split('.');
  return rest.length === 0 ? [DHCP, first!] : [first!, rest.join('.')];
}

// dhcpd takes as text or octets what the new server knows more of.
function formatIn(code: number): Format {
  if (code === OPTION.userClass || code === OPTION.vendorSpecific) return OCTETS;
  return optionByCode(code).kind.name === 'domain'
    ? { fields: ['domain'], repeat: 'no' }
    : formatOf(code);
}

function bigEndian(value: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 0xff);
}

type ParsedType = Pick<KnownOption, 'format' | 'encapsulates'>;

function parseType(tokens: readonly Token[]): ParsedType | null {
  const words = tokens.map(({ text }) => text.toLowerCase());
  if (words[0] === 'encapsulate') {
    const space = words[1];
    return space === undefined ? null : { format: OCTETS, encapsulates: space };
  }
  const isArray = words[0] === 'array';
  if (isArray && words[1] !== 'of') return null;
  const rest = isArray ? words.slice(2) : words;
  const fields = rest[0] === '{' ? parseRecord(rest.slice(1)) : parseFields(rest.join(' '));
  if (fields === null) return null;
  const repeat = isArray || words[0] === 'domain-list' ? 'all' : 'no';
  return { format: { fields, repeat }, encapsulates: null };
}

function parseRecord(words: readonly string[]): FieldType[] | null {
  const inner = words.at(-1) === '}' ? words.slice(0, -1) : words;
  const fields: FieldType[] = [];
  for (const part of inner.join(' ').split(',')) {
    const parsed = parseFields(part.trim());
    if (parsed === null) return null;
    fields.push(...parsed);
  }
  return fields;
}

const TYPES: { readonly [words: string]: FieldType } = {
  boolean: 'bool',
  'integer 8': 'i8',
  'integer 16': 'i16',
  'integer 32': 'i32',
  'signed integer 8': 'i8',
  'signed integer 16': 'i16',
  'signed integer 32': 'i32',
  'unsigned integer 8': 'u8',
  'unsigned integer 16': 'u16',
  'unsigned integer 32': 'u32',
  'ip-address': 'address',
  'ip6-address': 'address6',
  text: 'text',
  string: 'octets',
  'domain-name': 'domain',
  'domain-list': 'domain',
  'domain-list compressed': 'domain',
};

function parseFields(words: string): FieldType[] | null {
  const type = Object.hasOwn(TYPES, words) ? TYPES[words] : undefined;
  return type === undefined ? null : [type];
}
