import { joined } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { codeOfName } from '../optionnames.ts';
import { type FieldType, type Format, formatOf, single } from '../values.ts';
import type { Fields } from './fields.ts';

/** An option as a file knows it. */
export interface KnownOption {
  readonly space: string;
  readonly code: number;
  /** Null: octets, whose sense is not known. */
  readonly format: Format | null;
  /** The space whose options are behind its own values. */
  readonly encapsulates: string | null;
}

export const DHCP4 = 'dhcp4';
const VENDOR_SPACE = 'vendor-encapsulated-options-space';

/** The options of a file: Kea's own, and those that it defines. */
export class Spaces {
  private readonly byName = new Map<string, KnownOption>();
  private readonly byCode = new Map<string, KnownOption>();
  private readonly outer: Spaces | null;

  /** A class may define options for itself. */
  constructor(outer: Spaces | null = null) {
    this.outer = outer;
  }

  /** Takes an entry of `option-def`; returns why it cannot. */
  define(fields: Fields): string | null {
    const name = fields.text('name') ?? '';
    const code = fields.number('code') ?? -1;
    const space = fields.text('space') ?? DHCP4;
    const type = fields.text('type') ?? '';
    const isArray = fields.boolean('array') ?? false;
    const records = (fields.text('record-types') ?? '').split(',').map((part) => part.trim());
    const encapsulates = fields.text('encapsulate') ?? null;
    if (!(Number.isInteger(code) && code >= 0 && code <= 255)) return `has no code of 0 to 255`;
    const format = formatOfTypes(type === 'record' ? records : [type], isArray);
    if (format === null) return `has a type that is not known here`;
    const known = { space, code, format, encapsulates };
    this.byName.set(`${space}.${name}`, known);
    this.byCode.set(`${space}.${code}`, known);
    return null;
  }

  find(space: string, name: string | undefined, code: number | undefined): KnownOption | null {
    const key = code === undefined ? `${space}.${name}` : `${space}.${code}`;
    const own = (code === undefined ? this.byName : this.byCode).get(key);
    if (own !== undefined) return own;
    if (this.outer !== null) return this.outer.find(space, name, code);
    if (space === DHCP4) return standard(code ?? codeOfName(name ?? ''));
    if (space === 'vendor-4491' && name === 'tftp-servers') return { ...CABLE_TFTP, space };
    return code === undefined ? null : { space, code, format: null, encapsulates: null };
  }
}

function standard(code: number | null): KnownOption | null {
  if (code === null || code < 1 || code > 254) return null;
  const encapsulates = code === OPTION.vendorSpecific ? VENDOR_SPACE : null;
  const format = OWN_FORMATS.get(code) ?? formatOf(code);
  return { space: DHCP4, code, format, encapsulates };
}

/** The one option of CableLabs that Kea knows and people use. */
const CABLE_TFTP = {
  code: 2,
  format: { fields: ['address'], repeat: 'all' },
  encapsulates: null,
} as const;

/** Options that Kea writes in fields where others have octets, or the other way round. */
const OWN_FORMATS = new Map<number, Format>([
  [OPTION.vendorSpecific, single('octets')],
  [OPTION.netwareOptions, single('octets')],
  [OPTION.userClass, single('octets')],
  [OPTION.clientMachineIdentifier, { fields: ['u8', 'octets'], repeat: 'no' }],
  [OPTION.vendorIdentifyingClass, { fields: ['u32', 'octets'], repeat: 'no' }],
  [OPTION.vendorIdentifyingOptions, single('u32')],
  [OPTION.clientFqdn, { fields: ['u8', 'u8', 'u8', 'domain'], repeat: 'no' }],
  [OPTION.rdnssSelection, { fields: ['u8', 'address', 'address', 'domain'], repeat: 'last' }],
  [OPTION.sixRd, { fields: ['u8', 'u8', 'address6', 'address'], repeat: 'last' }],
  [OPTION.autoConfigure, single('u8')],
]);

const TYPES: { readonly [type: string]: FieldType } = {
  binary: 'octets',
  boolean: 'bool',
  empty: 'empty',
  fqdn: 'domain',
  'ipv4-address': 'address',
  'ipv6-address': 'address6',
  string: 'text',
  uint8: 'u8',
  uint16: 'u16',
  uint32: 'u32',
  int8: 'i8',
  int16: 'i16',
  int32: 'i32',
};

function formatOfTypes(types: readonly string[], isArray: boolean): Format | null {
  const fields: FieldType[] = [];
  for (const type of types) {
    const field = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (field === undefined) return null;
    fields.push(field);
  }
  // Of a record that is an array, the last field comes again and again.
  const repeat = !isArray ? 'no' : fields.length === 1 ? 'all' : 'last';
  return { fields, repeat };
}

/** Options of a space, one after the other. */
export function encapsulate(options: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const sorted = [...options].sort(([a], [b]) => a - b);
  return joined(sorted.flatMap(([code, data]) => [Uint8Array.of(code, data.length), data]));
}
