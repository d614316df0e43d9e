import { putOption } from '../levels.ts';
import type { Report } from '../report.ts';
import { encodeValues, isUnencodable, type Written } from '../values.ts';
import { dataOf, octetsOfWord } from './expressions.ts';
import type { Token } from './lexer.ts';
import type { Scope } from './scope.ts';
import { DHCP, type KnownOption, type Spaces } from './spaces.ts';
import { isSign, type Statement } from './statements.ts';

/** Takes `option NAME VALUES` or `option NAME = EXPRESSION` into a block. */
export function setOption(
  statement: Statement,
  scope: Scope,
  spaces: Spaces,
  report: Report,
): void {
  const { place, tokens } = statement;
  const written = tokens[1]?.text ?? '';
  const what = `option ${written}`;
  const option = spaces.find(written);
  if (option === null) {
    const remedy = 'write it by its code in options.custom';
    report.add(place, textOf(tokens), 'the option is not known', remedy);
    return;
  }
  const values = tokens.slice(2);
  const data = isSign(values[0], '=')
    ? computed(values.slice(1), spaces, statement)
    : listed(option, values);
  if (typeof data === 'string') {
    report.add(place, textOf(tokens), data, remedyFor(option));
    return;
  }
  if (option.space === DHCP) {
    putOption(scope.level, option.code, data, { place, what, report });
    return;
  }
  const known = scope.encapsulated.get(option.space);
  if (known !== undefined) known.set(option.code, data);
  else scope.encapsulated.set(option.space, new Map([[option.code, data]]));
}

function remedyFor({ format }: KnownOption): string {
  const isAddress = format.fields[0] === 'address';
  return isAddress ? 'write addresses in options' : 'write its value in options';
}

/** The octets that an expression always gives, or why there are none. */
function computed(
  tokens: readonly Token[],
  spaces: Spaces,
  { place }: Statement,
): Uint8Array | string {
  const data = dataOf(tokens, spaces, place);
  if (data.kind === 'octets') return data.octets;
  return data.kind === 'unknown' ? data.what : 'its value depends on the client';
}

function listed(
  { format, code, space }: KnownOption,
  tokens: readonly Token[],
): Uint8Array | string {
  const values: Written[] = [];
  for (const token of tokens) {
    if (token.kind === 'sign') {
      if (token.text !== ',') return `"${token.text}" is no value`;
      continue;
    }
    if (token.octets !== undefined) values.push({ octets: token.octets });
    else values.push(wordValue(token.text, format.fields[values.length % format.fields.length]!));
  }
  const encoded = encodeValues(format, values, space === DHCP ? code : undefined);
  return isUnencodable(encoded) ? encoded.fault : encoded;
}

// Octets may be written with one digit here, and a number may be octal or hex.
function wordValue(word: string, type: string): Written {
  const octets = type === 'octets' || type === 'text' ? octetsOfWord(word) : null;
  return octets === null ? { word } : { octets };
}

/** A statement as it was written, more or less. */
export function textOf(tokens: readonly Token[]): string {
  return tokens
    .map(({ kind, text }) => (kind === 'text' ? `"${text}"` : text))
    .join(' ')
    .replace(/ ,/g, ',');
}
