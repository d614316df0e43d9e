import {
  formatIpv4,
  formatPrefix,
  type Ipv4,
  networkOf,
  type Prefix,
  parseIpv4,
  parsePrefix,
  readIpv4,
  writeIpv4,
} from '../ipv4.ts';
import { objectSchema, recordFromYaml } from './compound.ts';
import { joined, type Kind, refuse } from './kind.ts';
import { ipv4, listFromYaml } from './kinds.ts';

/** A route to a network; the router 0.0.0.0 means that the network is on the link (RFC 3442). */
export interface Route {
  readonly destination: Prefix;
  readonly router: Ipv4;
}

const prefix: Kind<Prefix> = {
  name: 'prefix',
  size: null,
  example: '198.51.100.0/24',
  schema: { type: 'string', format: 'cidr' },
  decode: (bytes) => {
    const length = bytes[0] ?? 33;
    if (length > 32 || bytes.length !== 1 + significant(length)) return null;
    const address = new Uint8Array(4);
    address.set(bytes.subarray(1));
    return { address: networkOf(readIpv4(address, 0), length), length };
  },
  // RFC 3442: of the subnet number, only the octets that the mask touches are sent.
  encode: ({ address, length }) => {
    const bytes = new Uint8Array(5);
    bytes[0] = length;
    writeIpv4(bytes, 1, address);
    return bytes.slice(0, 1 + significant(length));
  },
  print: formatPrefix,
  fromYaml: (yaml) => {
    const value = typeof yaml === 'string' ? parsePrefix(yaml) : null;
    if (value !== null) return { value };
    const [, ip, length] = typeof yaml === 'string' ? (/^(.*)\/(\d\d?)$/.exec(yaml) ?? []) : [];
    const address = ip === undefined ? null : parseIpv4(ip);
    if (address === null || Number(length) > 32)
      return refuse(yaml, 'a network such as 198.51.100.0/24 (0.0.0.0/0 for the default route)');
    const network = formatPrefix({
      address: networkOf(address, Number(length)),
      length: Number(length),
    });
    return refuse(yaml, `the first address of its network: write ${network}`);
  },
};

const FIELDS = { destination: prefix, router: ipv4 };

const route: Kind<Route> = {
  name: 'route',
  size: null,
  example: { destination: '198.51.100.0/24', router: '192.0.2.1' },
  schema: objectSchema(FIELDS),
  decode: (bytes) => {
    const destination = prefix.decode(bytes.subarray(0, -4));
    return destination === null ? null : { destination, router: readIpv4(bytes, bytes.length - 4) };
  },
  encode: (value) => joined([prefix.encode(value.destination), ipv4.encode(value.router)]),
  print: (value) => `${formatPrefix(value.destination)} via ${formatIpv4(value.router)}`,
  fromYaml: (yaml) => recordFromYaml(yaml, FIELDS),
};

/** Routes with masks of any width (RFC 3442); a width above 32 makes the whole option malformed. */
export const routes: Kind<readonly Route[]> = {
  name: 'routes',
  size: null,
  example: [route.example],
  schema: { type: 'array', minItems: 1, items: route.schema },
  decode: (bytes) => {
    const found: Route[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + significant(bytes[at]!) + 4;
      const one = end > bytes.length ? null : route.decode(bytes.subarray(at, end));
      if (one === null) return null;
      found.push(one);
      at = end;
    }
    return found.length === 0 ? null : found;
  },
  encode: (value) => joined(value.map(route.encode)),
  print: (value) => value.map(route.print).join(', '),
  fromYaml: (yaml) => listFromYaml(yaml, route),
};

function significant(length: number): number {
  return Math.ceil(length / 8);
}
