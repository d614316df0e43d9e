import type { Ipv4 } from '../ipv4.ts';
import { prefixed, record } from './compound.ts';
import { isFault, joined, type Kind } from './kind.ts';
import {
  anyText,
  bool,
  hex,
  hexOf,
  ipv4,
  ipv4List,
  ipv6,
  named,
  octets,
  text,
  u8,
  u16,
  u32,
} from './kinds.ts';
import { plainDomainList } from './names.ts';

/** Option 78: SLP directory agents (RFC 2610 §3). */
export const directoryAgents = record('directoryAgents', { mandatory: bool, agents: ipv4List });
/** Option 79: SLP scopes (RFC 2610 §4). */
export const serviceScope = record('serviceScope', { mandatory: bool, scopes: text });
/** Option 83 (RFC 4174 §2). */
export const isns = record('isns', {
  functions: u16,
  discoveryDomainAccess: u16,
  administrativeFlags: u16,
  security: u32,
  servers: ipv4List,
});
/** Option 90 (RFC 3118 §2). */
export const authentication = record('authentication', {
  protocol: u8,
  algorithm: u8,
  replayDetectionMethod: u8,
  replayDetection: hexOf(8),
  information: hex,
});
/** Option 146: DNS servers for some domains only (RFC 6731 §4.3). */
export const rdnssSelection = record('rdnssSelection', {
  preference: u8,
  primary: ipv4,
  secondary: ipv4,
  domains: plainDomainList,
});
/** Option 159: a share of the ports of an address (RFC 7618 §9). */
export const portParameters = record('portParameters', { offset: u8, psidLength: u8, psid: u16 });
/** Option 212: 6rd (RFC 5969 §7.1.1). */
export const sixRd = record('sixRd', {
  ipv4MaskLength: u8,
  prefixLength: u8,
  prefix: ipv6,
  borderRelays: ipv4List,
});
/** Option 220: subnet allocation, its sub-options kept as they are (RFC 6656 §3). */
export const subnetAllocation = record('subnetAllocation', { flags: u8, subOptions: hex });
/** Option 221: virtual subnet selection (RFC 6607 §3.1). */
export const virtualSubnetSelection = record('virtualSubnetSelection', {
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
/** Option 158: PCP servers, each with all its addresses (RFC 7291 §4). */
export const pcpServers = prefixed('pcpServers', 1, ipv4List);
/** Option 143: where to find bootstrap servers, as URIs (RFC 8572 §8.1). */
export const bootstrapServers = prefixed('bootstrapServers', 2, text);

/** Option 151: what became of a leasequery (RFC 6926 §6.2.2). */
export const statusCode = record('statusCode', {
  status: named(
    u8,
    new Map([
      [0, 'success'],
      [1, 'unspecFail'],
      [2, 'queryTerminated'],
      [3, 'malformedQuery'],
      [4, 'notAllowed'],
      [5, 'dataMissing'],
      [6, 'connectionActive'],
      [7, 'catchUpComplete'],
      [8, 'tlsConnectionRefused'],
    ]),
  ),
  message: anyText,
});

/** SIP servers: all by name or all by address (RFC 3361 §3). */
export type SipServers =
  | { readonly by: 'name'; readonly names: readonly string[] }
  | { readonly by: 'address'; readonly addresses: readonly Ipv4[] };

/** Option 120. */
export const sipServers: Kind<SipServers> = {
  name: 'sipServers',
  size: null,
  example: ['sip.example.org'],
  schema: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
  decode: (bytes) => {
    const rest = bytes.subarray(1);
    if (bytes[0] === 0) {
      const names = plainDomainList.decode(rest);
      return names && { by: 'name', names };
    }
    const addresses = bytes[0] === 1 ? ipv4List.decode(rest) : null;
    return addresses && { by: 'address', addresses };
  },
  encode: (value) =>
    value.by === 'name'
      ? joined([u8.encode(0), plainDomainList.encode(value.names)])
      : joined([u8.encode(1), ipv4List.encode(value.addresses)]),
  print: (value) =>
    value.by === 'name' ? plainDomainList.print(value.names) : ipv4List.print(value.addresses),
  fromYaml: (yaml) => {
    const byAddress = Array.isArray(yaml) && /^[\d.]+$/.test(String(yaml[0]));
    if (byAddress) {
      const addresses = ipv4List.fromYaml(yaml);
      return isFault(addresses)
        ? addresses
        : { value: { by: 'address', addresses: addresses.value } };
    }
    const names = plainDomainList.fromYaml(yaml);
    return isFault(names) ? names : { value: { by: 'name', names: names.value } };
  },
};
