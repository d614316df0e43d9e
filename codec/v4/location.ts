import {
  encodeSubOptions,
  objectSchema,
  parseSubOptions,
  record,
  recordFromYaml,
} from './compound.ts';
import { fromUtf8, isFault, joined, type Kind, refuse, utf8 } from './kind.ts';
import { listFromYaml, text, u8 } from './kinds.ts';

/** The fields of a location by coordinates, from the first bit to the last (RFC 6225 §2.2 and §2.3). */
const FIELDS = {
  latitudeUncertainty: { bits: 6, fraction: 0, signed: false, max: 63 },
  /** Degrees north. */
  latitude: { bits: 34, fraction: 25, signed: true, max: 90 },
  longitudeUncertainty: { bits: 6, fraction: 0, signed: false, max: 63 },
  /** Degrees east. */
  longitude: { bits: 34, fraction: 25, signed: true, max: 180 },
  /** 0 unknown, 1 metres, 2 floors. */
  altitudeType: { bits: 4, fraction: 0, signed: false, max: 15 },
  altitudeUncertainty: { bits: 6, fraction: 0, signed: false, max: 63 },
  altitude: { bits: 30, fraction: 8, signed: true, max: 2 ** 21 - 1 },
  version: { bits: 2, fraction: 0, signed: false, max: 3 },
  reserved: { bits: 3, fraction: 0, signed: false, max: 7 },
  datum: { bits: 3, fraction: 0, signed: false, max: 7 },
} as const;

type Field = keyof typeof FIELDS;
const FIELD_NAMES = Object.keys(FIELDS) as Field[];
const OCTETS = 16;
const ALTITUDE_UNITS = ['', 'm', ' floors'];

/** Where the client is, by coordinates; each uncertainty (option 123: resolution) is the 6-bit field as it stands. */
export type GeoLocation = { readonly [field in Field]: number };

/** Option 123, whose version bits are 0, or 144, whose version is 1. */
export function geoLocation(name: string, version: 0 | 1): Kind<GeoLocation> {
  const kinds = Object.fromEntries(
    FIELD_NAMES.map((field) => [field, numberUpTo(FIELDS[field].max, FIELDS[field].signed)]),
  ) as { readonly [field in Field]: Kind<number> };
  const { latitude: _, longitude: __, ...optional } = { ...zeroes(), version, datum: 1 };
  return {
    name,
    size: OCTETS,
    example: { latitude: 52.5, longitude: 13.375 },
    schema: objectSchema(kinds, Object.keys(optional)),
    decode: decodeGeo,
    encode: encodeGeo,
    print: (value) => {
      const unit = ALTITUDE_UNITS[value.altitudeType] ?? '';
      const altitude = value.altitudeType === 0 ? '' : ` altitude ${value.altitude}${unit}`;
      return `${value.latitude.toFixed(6)},${value.longitude.toFixed(6)}${altitude}`;
    },
    fromYaml: (yaml) => recordFromYaml(yaml, kinds, optional),
  };
}

function zeroes(): { [field in Field]: number } {
  return Object.fromEntries(FIELD_NAMES.map((field) => [field, 0])) as { [field in Field]: number };
}

function decodeGeo(bytes: Uint8Array): GeoLocation | null {
  if (bytes.length !== OCTETS) return null;
  let rest = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const value = zeroes();
  for (const field of FIELD_NAMES.toReversed()) {
    const { bits, fraction, signed } = FIELDS[field];
    const raw = signed ? BigInt.asIntN(bits, rest) : BigInt.asUintN(bits, rest);
    value[field] = Number(raw) / 2 ** fraction;
    rest >>= BigInt(bits);
  }
  return value;
}

function encodeGeo(value: GeoLocation): Uint8Array {
  let whole = 0n;
  for (const field of FIELD_NAMES) {
    const { bits, fraction } = FIELDS[field];
    const raw = BigInt(Math.round(value[field] * 2 ** fraction));
    whole = (whole << BigInt(bits)) | BigInt.asUintN(bits, raw);
  }
  const octet = (i: number) => Number((whole >> BigInt(8 * (OCTETS - 1 - i))) & 0xffn);
  return Uint8Array.from({ length: OCTETS }, (_, i) => octet(i));
}

