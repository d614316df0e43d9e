import { formatIpv4, type Ipv4 } from '../ipv4.ts';
import { objectSchema, prefixed, recordFromYaml } from './compound.ts';
import { copyOf, type FromYaml, fromUtf8, isFault, joined, type Kind, quote } from './kind.ts';
import { hex, ipv4List, listFromYaml, text, u8, u16 } from './kinds.ts';
import { domain } from './names.ts';

/** A service parameter as DNS has it (RFC 9460 §2.2). */
export interface ServiceParameter {
  readonly key: number;
  readonly data: Uint8Array;
}

/** An encrypted DNS resolver (RFC 9463 §5.1). */
export interface EncryptedResolver {
  /** Lower is better. */
  readonly priority: number;
  /** What its certificate says. */
  readonly name: string;
  /** With none, there are no parameters either, and the client looks both up (ADN-only mode). */
  readonly addresses: readonly Ipv4[];
  /** By ascending key. */
  readonly parameters: readonly ServiceParameter[];
}

const ALPN = 1;
const PORT = 3;
const DOH_PATH = 7;
/** Names of keys by number (RFC 9460 §14.3.2, RFC 9461 §5). */
const KEYS = [
  'mandatory',
  'alpn',
  'no-default-alpn',
  'port',
  'ipv4hint',
  'ech',
  'ipv6hint',
  'dohpath',
];

const protocols = prefixed('alpn', 1, text);
const YAML_FIELDS = {
  priority: u16,
  name: domain,
  addresses: ipv4List,
  alpn: { ...protocols, example: ['dot'] },
  port: u16,
  dohPath: text,
};
const YAML_DEFAULTS = { priority: 1, addresses: [], alpn: [], port: -1, dohPath: '' };

const resolver: Kind<EncryptedResolver> = {
  name: 'encryptedResolver',
  size: null,
  example: { priority: 1, name: 'dns.example.org', addresses: ['192.0.2.53'], alpn: ['dot'] },
  schema: objectSchema(YAML_FIELDS, Object.keys(YAML_DEFAULTS)),
  decode: decodeResolver,
  encode: (value) => {
    const name = domain.encode(value.name);
    const head = [u16.encode(value.priority), u8.encode(name.length), name];
    if (value.addresses.length === 0 && value.parameters.length === 0) return joined(head);
    const addresses = ipv4List.encode(value.addresses);
    const parameters = value.parameters.flatMap(({ key, data }) => [
      u16.encode(key),
      u16.encode(data.length),
      data,
    ]);
    return joined([...head, u8.encode(addresses.length), addresses, ...parameters]);
  },
  print: (value) =>
    [
      value.priority,
      value.name,
      ...value.addresses.map(formatIpv4),
      ...value.parameters.map(printParameter),
    ].join(' '),
  fromYaml: resolverFromYaml,
};

/** Option 162. */
export const encryptedResolvers: Kind<readonly EncryptedResolver[]> = {
  ...prefixed('encryptedResolvers', 2, resolver),
  print: (value) => value.map(resolver.print).join(', '),
  fromYaml: (yaml) => listFromYaml(yaml, resolver),
};

function decodeResolver(bytes: Uint8Array): EncryptedResolver | null {
  const nameEnd = 3 + (bytes[2] ?? 0);
  if (nameEnd > bytes.length) return null;
  const name = domain.decode(bytes.subarray(3, nameEnd));
  if (name === null) return null;
  const priority = u16.decode(bytes.subarray(0, 2))!;
  if (nameEnd === bytes.length) return { priority, name, addresses: [], parameters: [] };
  const addressesEnd = nameEnd + 1 + bytes[nameEnd]!;
  if (addressesEnd > bytes.length) return null;
  const addresses = ipv4List.decode(bytes.subarray(nameEnd + 1, addressesEnd));
  const parameters = decodeParameters(bytes.subarray(addressesEnd));
  return addresses && parameters && { priority, name, addresses, parameters };
}

function decodeParameters(bytes: Uint8Array): readonly ServiceParameter[] | null {
  const found: ServiceParameter[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = u16.decode(bytes.subarray(at, at + 2));
    const length = u16.decode(bytes.subarray(at + 2, at + 4));
    if (key === null || length === null || at + 4 + length > bytes.length) return null;
    // RFC 9460 §2.2: keys come in ascending order, each once.
    if (key <= (found.at(-1)?.key ?? -1)) return null;
    found.push({ key, data: copyOf(bytes, at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return found;
}

function printParameter({ key, data }: ServiceParameter): string {
  const name = KEYS[key] ?? `key${key}`;
  const alpn = key === ALPN ? protocols.decode(data) : null;
  if (alpn !== null) return `${name}=${alpn.map(quote).join(',')}`;
  if (key === PORT && data.length === 2) return `${name}=${u16.decode(data)}`;
  const path = key === DOH_PATH ? fromUtf8(data) : null;
  return path === null ? `${name}=${hex.print(data)}` : `${name}=${quote(path)}`;
}

function resolverFromYaml(yaml: unknown): FromYaml<EncryptedResolver> {
  const result = recordFromYaml(yaml, YAML_FIELDS, YAML_DEFAULTS);
  if (isFault(result)) return result;
  const { priority, name, addresses, alpn, port, dohPath } = result.value;
  const parameters: ServiceParameter[] = [];
  if (alpn.length > 0) parameters.push({ key: ALPN, data: protocols.encode(alpn) });
  if (port >= 0) parameters.push({ key: PORT, data: u16.encode(port) });
  if (dohPath !== '') parameters.push({ key: DOH_PATH, data: text.encode(dohPath) });
  if (addresses.length > 63)
    return { path: '.addresses', message: 'are more than 63: leave some out' };
  if (addresses.length === 0 && parameters.length > 0)
    return { path: '.addresses', message: 'is missing: alpn, port and dohPath need addresses' };
  return { value: { priority, name, addresses, parameters } };
}
