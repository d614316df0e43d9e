import { type FromYaml, joined, type Kind, refuse } from './kind.ts';
import { listFromYaml } from './kinds.ts';

/** A label has at most 63 octets, a name 255 with its length octets and the root (RFC 1035 §2.3.4). */
const LABEL_MAX = 63;
const NAME_MAX = 255;
/** The two high bits of an octet say that it is the first of a pointer, of 14 bits (RFC 1035 §4.1.4). */
const POINTER = 0xc0;
const POINTER_MAX = 0x3fff;
/** A name has at most 127 labels, and a pointer is of use only behind a label. */
const JUMPS_MAX = 127;

type Label = Uint8Array;

/** The labels of a name and where it ends; `terminated` is false when the data ended before the root did. */
interface WireName {
  readonly labels: readonly Label[];
  readonly end: number;
  readonly terminated: boolean;
}

/**
 * Reads the name at `at`, through compression pointers. A pointer must lead to before where the labels in front of it
 * began, so there is no loop. Null when it is malformed.
 */
export function readName(bytes: Uint8Array, at: number, jumps = JUMPS_MAX): WireName | null {
  const labels: Label[] = [];
  const stop = readLabels(bytes, at, labels);
  if (stop < 0) return null;
  if (stop === bytes.length) return bounded({ labels, end: stop, terminated: false });
  if (bytes[stop] === 0) return bounded({ labels, end: stop + 1, terminated: true });
  const target = pointerAt(bytes, stop);
  if (target < 0 || target >= at || jumps === 0) return null;
  const tail = readName(bytes, target, jumps - 1);
  return tail && bounded({ ...tail, labels: [...labels, ...tail.labels], end: stop + 2 });
}

function bounded(name: WireName): WireName | null {
  return octetsOf(name.labels) > NAME_MAX ? null : name;
}

/** Where the pointer at `at` leads, or -1 if there is no whole pointer. */
function pointerAt(bytes: Uint8Array, at: number): number {
  const whole = bytes[at]! >= POINTER && at + 1 < bytes.length;
  return whole ? ((bytes[at]! & 0x3f) << 8) | bytes[at + 1]! : -1;
}

/** Adds the labels from `at` on; returns where they stop: at the root, a pointer, the end, or -1 if one is cut off. */
function readLabels(bytes: Uint8Array, at: number, labels: Label[]): number {
  let here = at;
  while (here < bytes.length && bytes[here]! > 0 && bytes[here]! <= LABEL_MAX) {
    const next = here + 1 + bytes[here]!;
    if (next > bytes.length) return -1;
    labels.push(bytes.subarray(here + 1, next));
    here = next;
  }
  return here;
}

/** Octets of a name on the wire, its root included. */
function octetsOf(labels: readonly Label[]): number {
  return labels.reduce((sum, label) => sum + 1 + label.length, 1);
}

/** `a.example`, without a dot at the end; `.` for the root. Odd octets are escaped (RFC 1035 §5.1). */
export function formatName(labels: readonly Label[]): string {
  return labels.length === 0 ? '.' : labels.map(formatLabel).join('.');
}

/** The labels of a name; null when it is none. A dot at its end makes no difference. */
export function parseName(text: string): readonly Label[] | null {
  if (text === '.') return [];
  const labels: Label[] = [];
  let octets: number[] = [];
  for (const [token] of `${text.replace(/(?<!\\)\.$/, '')}.`.matchAll(/\\\d{3}|\\.|[^\\]|\\$/gsu)) {
    if (token === '.') {
      if (octets.length === 0 || octets.length > LABEL_MAX) return null;
      labels.push(Uint8Array.from(octets));
      octets = [];
    } else {
      const octet = octetOf(token);
      if (octet > 255) return null;
      octets.push(octet);
    }
  }
  return octetsOf(labels) > NAME_MAX ? null : labels;
}

/** The octets of a name with its root, not compressed. */
export function encodeName(labels: readonly Label[]): Uint8Array {
  return joined([
    ...labels.flatMap((label) => [Uint8Array.of(label.length), label]),
    Uint8Array.of(0),
  ]);
}

/** One domain name, not compressed. */
export const domain: Kind<string> = {
  name: 'domain',
  size: null,
  example: 'example.org',
  schema: { type: 'string', minLength: 1 },
  decode: (bytes) => {
    const name = readName(bytes, 0);
    return name?.terminated && name.end === bytes.length ? formatName(name.labels) : null;
  },
  encode: (value) => encodeName(parseName(value)!),
  print: (value) => value,
  fromYaml: domainFromYaml,
};

/** Domain names one after the other, later ones pointing into earlier ones (RFC 3397 §2). */
export const domainList: Kind<readonly string[]> = {
  name: 'domainList',
  size: null,
  example: ['example.org', 'lab.example.org'],
  schema: { type: 'array', minItems: 1, items: domain.schema },
  decode: readNames,
  encode: compressed,
  print: (value) => value.join(','),
  fromYaml: (yaml) => listFromYaml(yaml, domain),
};

/** Domain names one after the other, never compressed. */
export const plainDomainList: Kind<readonly string[]> = {
  ...domainList,
  name: 'plainDomainList',
  encode: (value) => joined(value.map(domain.encode)),
};

function domainFromYaml(yaml: unknown): FromYaml<string> {
  const labels = typeof yaml === 'string' ? parseName(yaml) : null;
  if (labels !== null) return { value: formatName(labels) };
  return refuse(yaml, 'a domain name such as example.org (an international one in its xn-- form)');
}

function readNames(bytes: Uint8Array): readonly string[] | null {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const name = readName(bytes, at);
    if (!name?.terminated) return null;
    names.push(formatName(name.labels));
    at = name.end;
  }
  return names.length === 0 ? null : names;
}

function compressed(names: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  const known = new Map<string, number>();
  for (const name of names) writeCompressed(parseName(name)!, bytes, known);
  return Uint8Array.from(bytes);
}

function writeCompressed(labels: readonly Label[], bytes: number[], known: Map<string, number>) {
  for (const [i, label] of labels.entries()) {
    const rest = formatName(labels.slice(i));
    const earlier = known.get(rest);
    if (earlier !== undefined) {
      bytes.push(POINTER | (earlier >>> 8), earlier & 0xff);
      return;
    }
    if (bytes.length <= POINTER_MAX) known.set(rest, bytes.length);
    bytes.push(label.length, ...label);
  }
  bytes.push(0);
}

function formatLabel(label: Label): string {
  let text = '';
  for (const octet of label) {
    const char = String.fromCharCode(octet);
    if (octet <= 0x20 || octet >= 0x7f) text += `\\${String(octet).padStart(3, '0')}`;
    else text += char === '.' || char === '\\' ? `\\${char}` : char;
  }
  return text;
}

/** The octet that `x`, `\x` or `\DDD` stands for; 256 for what is none. */
function octetOf(token: string): number {
  if (/^\\\d{3}$/.test(token)) return Math.min(Number(token.slice(1)), 256);
  const char = token.length > 1 ? token.slice(1) : token;
  const code = char.codePointAt(0)!;
  return token === '\\' || code <= 0x20 || code >= 0x7f ? 256 : code;
}
