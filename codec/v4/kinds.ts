import { hex as toHex, unhex } from '../hardware.ts';
import { formatIpv4, type Ipv4, parseIpv4, readIpv4, writeIpv4 } from '../ipv4.ts';
import { formatIpv6, parseIpv6 } from '../ipv6.ts';
import { INFINITE } from './header.ts';
import {
  copyOf,
  type FromYaml,
  fromUtf8,
  isFault,
  type Kind,
  quote,
  refuse,
  utf8,
  within,
} from './kind.ts';

/** An unsigned integer of one octet. */
export const u8 = integer('u8', 1, 0, 0xff);
/** An unsigned integer of two octets. */
export const u16 = integer('u16', 2, 0, 0xffff);
/** An unsigned integer of four octets. */
export const u32 = integer('u32', 4, 0, 0xffffffff);
/** A signed integer of four octets, such as the offset from UTC (RFC 2132 §3.4). */
export const i32 = integer('i32', 4, -0x80000000, 0x7fffffff);

/** 0 or 1 in one octet. */
export const bool: Kind<boolean> = {
  name: 'bool',
  size: 1,
  example: true,
  schema: { type: 'boolean' },
  decode: (bytes) => (bytes.length === 1 && bytes[0]! <= 1 ? bytes[0] === 1 : null),
  encode: (value) => Uint8Array.of(value ? 1 : 0),
  print: String,
  fromYaml: (yaml) =>
    typeof yaml === 'boolean' ? { value: yaml } : refuse(yaml, 'true or false (without quotes)'),
};

/** No data: the option says all by being there (RFC 4039 §4). */
export const flag: Kind<true> = {
  name: 'flag',
  size: 0,
  example: true,
  schema: { type: 'boolean' },
  decode: (bytes) => (bytes.length === 0 ? true : null),
  encode: () => new Uint8Array(),
  print: () => 'yes',
  fromYaml: (yaml) =>
    yaml === true ? { value: true } : refuse(yaml, 'true (leave the option out instead)'),
};

/** A time span of up to 2³² - 2 seconds, or for ever. */
export const seconds: Kind<number> = {
  name: 'seconds',
  size: 4,
  example: '8h',
  schema: {
    'x-kubernetes-int-or-string': true,
    description: 'Seconds, a duration such as 1h30m, or infinite.',
  },
  decode: (bytes) => u32.decode(bytes),
  encode: (value) => u32.encode(value),
  print: printSeconds,
  fromYaml: (yaml) => {
    const value = yaml === 'infinite' ? INFINITE : secondsOf(yaml);
    return Number.isInteger(value) && value >= 0 && value <= INFINITE
      ? { value }
      : refuse(yaml, 'a number of seconds, a duration such as 8h or 1h30m, or infinite');
  },
};

/** An IPv4 address. */
export const ipv4: Kind<Ipv4> = {
  name: 'ipv4',
  size: 4,
  example: '192.0.2.1',
  schema: { type: 'string', format: 'ipv4' },
  decode: (bytes) => (bytes.length === 4 ? readIpv4(bytes, 0) : null),
  encode: (value) => {
    const bytes = new Uint8Array(4);
    writeIpv4(bytes, 0, value);
    return bytes;
  },
  print: formatIpv4,
  fromYaml: (yaml) => {
    const value = typeof yaml === 'string' ? parseIpv4(yaml) : null;
    return value === null ? refuse(yaml, 'an IPv4 address such as 192.0.2.1') : { value };
  },
};

/** An IPv6 address, as its 16 octets. */
export const ipv6: Kind<Uint8Array> = {
  name: 'ipv6',
  size: 16,
  example: '2001:db8::1',
  schema: { type: 'string', format: 'ipv6' },
  decode: (bytes) => (bytes.length === 16 ? copyOf(bytes) : null),
  encode: (value) => copyOf(value),
  print: formatIpv6,
  fromYaml: (yaml) => {
    const value = typeof yaml === 'string' ? parseIpv6(yaml) : null;
    return value === null ? refuse(yaml, 'an IPv6 address such as 2001:db8::1') : { value };
  },
};

/** Text: NVT ASCII in the RFCs, UTF-8 in the world; trailing NULs are dropped (RFC 2132 §2). */
export const text = textOf(1);
/** Text that may be empty. */
export const anyText = textOf(0);

function textOf(minLength: 0 | 1): Kind<string> {
  return {
    name: minLength === 0 ? 'anyText' : 'text',
    size: null,
    example: 'example',
    schema: { type: 'string', minLength },
    decode: (bytes) => {
      let end = bytes.length;
      while (end > 0 && bytes[end - 1] === 0) end--;
      return end < minLength ? null : fromUtf8(bytes.subarray(0, end));
    },
    encode: utf8,
    print: quote,
    fromYaml: (yaml) =>
      typeof yaml === 'string' && yaml.length >= minLength && !yaml.includes('\0')
        ? { value: yaml }
        : refuse(yaml, 'a text of at least one character (quote what YAML takes for a number)'),
  };
}

/** Octets that nobody reads as text. */
export const hex = hexOf(null);

/** Exactly `size` octets, or any number for null. */
export function hexOf(size: number | null): Kind<Uint8Array> {
  const remedy =
    size === null
      ? 'hex digits in pairs such as 0104c0000201 or 01:04'
      : `${size} octets in hex, two digits each`;
  return {
    name: size === null ? 'hex' : `hex${size}`,
    size,
    example: size === null ? '0104c0000201' : '00'.repeat(size),
    schema: { type: 'string', pattern: '^(0x)?([0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2})*)?$' },
    decode: (bytes) => (size === null || bytes.length === size ? copyOf(bytes) : null),
    encode: (value) => copyOf(value),
    print: (value) => `0x${toHex(value)}`,
    fromYaml: (yaml) => {
      const value = typeof yaml === 'string' ? unhex(yaml.replace(/^0x/, '')) : null;
      if (value === null || (size !== null && value.length !== size)) return refuse(yaml, remedy);
      return { value };
    },
  };
}

