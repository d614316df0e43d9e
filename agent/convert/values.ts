import { unhex } from '../../codec/hardware.ts';
import { maskOf, parseIpv4, parsePrefix, writeIpv4 } from '../../codec/ipv4.ts';
import { parseIpv6 } from '../../codec/ipv6.ts';
import { joined, utf8 } from '../../codec/v4/kind.ts';
import { domainList, encodeName, parseName, plainDomainList } from '../../codec/v4/names.ts';
import { optionByCode } from '../../codec/v4/options.ts';

/** What one field of an option holds, in the words that all the other servers have in common. */
export type FieldType =
  | 'address'
  | 'address6'
  | 'bool'
  | 'domain'
  | 'empty'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'octets'
  | 'prefix'
  | 'text'
  | 'u8'
  | 'u16'
  | 'u32';

/** The fields of an option, and whether all of them, or the last, may come again and again. */
export interface Format {
  readonly fields: readonly FieldType[];
  readonly repeat: 'no' | 'all' | 'last';
}

/** A value as it was written: in quotes or as octets, or a bare word. */
export type Written = { readonly octets: Uint8Array } | { readonly word: string };

/** Octets, or what is wrong with what was written. */
export type Encoded = Uint8Array | { readonly fault: string };

/** Whether something could not be encoded. */
export function isUnencodable(encoded: Encoded): encoded is { readonly fault: string } {
  return 'fault' in encoded;
}

const FORMATS: { readonly [kind: string]: Format } = {
  ipv4: single('address'),
  ipv4List: { fields: ['address'], repeat: 'all' },
  ipv6: single('address6'),
  text: single('text'),
  anyText: single('text'),
  bool: single('bool'),
  flag: single('empty'),
  u8: single('u8'),
  'named u8': single('u8'),
  messageType: single('u8'),
  u16: single('u16'),
  u32: single('u32'),
  i32: single('i32'),
  seconds: single('u32'),
  u8List: { fields: ['u8'], repeat: 'all' },
  u16List: { fields: ['u16'], repeat: 'all' },
  architectures: { fields: ['u16'], repeat: 'all' },
  optionCodes: { fields: ['u8'], repeat: 'all' },
  addressMasks: { fields: ['address', 'address'], repeat: 'all' },
  hostRoutes: { fields: ['address', 'address'], repeat: 'all' },
  networkInterface: { fields: ['u8', 'u8', 'u8'], repeat: 'no' },
  directoryAgents: { fields: ['bool', 'address'], repeat: 'last' },
  serviceScope: { fields: ['bool', 'text'], repeat: 'no' },
  portParameters: { fields: ['u8', 'u8', 'u16'], repeat: 'no' },
  domain: single('domain'),
  domainList: { fields: ['domain'], repeat: 'all' },
  plainDomainList: { fields: ['domain'], repeat: 'all' },
};

/** What the option of this code holds; octets where nothing simpler is true. */
export function formatOf(code: number): Format {
  return FORMATS[optionByCode(code).kind.name] ?? single('octets');
}

/** One field. */
export function single(type: FieldType): Format {
  return { fields: [type], repeat: 'no' };
}

/** The octets of an option's data from what was written, field by field. */
export function encodeValues(format: Format, written: readonly Written[], code?: number): Encoded {
  const { fields, repeat } = format;
  if (fields[0] === 'domain' && fields.length === 1) return encodeDomains(written, repeat, code);
  if (fields[0] === 'empty')
    return written.length === 0 ? new Uint8Array() : { fault: 'takes no value' };
  const complete =
    repeat === 'no'
      ? written.length === fields.length
      : repeat === 'last'
        ? written.length >= fields.length
        : written.length > 0 && written.length % fields.length === 0;
  if (!complete) return { fault: `has ${written.length} values, not ${described(format)}` };
  const parts: Uint8Array[] = [];
  for (const [i, value] of written.entries()) {
    const at = repeat === 'last' ? Math.min(i, fields.length - 1) : i % fields.length;
    const part = encodeField(fields[at]!, value);
    if (isUnencodable(part)) return part;
    parts.push(part);
  }
  return joined(parts);
}

