import { unhex } from '../../../codec/hardware.ts';
import { parseIpv4, parsePrefix } from '../../../codec/ipv4.ts';
import { joined, utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import {
  encodeField,
  encodeValues,
  type Format,
  formatOf,
  isUnencodable,
  single,
  type Written,
} from '../values.ts';
import { secondsOf } from './times.ts';

const NAMES: ReadonlyMap<string, number> = new Map([
  ['netmask', 1],
  ['time-offset', 2],
  ['router', 3],
  ['dns-server', 6],
  ['log-server', 7],
  ['lpr-server', 9],
  ['hostname', 12],
  ['boot-file-size', 13],
  ['domain-name', 15],
  ['swap-server', 16],
  ['root-path', 17],
  ['extension-path', 18],
  ['ip-forward-enable', 19],
  ['non-local-source-routing', 20],
  ['policy-filter', 21],
  ['max-datagram-reassembly', 22],
  ['default-ttl', 23],
  ['mtu', 26],
  ['all-subnets-local', 27],
  ['broadcast', 28],
  ['router-discovery', 31],
  ['router-solicitation', 32],
  ['static-route', 33],
  ['trailer-encapsulation', 34],
  ['arp-timeout', 35],
  ['ethernet-encap', 36],
  ['tcp-ttl', 37],
  ['tcp-keepalive', 38],
  ['nis-domain', 40],
  ['nis-server', 41],
  ['ntp-server', 42],
  ['vendor-encap', 43],
  ['netbios-ns', 44],
  ['netbios-dd', 45],
  ['netbios-nodetype', 46],
  ['netbios-scope', 47],
  ['x-windows-fs', 48],
  ['x-windows-dm', 49],
  ['requested-address', 50],
  ['lease-time', 51],
  ['option-overload', 52],
  ['message-type', 53],
  ['server-identifier', 54],
  ['parameter-request', 55],
  ['message', 56],
  ['max-message-size', 57],
  ['t1', 58],
  ['t2', 59],
  ['vendor-class', 60],
  ['client-id', 61],
  ['nis+-domain', 64],
  ['nis+-server', 65],
  ['tftp-server', 66],
  ['bootfile-name', 67],
  ['mobile-ip-home', 68],
  ['smtp-server', 69],
  ['pop3-server', 70],
  ['nntp-server', 71],
  ['irc-server', 74],
  ['user-class', 77],
  ['rapid-commit', 80],
  ['fqdn', 81],
  ['agent-info', 82],
  ['last-transaction', 91],
  ['associated-ip', 92],
  ['client-arch', 93],
  ['client-interface-id', 94],
  ['client-machine-id', 97],
  ['posix-timezone', 100],
  ['tzdb-timezone', 101],
  ['ipv6-only', 108],
  ['subnet-select', 118],
  ['domain-search', 119],
  ['sip-server', 120],
  ['classless-static-route', 121],
  ['vendor-id-encap', 125],
  ['tftp-server-address', 150],
  ['server-ip-address', 255],
]);

/** The code of `option:NAME` or a number, or null. */
export function codeOf(text: string): number | null {
  const number = /^(?:option:)?(\d{1,3})$/.exec(text)?.[1];
  if (number !== undefined) return inRange(Number(number));
  const name = /^option:(.*)$/.exec(text)?.[1];
  return name === undefined ? null : inRange(NAMES.get(name.toLowerCase()) ?? 0);
}

function inRange(code: number): number | null {
  return code >= 1 && code <= 254 ? code : null;
}

const ROUTES: Format = { fields: ['prefix', 'address'], repeat: 'all' };
const OWN_FORMATS: ReadonlyMap<number, Format> = new Map([
  [OPTION.classlessStaticRoutes, ROUTES],
  [OPTION.microsoftClasslessStaticRoutes, ROUTES],
  [OPTION.userClass, single('octets')],
]);

/** The octets of an option as dnsmasq makes them of what was written, or why there are none. */
export function dataOf(code: number, values: readonly string[]): Uint8Array | string {
  const written = values.length === 1 && values[0] === '' ? [] : values;
  if (written.length === 0) return new Uint8Array();
  const format = OWN_FORMATS.get(code) ?? formatOf(code);
  if (isTime(code) && written.length === 1) {
    const seconds = secondsOf(written[0]!);
    const encoded = encodeField('u32', { word: String(seconds ?? '') });
    return isUnencodable(encoded) ? `"${written[0]}" is no time` : encoded;
  }
  if (format.fields[0] === 'octets' && format.fields.length === 1) return guessed(written);
  const isText = format.fields[0] === 'text';
  const words: Written[] = isText
    ? [{ word: written.join(',') }]
    : written.map((word) => ({ word: word.replace(/^(\d+)[bsi]$/, '$1') }));
  const encoded = encodeValues(format, words, code);
  if (!isUnencodable(encoded)) return encoded;
  return written.every((word) => isHex(word)) ? guessed(written) : encoded.fault;
}

/** Whether 0.0.0.0 stands for the machine that dnsmasq runs on. */
export function isOfAddresses(code: number): boolean {
  return (OWN_FORMATS.get(code) ?? formatOf(code)).fields[0] === 'address';
}

function isTime(code: number): boolean {
  return code === OPTION.leaseTime || code === OPTION.renewalTime || code === OPTION.rebindingTime;
}

function isHex(word: string): boolean {
  return /^[\da-f]{1,2}(:[\da-f]{1,2})+$/i.test(word);
}

/** What is not known is told by its looks: addresses, octets in hex, numbers, else text. */
export function guessed(values: readonly string[]): Uint8Array {
  if (values.every((value) => parseIpv4(value.split('/')[0]!) !== null)) {
    return joined(values.map(addressOf));
  }
  const [value] = values;
  if (values.length === 1 && isHex(value!)) return octetsOf(value!);
  const numbers = values.map((one) => (/^\d{1,10}[bsi]?$/.test(one) ? one : null));
  if (numbers.every((one) => one !== null)) return joined(numbers.map(numberOf));
  return utf8(values.join(','));
}

function addressOf(text: string): Uint8Array {
  const prefix = parsePrefix(text);
  const encoded = encodeField(prefix === null ? 'address' : 'prefix', {
    word: prefix === null ? text.split('/')[0]! : text,
  });
  return isUnencodable(encoded) ? new Uint8Array() : encoded;
}

function octetsOf(text: string): Uint8Array {
  return (
    unhex(
      text
        .split(':')
        .map((one) => one.padStart(2, '0'))
        .join(''),
    ) ?? new Uint8Array()
  );
}

// `7b` takes one octet, `7s` two, `7i` four, and what says nothing as few as it can.
function numberOf(text: string): Uint8Array {
  const value = Math.min(Number.parseInt(text, 10), 0xffffffff);
  const least = value < 0x100 ? 1 : value < 0x10000 ? 2 : 4;
  const size = { b: 1, s: 2, i: 4 }[text.at(-1)!] ?? least;
  return Uint8Array.from({ length: size }, (_, i) => (value >>> (8 * (size - 1 - i))) & 0xff);
}
