import { unhex } from '../../../codec/hardware.ts';
import { joined, utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { any, type Condition, type Data, equal } from '../condition.ts';
import { codeOf, dataOf } from './options.ts';

/** A hardware address, perhaps with `*` for octets, and perhaps its type in front. */
export const HARDWARE = /^(?:[\da-f]{2}-)?(?:[\da-f]{1,2}|\*)(?:[:-](?:[\da-f]{1,2}|\*)){5,15}$/i;

/** The octets of a hardware address without wildcards, or null. */
export function hardwareOf(text: string): Uint8Array | null {
  if (!HARDWARE.test(text) || text.includes('*')) return null;
  return unhex(digitsOf(text).join(''));
}

/** Whether a client's hardware address is one of those that a pattern stands for. */
export function hardwareCondition(pattern: string): Condition {
  const parts = digitsOf(pattern);
  const known = parts.indexOf('*');
  const front = known < 0 ? parts : parts.slice(0, known);
  const octets = unhex(front.join('')) ?? new Uint8Array();
  if (known < 0) return equal({ kind: 'hardware' }, { kind: 'octets', octets });
  if (known > 0 && parts.slice(known).every((part) => part === '*')) {
    const of: Data = { kind: 'slice', of: { kind: 'hardware' }, from: 0, length: known };
    return equal(of, { kind: 'octets', octets });
  }
  const expression = parts.map((part) => (part === '*' ? '..' : part.toLowerCase())).join(':');
  return { kind: 'matches', of: { kind: 'hardware' }, pattern: `^${expression}$` };
}

// `06-00:20:…` has its type in front; only Ethernet's is looked at.
function digitsOf(text: string): string[] {
  const plain = /^[\da-f]{2}-[\da-f]{1,2}:/i.test(text) ? text.slice(3) : text;
  return plain.split(/[:-]/).map((part) => (part === '*' ? part : part.padStart(2, '0')));
}

/** Octets in hex with colons, else text. */
export function octetsOrText(text: string): Uint8Array {
  const octets = /^[\da-f]{1,2}(:[\da-f]{1,2})+$/i.test(text)
    ? unhex(digitsOf(text).join(''))
    : null;
  return octets ?? utf8(text);
}

/** Whether an option has a text anywhere in it, as dnsmasq looks for it. */
export function containing(code: number, text: string): Condition {
  // Of user classes the whole is meant, though not what frames it.
  if (code === OPTION.userClass) {
    return equal({ kind: 'option', code }, { kind: 'octets', octets: utf8(text) });
  }
  const pattern = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return { kind: 'matches', of: { kind: 'option', code }, pattern };
}

/** What `dhcp-match` is about: that an option was sent, or what it holds. */
export function matchCondition(parts: readonly string[]): Condition {
  const [option = '', ...values] = parts;
  const code = codeOf(option);
  if (code === null)
    return { kind: 'unknown', what: `${option} is no option that can be asked for` };
  const text = values.join(',');
  if (text === '') return { kind: 'sent', code };
  const isHex = /^(?:[\da-f]{1,2}|\*)(?::(?:[\da-f]{1,2}|\*))+$/i.test(text);
  if (isHex) return hexCondition(code, text);
  const data =
    code === OPTION.clientSystemArchitecture ? architectures(values) : dataOf(code, values);
  if (typeof data === 'string') return { kind: 'unknown', what: data };
  if (code === OPTION.clientSystemArchitecture)
    return any(pairs(data).map((octets) => frontOf(code, octets)));
  return /^\d+$/.test(text) ? frontOf(code, data) : containing(code, text);
}

function architectures(values: readonly string[]): Uint8Array {
  return joined(
    values.map((value) => Uint8Array.of((Number(value) >>> 8) & 0xff, Number(value) & 0xff)),
  );
}

function pairs(data: Uint8Array): Uint8Array[] {
  return Array.from({ length: data.length >>> 1 }, (_, i) => data.subarray(2 * i, 2 * i + 2));
}

function frontOf(code: number, octets: Uint8Array): Condition {
  const of: Data = { kind: 'slice', of: { kind: 'option', code }, from: 0, length: octets.length };
  return equal(of, { kind: 'octets', octets });
}

function hexCondition(code: number, text: string): Condition {
  if (text.includes('*'))
    return { kind: 'unknown', what: 'octets of an option may not be left open' };
  return frontOf(code, unhex(digitsOf(text).join('')) ?? new Uint8Array());
}
