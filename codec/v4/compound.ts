import { hex } from '../hardware.ts';
import {
  copyOf,
  type FromYaml,
  isFault,
  type JsonSchema,
  joined,
  type Kind,
  refuse,
  within,
} from './kind.ts';
import { listFromYaml, octets, u8 } from './kinds.ts';

type Fields = { readonly [name: string]: Kind<unknown> };
type ValueOf<K> = K extends Kind<infer T> ? T : never;
type RecordOf<F extends Fields> = { readonly [name in keyof F]: ValueOf<F[name]> };

/** Fields one after the other; only the last may vary in size. */
export function record<F extends Fields>(name: string, fields: F): Kind<RecordOf<F>> {
  const entries = Object.entries<Kind<unknown>>(fields);
  const fixed = entries.slice(0, -1).reduce((sum, [, kind]) => sum + kind.size!, 0);
  const last = entries.at(-1)![1];
  return {
    name,
    size: last.size === null ? null : fixed + last.size,
    example: Object.fromEntries(entries.map(([field, kind]) => [field, kind.example])),
    schema: objectSchema(fields),
    decode: (bytes) => {
      if (bytes.length < fixed) return null;
      const values: [string, unknown][] = [];
      let at = 0;
      for (const [i, [field, kind]] of entries.entries()) {
        const end = i === entries.length - 1 ? bytes.length : at + kind.size!;
        const value = kind.decode(bytes.subarray(at, end));
        if (value === null) return null;
        values.push([field, value]);
        at = end;
      }
      return Object.fromEntries(values) as RecordOf<F>;
    },
    encode: (value) => joined(entries.map(([field, kind]) => kind.encode(value[field]))),
    print: (value) =>
      entries.map(([field, kind]) => `${field}=${kind.print(value[field])}`).join(' '),
    fromYaml: (yaml) => recordFromYaml(yaml, fields) as FromYaml<RecordOf<F>>,
  };
}

/** Reads a YAML mapping that has each of the fields, but for those with a default, and no other. */
export function recordFromYaml<F extends Fields>(
  yaml: unknown,
  fields: F,
  defaults: Partial<RecordOf<F>> = {},
): FromYaml<RecordOf<F>> {
  const names = Object.keys(fields);
  if (!isMapping(yaml)) return refuse(yaml, `a mapping with ${names.join(', ')}`);
  const stray = Object.keys(yaml).find((name) => !Object.hasOwn(fields, name));
  if (stray !== undefined) return refuse(stray, `one of ${names.join(', ')}`);
  const values: [string, unknown][] = [];
  for (const [name, kind] of Object.entries<Kind<unknown>>(fields)) {
    const result = Object.hasOwn(yaml, name) ? kind.fromYaml(yaml[name]) : missing(name, defaults);
    if (isFault(result)) return within(`.${name}`, result);
    values.push([name, result.value]);
  }
  return { value: Object.fromEntries(values) as RecordOf<F> };
}

function missing(name: string, defaults: { readonly [name: string]: unknown }): FromYaml<unknown> {
  return Object.hasOwn(defaults, name)
    ? { value: defaults[name] }
    : { path: '', message: `is missing: add ${name}` };
}

/** The schema of a mapping that must have each of the fields but the optional ones. */
export function objectSchema(fields: Fields, optional: readonly string[] = []): JsonSchema {
  return {
    type: 'object',
    required: Object.keys(fields).filter((name) => !optional.includes(name)),
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, kind]) => [name, kind.schema]),
    ),
  };
}

/** Whether YAML gave a mapping. */
function isMapping(yaml: unknown): yaml is Record<string, unknown> {
  return typeof yaml === 'object' && yaml !== null && !Array.isArray(yaml);
}

/** One or more values, each behind a length of `width` octets. */
export function prefixed<T>(name: string, width: 1 | 2, item: Kind<T>): Kind<readonly T[]> {
  return {
    name,
    size: null,
    example: [item.example],
    schema: { type: 'array', minItems: 1, items: item.schema },
    decode: (bytes) => {
      const values: T[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = width === 1 ? bytes[at]! : (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
        const end = at + width + length;
        if (end > bytes.length) return null;
        const value = item.decode(bytes.subarray(at + width, end));
        if (value === null) return null;
        values.push(value);
        at = end;
      }
      return values.length === 0 ? null : values;
    },
    encode: (values) =>
      joined(
        values.flatMap((value) => {
          const data = item.encode(value);
          const length = [data.length >>> 8, data.length & 0xff].slice(2 - width);
          return [Uint8Array.from(length), data];
        }),
      ),
    print: (values) => values.map((value) => item.print(value)).join(','),
    fromYaml: (yaml) => {
      const result = listFromYaml(yaml, item);
      if (isFault(result)) return result;
      const max = 256 ** width - 1;
      const long = result.value.findIndex((value) => item.encode(value).length > max);
      if (long < 0) return result;
      return { path: `[${long}]`, message: `is longer than ${max} octets: shorten it` };
    },
  };
}

/** A sub-option: an option within an option. */
export interface SubOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** Reads code-length-data triples that fill `bytes` exactly; null when they do not. */
export function parseSubOptions(bytes: Uint8Array): readonly SubOption[] | null {
  const found: SubOption[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + bytes[at + 1]!;
    if (end > bytes.length) return null;
    found.push({ code: bytes[at]!, data: copyOf(bytes, at + 2, end) });
    at = end;
  }
  return found;
}

/** The octets of sub-options, each with at most 255 octets of data. */
export function encodeSubOptions(subOptions: readonly SubOption[]): Uint8Array {
  return joined(subOptions.flatMap(({ code, data }) => [Uint8Array.of(code, data.length), data]));
}

const SUB_OPTION_FIELDS = { code: u8, data: octets };
const SUB_OPTION_EXAMPLE = [{ code: 1, data: '0xc0000201' }];

/** One sub-option as YAML writes it. */
export const subOption: Kind<SubOption> = {
  ...record('subOption', SUB_OPTION_FIELDS),
  example: SUB_OPTION_EXAMPLE[0],
  fromYaml: (yaml) => {
    const result = recordFromYaml(yaml, SUB_OPTION_FIELDS);
    return !isFault(result) && result.value.data.length > 255
      ? { path: '.data', message: 'is longer than 255 octets: shorten it' }
      : result;
  },
};

/**
 * Sub-options whose meaning nobody registered, such as vendor specific information (RFC 2132 §8.4). What does not
 * read as sub-options is kept as it is: vendors do put other things there.
 */
export const subOptions: Kind<Uint8Array> = {
  name: 'subOptions',
  size: null,
  example: SUB_OPTION_EXAMPLE,
  schema: { type: 'array', minItems: 1, items: subOption.schema },
  decode: (bytes) => (bytes.length === 0 ? null : copyOf(bytes)),
  encode: (value) => copyOf(value),
  print: (value) => {
    const found = parseSubOptions(withoutEnd(value));
    if (found === null) return `0x${hex(value)}`;
    return found.map(({ code, data }) => `${code}:${octets.print(data)}`).join(' ');
  },
  fromYaml: (yaml) => {
    const result = listFromYaml(yaml, subOption);
    return isFault(result) ? result : { value: encodeSubOptions(result.value) };
  },
};

/** RFC 2132 §8.4: encapsulated options may be closed by END and filled up with pad. */
function withoutEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end > 0 && bytes[end - 1] === 255 ? bytes.subarray(0, end - 1) : bytes;
}
