import { unhex } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import { ARCHITECTURES } from '../../codec/v4/boot.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import { optionByName } from '../../codec/v4/options.ts';
import { UsageError } from '../cli.ts';
import type { Question } from '../core/server/question.ts';
import { parseMac } from './filter.ts';

/** What a question is made of, by the names of its options on the command line. */
export const QUESTION_OPTIONS = [
  'mac',
  'client-id',
  'giaddr',
  'circuit-id',
  'remote-id',
  'link-selection',
  'requested',
  'arch',
  'vendor-class',
  'user-class',
  'hostname',
  'ask',
] as const;

export type QuestionTexts = { readonly [name in (typeof QUESTION_OPTIONS)[number]]?: string };

/** The client to ask about, of what a user wrote; throws UsageError. */
export function parseQuestion(texts: QuestionTexts): Question {
  if (texts.mac === undefined) throw new UsageError('say which client: --mac 02:00:00:00:00:0a');
  const found: { -readonly [Key in keyof Question]: Question[Key] } = {
    hardwareAddress: parseMac(texts.mac),
  };
  const set = <Key extends keyof Question>(
    key: Key,
    name: keyof QuestionTexts,
    parse: (text: string, option: string) => Question[Key],
  ): void => {
    const text = texts[name];
    if (text !== undefined) found[key] = parse(text, `--${name}`);
  };
  set('clientId', 'client-id', (text) => clientIdOctets(text));
  set('giaddr', 'giaddr', addressOf);
  set('circuitId', 'circuit-id', octetsOf);
  set('remoteId', 'remote-id', octetsOf);
  set('linkSelection', 'link-selection', addressOf);
  set('requestedAddress', 'requested', addressOf);
  set('architecture', 'arch', architectureOf);
  set('vendorClass', 'vendor-class', octetsOf);
  set('userClass', 'user-class', octetsOf);
  set('hostname', 'hostname', octetsOf);
  set('ask', 'ask', codesOf);
  return found;
}

/** A client identifier as octets or text: hex with colons or after `0x` is octets, all else text. */
export function parseClientId(
  text: string,
): { readonly hex: Uint8Array } | { readonly text: string } {
  const digits = /^0x(.+)$/i.exec(text)?.[1] ?? (/^..[:-]/.test(text) ? text : null);
  const octets = digits === null ? null : unhex(digits);
  if (octets === null && /^0x/i.test(text)) {
    throw new UsageError(`--client-id ${text}: after 0x there are hex digits, two for each octet`);
  }
  const found = octets === null ? { text } : { hex: octets };
  const length = octets?.length ?? utf8(text).length;
  if (length > 0 && length <= 254) return found;
  throw new UsageError(
    '--client-id: write 1 to 254 octets, as text or such as 01:02:00:00:00:00:0a',
  );
}

// RFC 2132 §9.14: type 0 says that what follows is no hardware address.
function clientIdOctets(text: string): Uint8Array {
  const found = parseClientId(text);
  return 'hex' in found ? found.hex : Uint8Array.of(0, ...utf8(found.text));
}

function addressOf(text: string, option: string): Ipv4 {
  const address = parseIpv4(text);
  if (address !== null) return address;
  throw new UsageError(`${option} ${text}: write an IPv4 address such as ${formatIpv4(EXAMPLE)}`);
}

const EXAMPLE = parseIpv4('192.0.2.1')!;

function octetsOf(text: string, option: string): Uint8Array {
  const octets = /^0x/i.test(text) ? unhex(text.slice(2)) : utf8(text);
  if (octets !== null && octets.length > 0 && octets.length <= 255) return octets;
  throw new UsageError(`${option} ${text}: write 1 to 255 octets, as text or in hex after 0x`);
}

function architectureOf(text: string): number {
  for (const [number, name] of ARCHITECTURES) if (name === text) return number;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0x10000;
  if (number <= 0xffff) return number;
  throw new UsageError(`--arch ${text}: write a number, or a name such as x64-uefi or x86-bios`);
}

function codesOf(text: string): readonly number[] {
  return text.split(',').map((one) => {
    const code = optionByName(one.trim())?.code ?? (/^\d{1,3}$/.test(one) ? Number(one) : 0);
    if (code > 0 && code < 255) return code;
    throw new UsageError(`--ask ${one}: write names or numbers of options such as routers,6`);
  });
}