/** A number that is written in YAML as itself and on the wire as bits of a field. */
function numberUpTo(maximum: number, signed: boolean): Kind<number> {
  const minimum = signed ? -maximum : 0;
  const fits = (yaml: unknown) => typeof yaml === 'number' && yaml >= minimum && yaml <= maximum;
  return {
    ...u8,
    schema: { type: signed ? 'number' : 'integer', minimum, maximum },
    fromYaml: (yaml) =>
      fits(yaml) && (signed || Number.isInteger(yaml))
        ? { value: yaml as number }
        : refuse(yaml, `a ${signed ? '' : 'whole '}number from ${minimum} to ${maximum}`),
  };
}

/** One line of a civic address: its type (RFC 4776 §3.4) and its text. */
export interface CivicElement {
  readonly type: number;
  readonly value: string;
}

/** Where somebody is, as a civic address (RFC 4776 §3.1). */
export interface CivicLocation {
  /** 0 the server, 1 the network element next to the client, 2 the client. */
  readonly what: number;
  /** ISO 3166, two capital letters. */
  readonly country: string;
  readonly elements: readonly CivicElement[];
}

const country: Kind<string> = {
  ...text,
  example: 'DE',
  schema: { type: 'string', pattern: '^[A-Z]{2}$' },
  decode: (bytes) => {
    const code = text.decode(bytes);
    return code !== null && /^[A-Za-z]{2}$/.test(code) ? code : null;
  },
  fromYaml: (yaml) =>
    typeof yaml === 'string' && /^[A-Z]{2}$/.test(yaml)
      ? { value: yaml }
      : refuse(yaml, 'a country code of two capital letters such as DE'),
};

const element: Kind<CivicElement> = {
  ...record('civicElement', { type: u8, value: text }),
  example: { type: 3, value: 'Berlin' },
  fromYaml: (yaml) => {
    const result = recordFromYaml(yaml, { type: u8, value: text });
    if (isFault(result) || utf8(result.value.value).length <= 255) return result;
    return { path: '.value', message: 'is longer than 255 octets: shorten it' };
  },
};

const elements: Kind<readonly CivicElement[]> = {
  name: 'civicElements',
  size: null,
  example: [element.example],
  schema: { type: 'array', minItems: 1, items: element.schema },
  decode: (bytes) => {
    const found: CivicElement[] = [];
    for (const { code, data } of parseSubOptions(bytes) ?? []) {
      const value = fromUtf8(data);
      if (value === null) return null;
      found.push({ type: code, value });
    }
    return found.length === 0 ? null : found;
  },
  encode: (value) =>
    encodeSubOptions(value.map((one) => ({ code: one.type, data: utf8(one.value) }))),
  print: (value) => value.map((one) => `${one.type}:${text.print(one.value)}`).join(' '),
  fromYaml: (yaml) => listFromYaml(yaml, element),
};

const CIVIC_FIELDS = { what: u8, country, elements };

/** Option 99. */
export const civicLocation: Kind<CivicLocation> = {
  name: 'civicLocation',
  size: null,
  example: { what: 2, country: 'DE', elements: elements.example },
  schema: objectSchema(CIVIC_FIELDS),
  decode: (bytes) => {
    const code = country.decode(bytes.subarray(1, 3));
    const found = elements.decode(bytes.subarray(3));
    return code === null || found === null
      ? null
      : { what: bytes[0]!, country: code, elements: found };
  },
  encode: (value) =>
    joined([u8.encode(value.what), utf8(value.country), elements.encode(value.elements)]),
  print: (value) => `${value.country} ${elements.print(value.elements)}`,
  fromYaml: (yaml) => recordFromYaml(yaml, CIVIC_FIELDS),
};
