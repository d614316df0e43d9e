import { printDuid } from '../duid.ts';
import { formatHardwareAddress, unhex } from '../hardware.ts';
import { objectSchema, prefixed, recordFromYaml } from './compound.ts';
import {
  copyOf,
  type FromYaml,
  fromUtf8,
  isFault,
  joined,
  type Kind,
  refuse,
  utf8,
} from './kind.ts';
import { bool, octets, printOctets, text, u8, u32 } from './kinds.ts';
import { encodeName, formatName, parseName, readName } from './names.ts';

/** Who a client says it is (option 61, RFC 2132 §9.14). */
export type ClientIdentifier =
  | { readonly form: 'hardware'; readonly htype: number; readonly address: Uint8Array }
  /** RFC 4361 §6.1. */
  | { readonly form: 'duid'; readonly iaid: number; readonly duid: Uint8Array }
  | { readonly form: 'opaque'; readonly octets: Uint8Array };

/** The type octet of an identifier that consists of an IAID and a DUID (RFC 4361 §6.1). */
const NODE_SPECIFIC = 255;
/** Octets of the addresses that occur as identifiers, by hardware type; IPoIB must use a DUID (RFC 4390 §2.1). */
const ADDRESS_LENGTH = new Map([
  [1, 6],
  [6, 6],
  [24, 8],
  [27, 8],
]);

/** Option 61. */
export const clientIdentifier: Kind<ClientIdentifier> = {
  name: 'clientIdentifier',
  size: null,
  example: '01:02:00:00:00:00:0a',
  schema: { type: 'string', minLength: 1, description: 'Octets as 01:02:0a or 0x01020a, or text.' },
  decode: (bytes) => {
    // RFC 2132 §9.14: the minimum length is 2.
    if (bytes.length < 2) return null;
    const htype = bytes[0]!;
    // An IAID of four octets and a DUID of at least a type and an octet.
    if (htype === NODE_SPECIFIC && bytes.length >= 8)
      return { form: 'duid', iaid: u32.decode(bytes.subarray(1, 5))!, duid: copyOf(bytes, 5) };
    if (ADDRESS_LENGTH.get(htype) === bytes.length - 1)
      return { form: 'hardware', htype, address: copyOf(bytes, 1) };
    return { form: 'opaque', octets: copyOf(bytes) };
  },
  encode: (value) => {
    switch (value.form) {
      case 'hardware':
        return joined([u8.encode(value.htype), value.address]);
      case 'duid':
        return joined([u8.encode(NODE_SPECIFIC), u32.encode(value.iaid), value.duid]);
      case 'opaque':
        return copyOf(value.octets);
    }
  },
  print: (value) => {
    switch (value.form) {
      case 'hardware':
        return `${value.htype === 1 ? '' : `${value.htype}/`}${formatHardwareAddress(value.address)}`;
      case 'duid':
        return `iaid 0x${value.iaid.toString(16).padStart(8, '0')} ${printDuid(value.duid)}`;
      case 'opaque':
        return printOctets(value.octets);
    }
  },
  fromYaml: (yaml) => {
    const colons = typeof yaml === 'string' && /^[\da-f]{2}(:[\da-f]{2})+$/i.test(yaml);
    const bytes = colons ? { value: unhex(yaml)! } : octets.fromYaml(yaml);
    if (isFault(bytes)) return bytes;
    const value = clientIdentifier.decode(bytes.value);
    return value === null ? refuse(yaml, 'at least two octets') : { value };
  },
};

/** Option 77 as RFC 3004 has it, or bare: the text alone, without length octets, as iPXE and others send it. */
export interface UserClass {
  readonly bare: boolean;
  /** Exactly one when bare. */
  readonly classes: readonly Uint8Array[];
}

const classes = prefixed('classes', 1, octets);

