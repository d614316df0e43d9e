import { ConvertError } from '../fault.ts';
import type { Place } from '../report.ts';

/** A word, a text in quotes, or a sign: one of `{ } ; , ( ) = + | & ^ !` and the comparisons. */
export interface Token {
  readonly kind: 'word' | 'text' | 'sign';
  readonly text: string;
  /** Of a text in quotes, which need not be characters. */
  readonly octets?: Uint8Array;
  readonly place: Place;
}

const TOKEN =
  /(?<blank>[\s\0]+|#[^\n]*)|(?<quoted>"(?:\\[\s\S]|[^"\\])*")|(?<sign>!=|~=|~~|[{};,()=+|&^!<>])|(?<word>[^\s\0"{};,()=+|&^!<>#]+)/gy;

/** Takes the text of dhcpd.conf or dhcpd.leases apart; throws ConvertError unless a torn end is to be passed over. */
export function tokensOf(file: string, text: string, mayBeTorn = false): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  TOKEN.lastIndex = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const place = { file, line };
    if (match === null && mayBeTorn) break;
    if (match === null) throw new ConvertError(place, 'a text in quotes has no end');
    const { quoted, sign, word } = match.groups!;
    if (quoted !== undefined) tokens.push(textToken(quoted, place));
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, place });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, place });
    line += newlinesIn(match[0]);
    at = TOKEN.lastIndex;
  }
  return tokens;
}

function newlinesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

const ESCAPES: { readonly [letter: string]: number } = { t: 9, r: 13, n: 10, b: 8 };

function textToken(quoted: string, place: Place): Token {
  const octets = unescapeText(quoted.slice(1, -1));
  return { kind: 'text', text: new TextDecoder().decode(octets), octets, place };
}

/** The octets of what stands between quotes: `\"`, `\n`, `\x1f`, and in octal `\001`, as in a `uid`. */
function unescapeText(text: string): Uint8Array {
  const parts: Buffer[] = [];
  for (const [part] of text.matchAll(/\\x[\da-f]{1,2}|\\[0-7]{1,3}|\\[\s\S]|[^\\]+/gi)) {
    if (!part.startsWith('\\')) parts.push(Buffer.from(part));
    else if (/^\\[0-7]/.test(part)) parts.push(Buffer.of(Number.parseInt(part.slice(1), 8) & 0xff));
    else if (/^\\x./i.test(part)) parts.push(Buffer.of(Number.parseInt(part.slice(2), 16)));
    else parts.push(letterOf(part.slice(1)));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function letterOf(letter: string): Buffer {
  const code = ESCAPES[letter];
  return code === undefined ? Buffer.from(letter) : Buffer.of(code);
}