function described({ fields, repeat }: Format): string {
  const names = fields.join(', ');
  return repeat === 'no' ? `one of each of ${names}` : `${names}, again and again`;
}

/** The octets of one value of a type. */
export function encodeField(type: FieldType, written: Written): Encoded {
  // Octets are taken for what they are, whatever the type: that is how the other servers do it.
  if ('octets' in written) {
    return type === 'domain'
      ? encodeName1(new TextDecoder().decode(written.octets))
      : written.octets;
  }
  const { word } = written;
  switch (type) {
    case 'address':
      return encodeAddress(word);
    case 'address6':
      return parseIpv6(word) ?? { fault: `"${word}" is no IPv6 address` };
    case 'bool':
      return encodeBool(word);
    case 'domain':
      return encodeName1(word);
    case 'octets':
      return unhex(word.replace(/^0x/i, '')) ?? utf8(word);
    case 'prefix':
      return encodePrefix(word);
    case 'text':
      return utf8(word);
    case 'empty':
      return { fault: 'takes no value' };
    default:
      return encodeInteger(type, word);
  }
}

function encodeAddress(word: string): Encoded {
  const address = parseIpv4(word);
  if (address === null) return { fault: `"${word}" is no IPv4 address` };
  const octets = new Uint8Array(4);
  writeIpv4(octets, 0, address);
  return octets;
}

function encodePrefix(word: string): Encoded {
  const prefix = parsePrefix(word);
  if (prefix === null) return { fault: `"${word}" is no network` };
  const octets = new Uint8Array(5);
  octets[0] = prefix.length;
  writeIpv4(octets, 1, prefix.address);
  // RFC 3442: only the significant octets of the destination.
  return octets.subarray(0, 1 + Math.ceil(prefix.length / 8));
}

function encodeBool(word: string): Encoded {
  if (/^(on|true|1)$/i.test(word)) return Uint8Array.of(1);
  if (/^(off|false|0)$/i.test(word)) return Uint8Array.of(0);
  return { fault: `"${word}" is neither true nor false` };
}

const SIZES = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4 } as const;

function encodeInteger(type: keyof typeof SIZES, word: string): Encoded {
  const size = SIZES[type];
  const value = /^-?(\d+|0x[\da-f]+)$/i.test(word) ? Number(word.replace(/^-/, '')) : Number.NaN;
  const signed = word.startsWith('-') ? -value : value;
  const room = 2 ** (8 * size);
  const minimum = type.startsWith('i') ? -room / 2 : 0;
  // What is called signed elsewhere is written without a sign more often than not.
  if (!(signed >= minimum && signed < room)) {
    return {
      fault: `"${word}" is no ${type.startsWith('u') ? 'unsigned ' : ''}integer of ${8 * size} bits`,
    };
  }
  return Uint8Array.from({ length: size }, (_, i) => (signed >>> (8 * (size - 1 - i))) & 0xff);
}

function encodeName1(word: string): Encoded {
  const labels = parseName(word);
  return labels === null ? { fault: `"${word}" is no domain name` } : encodeName(labels);
}

function encodeDomains(written: readonly Written[], repeat: string, code?: number): Encoded {
  const names: string[] = [];
  for (const value of written) {
    const name = 'word' in value ? value.word : new TextDecoder().decode(value.octets);
    if (parseName(name) === null) return { fault: `"${name}" is no domain name` };
    names.push(name);
  }
  if (names.length === 0 || (repeat === 'no' && names.length > 1)) {
    return { fault: `has ${names.length} domain names` };
  }
  const compressed = code !== undefined && optionByCode(code).kind.name === 'domainList';
  return (compressed ? domainList : plainDomainList).encode(names);
}

/** The length of a netmask, or null when its ones are not all in front. */
export function lengthOfMask(text: string): number | null {
  const mask = parseIpv4(text);
  if (mask === null) return null;
  for (let length = 0; length <= 32; length++) if (maskOf(length) === mask) return length;
  return null;
}
