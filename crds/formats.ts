import { parseHardwareAddress } from '../codec/hardware.ts';
import { formatPrefix, networkOf, parseIpv4, parsePrefix } from '../codec/ipv4.ts';
import { parseDuration } from './duration.ts';
import type { Field } from './structural.ts';

interface Format {
  /** With its article. */
  readonly name: string;
  readonly fits: (text: string) => boolean;
}

const FORMATS: { readonly [format: string]: Format } = {
  ipv4: { name: 'an IPv4 address such as 192.0.2.1', fits: (text) => parseIpv4(text) !== null },
  cidr: { name: 'a network such as 192.0.2.0/24', fits: (text) => parsePrefix(text) !== null },
  duration: {
    name: 'a duration such as 90s, 8h or 1h30m',
    fits: (text) => parseDuration(text) !== null,
  },
  hardwareAddress: {
    name: 'a hardware address such as 02:00:00:00:00:0a',
    fits: (text) => parseHardwareAddress(text) !== null,
  },
  'date-time': {
    name: 'a time such as 2026-01-31T12:00:00Z',
    fits: (text) => TIME.test(text),
  },
};

/** RFC 3339 §5.6. */
const TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** What a text is not, and what to write instead; null when it is what it should be. */
export function textFault(text: string, field: Field): string | null {
  const { format, words, pattern, description } = field;
  if (words?.includes(text)) return null;
  const known = format === undefined ? undefined : FORMATS[format];
  const fits = known?.fits(text) !== false && (pattern === undefined || matches(pattern, text));
  if (fits) return null;
  const network = format === 'cidr' ? networkAround(text) : null;
  if (network !== null) return `"${text}" has bits beyond its length: write ${network}`;
  if (known !== undefined) return `"${text}" is not ${expectation(field)}`;
  return `"${text}" does not fit: ${description ?? `it has to match ${pattern}`}`;
}

/** What belongs in a field, in words. */
export function expectation(field: Field | null): string {
  if (field === null) return 'something else';
  if (field.enum !== undefined) return `one of ${field.enum.join(', ')}`;
  const known = field.format === undefined ? undefined : FORMATS[field.format];
  if (known !== undefined) return [...(field.words ?? []), known.name].join(' or ');
  switch (field.type) {
    case 'string':
      return 'text';
    case 'integer':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object': {
      const names = Object.keys(field.properties ?? {});
      return names.length === 0 ? 'a mapping' : `a mapping with fields such as ${names[0]}`;
    }
  }
}

const compiled = new Map<string, RegExp>();

// The patterns are ours, from the types; each is compiled once.
function matches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(pattern, 'u');
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

function networkAround(text: string): string | null {
  const [address, length] = text.split('/');
  const ip = parseIpv4(address!);
  if (ip === null || length === undefined || !/^(\d|[12]\d|3[0-2])$/.test(length)) return null;
  return formatPrefix({ address: networkOf(ip, Number(length)), length: Number(length) });
}