/** Octets that are often text: printed as text when all of them are, written as text or as `0x` and hex. */
export const octets: Kind<Uint8Array> = {
  name: 'octets',
  size: null,
  example: 'rack-7',
  schema: { type: 'string', description: 'Text, or 0x and the octets in hex.' },
  decode: (bytes) => copyOf(bytes),
  encode: (value) => copyOf(value),
  print: printOctets,
  fromYaml: (yaml) => {
    if (typeof yaml !== 'string') return refuse(yaml, 'a text, or octets in hex such as 0x0104');
    if (!yaml.startsWith('0x')) return { value: utf8(yaml) };
    const value = unhex(yaml.slice(2));
    return value === null
      ? refuse(yaml, 'octets in hex: after 0x, digits come in pairs')
      : { value };
  },
};

/** `"eth0"` for printable ASCII, `0x0104` for all else. */
export function printOctets(bytes: Uint8Array): string {
  const printable = bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? quote(fromUtf8(bytes)!) : `0x${toHex(bytes)}`;
}

/** An integer whose values have names; the others print as numbers. YAML takes either. */
export function named(base: Kind<number>, names: ReadonlyMap<number, string>): Kind<number> {
  const codes = new Map([...names].map(([code, name]) => [name, code]));
  const known = [...codes.keys()];
  return {
    name: `named ${base.name}`,
    size: base.size,
    example: known[0],
    schema: {
      'x-kubernetes-int-or-string': true,
      description: `A number or one of ${known.join(', ')}.`,
    },
    decode: (bytes) => base.decode(bytes),
    encode: (value) => base.encode(value),
    print: (value) => names.get(value) ?? base.print(value),
    fromYaml: (yaml) => {
      const code = typeof yaml === 'string' ? codes.get(yaml) : undefined;
      if (code !== undefined) return { value: code };
      const number = base.fromYaml(yaml);
      return isFault(number) ? refuse(yaml, `a number or one of ${known.join(', ')}`) : number;
    },
  };
}

/** One or more values of a kind whose values all have the same size. */
export function list<T>(item: Kind<T>): Kind<readonly T[]> {
  const size = item.size!;
  return {
    name: `${item.name} list`,
    size: null,
    example: [item.example],
    schema: { type: 'array', minItems: 1, items: item.schema },
    decode: (bytes) => {
      if (bytes.length === 0 || bytes.length % size !== 0) return null;
      const values: T[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const value = item.decode(bytes.subarray(at, at + size));
        if (value === null) return null;
        values.push(value);
      }
      return values;
    },
    encode: (values) => {
      const bytes = new Uint8Array(values.length * size);
      values.forEach((value, i) => {
        bytes.set(item.encode(value), i * size);
      });
      return bytes;
    },
    print: (values) => values.map((value) => item.print(value)).join(','),
    fromYaml: (yaml) => listFromYaml(yaml, item),
  };
}

/** Reads a YAML sequence of at least one item. */
export function listFromYaml<T>(yaml: unknown, item: Kind<T>): FromYaml<readonly T[]> {
  if (!Array.isArray(yaml) || yaml.length === 0)
    return refuse(yaml, `a list of at least one item such as ${JSON.stringify([item.example])}`);
  const values: T[] = [];
  for (const [i, entry] of yaml.entries()) {
    const result = item.fromYaml(entry);
    if (isFault(result)) return within(`[${i}]`, result);
    values.push(result.value);
  }
  return { value: values };
}

/** One or more IPv4 addresses, the preferred one first. */
export const ipv4List = { ...list(ipv4), name: 'ipv4List' };
/** One or more integers of one octet. */
export const u8List = { ...list(u8), name: 'u8List' };
/** One or more integers of two octets. */
export const u16List = { ...list(u16), name: 'u16List' };

function integer(name: string, size: 1 | 2 | 4, minimum: number, maximum: number): Kind<number> {
  return {
    name,
    size,
    example: 64,
    schema: { type: 'integer', minimum, maximum },
    decode: (bytes) => {
      if (bytes.length !== size) return null;
      let value = 0;
      for (const byte of bytes) value = value * 256 + byte;
      return value > maximum ? value - 0x100000000 : value;
    },
    encode: (value) =>
      Uint8Array.from({ length: size }, (_, i) => (value >>> (8 * (size - 1 - i))) & 0xff),
    print: String,
    fromYaml: (yaml) =>
      typeof yaml === 'number' && Number.isInteger(yaml) && yaml >= minimum && yaml <= maximum
        ? { value: yaml }
        : refuse(yaml, `a whole number from ${minimum} to ${maximum}`),
  };
}

const UNITS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

function secondsOf(yaml: unknown): number {
  if (typeof yaml === 'number') return yaml;
  if (typeof yaml !== 'string' || !/^(\d+[dhms])+$/.test(yaml)) return Number.NaN;
  let sum = 0;
  for (const [, count, unit] of yaml.matchAll(/(\d+)([dhms])/g))
    sum += Number(count) * UNITS[unit as keyof typeof UNITS];
  return sum;
}

function printSeconds(value: number): string {
  if (value === INFINITE) return 'infinite';
  if (value === 0) return '0s';
  let rest = value;
  let printed = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    if (count > 0) printed += count + unit;
    rest -= count * size;
  }
  return printed;
}
