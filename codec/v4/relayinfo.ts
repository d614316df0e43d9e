import { hex as toHex } from '../hardware.ts';
import {
  encodeSubOptions,
  parseSubOptions,
  record,
  type SubOption,
  subOptions,
} from './compound.ts';
import { copyOf, type Kind } from './kind.ts';
import { flag, hex, hexOf, ipv4, named, octets, printOctets, text, u8, u32 } from './kinds.ts';

/** Codes of the sub-options of option 82 (IANA registry "DHCP Relay Agent Sub-Option Codes"). */
export const SUB_OPTION = {
  circuitId: 1,
  remoteId: 2,
  docsisDeviceClass: 4,
  linkSelection: 5,
  subscriberId: 6,
  radiusAttributes: 7,
  authentication: 8,
  vendorSpecific: 9,
  flags: 10,
  serverIdOverride: 11,
  relayId: 12,
  accessTechnologyType: 13,
  accessNetworkName: 14,
  accessPointName: 15,
  accessPointBssid: 16,
  operatorIdentifier: 17,
  operatorRealm: 18,
  sourcePort: 19,
  virtualSubnet: 151,
  virtualSubnetControl: 152,
} as const;

export type SubOptionName = keyof typeof SUB_OPTION;

/** A registered sub-option of option 82. */
export interface SubOptionDefinition {
  readonly code: number;
  readonly name: SubOptionName;
  readonly title: string;
  readonly kind: Kind<unknown>;
  readonly rfc: string;
}

/** Vendor-specific information by enterprise: number, length octet, sub-options (RFC 4243 §3). */
const vendorSpecific: Kind<Uint8Array> = {
  ...hex,
  name: 'relayVendorSpecific',
  print: (value) => {
    const parts: string[] = [];
    for (let at = 0; at < value.length; ) {
      const end = at + 5 + (value[at + 4] ?? 0);
      if (end > value.length) return hex.print(value);
      const inner = value.subarray(at + 5, end);
      parts.push(
        `enterprise ${u32.decode(value.subarray(at, at + 4))}{${subOptions.print(inner)}}`,
      );
      at = end;
    }
    return parts.join(' ');
  },
};

/** Attributes as RADIUS has them: type, length of the whole attribute, value (RFC 4014 §2.3). */
const radiusAttributes: Kind<Uint8Array> = {
  ...hex,
  name: 'radiusAttributes',
  print: (value) => {
    const parts: string[] = [];
    for (let at = 0; at < value.length; ) {
      const end = at + (value[at + 1] ?? 0);
      if (end < at + 2 || end > value.length) return hex.print(value);
      parts.push(`${value[at]}:${printOctets(value.subarray(at + 2, end))}`);
      at = end;
    }
    return parts.join(' ');
  },
};

const accessTechnology = named(
  u8,
  new Map([
    [1, 'virtual'],
    [2, 'ppp'],
    [3, 'ethernet'],
    [4, 'wlan'],
    [5, 'wimax'],
  ]),
);

const accessTechnologyType: Kind<{ readonly reserved: number; readonly type: number }> = {
  ...record('accessTechnologyType', { reserved: u8, type: accessTechnology }),
  print: ({ type }) => accessTechnology.print(type),
};

const virtualSubnet = record('virtualSubnet', {
  type: named(
    u8,
    new Map([
      [0, 'name'],
      [1, 'vpn-id'],
      [255, 'default'],
    ]),
  ),
  information: octets,
});

const authentication = record('relayAuthentication', {
  algorithm: u8,
  replayDetectionMethod: u8,
  replayDetection: hexOf(8),
  relayIdentifier: ipv4,
  authentication: hex,
});