/** Option 77; what does not read as RFC 3004 wants it is taken as bare. */
export const userClass: Kind<UserClass> = {
  name: 'userClass',
  size: null,
  example: ['iPXE'],
  schema: { type: 'array', minItems: 1, items: octets.schema },
  decode: (bytes) => {
    if (bytes.length === 0) return null;
    const found = classes.decode(bytes);
    // RFC 3004 §4: a class has at least one octet.
    if (found === null || found.some((one) => one.length === 0))
      return { bare: true, classes: [copyOf(bytes)] };
    return { bare: false, classes: found };
  },
  encode: (value) => (value.bare ? copyOf(value.classes[0]!) : classes.encode(value.classes)),
  print: (value) => value.classes.map(printOctets).join(','),
  fromYaml: (yaml) => {
    const result = classes.fromYaml(yaml);
    if (isFault(result)) return result;
    const empty = result.value.findIndex((one) => one.length === 0);
    if (empty >= 0) return { path: `[${empty}]`, message: 'is empty: leave it out' };
    return { value: { bare: false, classes: result.value } };
  },
};

/** The client's name and who puts it into the DNS (option 81, RFC 4702 §2). */
export interface ClientFqdn {
  /** S: the server updates the A record. */
  readonly server: boolean;
  /** O: the server has overridden the client's S. */
  readonly overridden: boolean;
  /** N: the server updates nothing. */
  readonly noUpdate: boolean;
  /** E: the name is in DNS wire format; otherwise in the deprecated ASCII one. */
  readonly wire: boolean;
  readonly rcode1: number;
  readonly rcode2: number;
  /** In wire format a dot at the end tells a fully qualified name from a partial one; may be empty. */
  readonly name: string;
}

const FQDN_FIELDS = { name: text, server: bool, overridden: bool, noUpdate: bool, wire: bool };
const FQDN_DEFAULTS = { server: true, overridden: false, noUpdate: false, wire: true };

/** Option 81. */
export const fqdn: Kind<ClientFqdn> = {
  name: 'fqdn',
  size: null,
  example: { name: 'printer.example.org.' },
  schema: objectSchema(FQDN_FIELDS, Object.keys(FQDN_DEFAULTS)),
  decode: (bytes) => {
    if (bytes.length < 3) return null;
    const flags = bytes[0]!;
    const wire = (flags & 4) !== 0;
    const name = wire ? wireName(bytes.subarray(3)) : fromUtf8(bytes.subarray(3));
    if (name === null) return null;
    return {
      server: (flags & 1) !== 0,
      overridden: (flags & 2) !== 0,
      wire,
      noUpdate: (flags & 8) !== 0,
      rcode1: bytes[1]!,
      rcode2: bytes[2]!,
      name,
    };
  },
  encode: (value) => {
    const flags =
      (value.server ? 1 : 0) |
      (value.overridden ? 2 : 0) |
      (value.wire ? 4 : 0) |
      (value.noUpdate ? 8 : 0);
    const name = value.wire ? encodeWireName(value.name) : utf8(value.name);
    return joined([Uint8Array.of(flags, value.rcode1, value.rcode2), name]);
  },
  print: (value) => {
    const flags = `${value.server ? 'S' : ''}${value.overridden ? 'O' : ''}${value.noUpdate ? 'N' : ''}`;
    return text.print(value.name) + (flags === '' ? '' : ` ${flags}`);
  },
  fromYaml: fqdnFromYaml,
};

function fqdnFromYaml(yaml: unknown): FromYaml<ClientFqdn> {
  const result = recordFromYaml(yaml, FQDN_FIELDS, FQDN_DEFAULTS);
  if (isFault(result)) return result;
  const labels = parseName(result.value.name);
  if (labels === null)
    return { path: '.name', message: 'is not a host name such as printer or printer.example.org.' };
  const dot = labels.length > 0 && /(?<!\\)\.$/.test(result.value.name) ? '.' : '';
  const name = result.value.wire ? formatName(labels) + dot : result.value.name;
  // RFC 4702 §2.2: both RCODE fields are deprecated; 255 in what a server sends.
  return { value: { ...result.value, name, rcode1: 255, rcode2: 255 } };
}

function wireName(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return '';
  const name = readName(bytes, 0);
  if (name === null || name.end !== bytes.length) return null;
  const dot = name.terminated && name.labels.length > 0 ? '.' : '';
  return formatName(name.labels) + dot;
}

function encodeWireName(name: string): Uint8Array {
  if (name === '') return new Uint8Array();
  const bytes = encodeName(parseName(name)!);
  return /(?<!\\)\.$/.test(name) ? bytes : bytes.subarray(0, -1);
}