const TABLE: { readonly [name in SubOptionName]: readonly [string, Kind<unknown>, string] } = {
  circuitId: ['Agent Circuit ID', octets, 'RFC 3046 §3.1'],
  remoteId: ['Agent Remote ID', octets, 'RFC 3046 §3.2'],
  docsisDeviceClass: ['DOCSIS Device Class', u32, 'RFC 3256'],
  linkSelection: ['Link Selection', ipv4, 'RFC 3527'],
  subscriberId: ['Subscriber-ID', text, 'RFC 3993'],
  radiusAttributes: ['RADIUS Attributes', radiusAttributes, 'RFC 4014'],
  authentication: ['Authentication', authentication, 'RFC 4030'],
  vendorSpecific: ['Vendor-Specific Information', vendorSpecific, 'RFC 4243'],
  flags: ['Relay Agent Flags', u8, 'RFC 5010'],
  serverIdOverride: ['Server Identifier Override', ipv4, 'RFC 5107'],
  relayId: ['Relay Agent Identifier', octets, 'RFC 6925'],
  accessTechnologyType: ['Access-Technology-Type', accessTechnologyType, 'RFC 7839'],
  accessNetworkName: ['Access-Network-Name', text, 'RFC 7839'],
  accessPointName: ['Access-Point-Name', text, 'RFC 7839'],
  accessPointBssid: ['Access-Point-BSSID', hexOf(6), 'RFC 7839'],
  operatorIdentifier: ['Operator-Identifier', u32, 'RFC 7839'],
  operatorRealm: ['Operator-Realm', text, 'RFC 7839'],
  sourcePort: ['Relay Source Port', flag, 'RFC 8357'],
  virtualSubnet: ['Virtual Subnet Selection', virtualSubnet, 'RFC 6607'],
  virtualSubnetControl: ['Virtual Subnet Selection Control', flag, 'RFC 6607'],
};

/** All registered sub-options of option 82, by code. */
export const SUB_OPTIONS: ReadonlyMap<number, SubOptionDefinition> = new Map(
  (Object.keys(SUB_OPTION) as SubOptionName[]).map((name) => {
    const [title, kind, rfc] = TABLE[name];
    return [SUB_OPTION[name], { code: SUB_OPTION[name], name, title, kind, rfc }];
  }),
);

/**
 * Offset of the code octet of sub-option `code` in the option data bytes[start, end), or -1; a sub-option that says
 * it is longer than what is left is not found. Allocates nothing.
 */
export function subOptionAt(bytes: Uint8Array, start: number, end: number, code: number): number {
  let at = start;
  while (at + 2 <= end) {
    const next = at + 2 + bytes[at + 1]!;
    if (next > end) return -1;
    if (bytes[at] === code) return at;
    at = next;
  }
  return -1;
}

/** The sub-options of option 82, in order; null when they do not fill its data exactly. */
export function parseRelayInformation(data: Uint8Array): readonly SubOption[] | null {
  return data.length === 0 ? null : parseSubOptions(data);
}

/** The data of option 82. */
export function encodeRelayInformation(information: readonly SubOption[]): Uint8Array {
  return encodeSubOptions(information);
}

/** The data of the first sub-option of that name, as it stands, or null. */
export function subOptionOf(data: Uint8Array, name: SubOptionName): Uint8Array | null {
  const at = subOptionAt(data, 0, data.length, SUB_OPTION[name]);
  return at < 0 ? null : copyOf(data, at + 2, at + 2 + data[at + 1]!);
}

/** `circuitId "eth0" linkSelection 192.0.2.0`; what is malformed or unregistered is shown in hex. */
export function printRelayInformation(data: Uint8Array): string {
  const found = parseRelayInformation(data);
  return found === null ? `malformed 0x${toHex(data)}` : found.map(printSubOption).join(' ');
}

function printSubOption({ code, data }: SubOption): string {
  const definition = SUB_OPTIONS.get(code);
  if (definition === undefined) return `subOption${code} ${printOctets(data)}`;
  const value = definition.kind.decode(data);
  if (value === null) return `${definition.name} malformed 0x${toHex(data)}`;
  return definition.kind === flag
    ? definition.name
    : `${definition.name} ${definition.kind.print(value)}`;
}

/** Option 82 as a whole. */
export const relayInformation: Kind<Uint8Array> = {
  ...subOptions,
  name: 'relayInformation',
  print: printRelayInformation,
};
