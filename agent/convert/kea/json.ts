import { ConvertError, DEPTH_MAX } from '../fault.ts';
import type { Place, Report } from '../report.ts';
import {
  type Files,
  INCLUDE_DEPTH_MAX,
  INCLUDES_MAX,
  labelOf,
  readIncluded,
  type SourceFile,
} from '../source.ts';

/** A value of JSON, and where it stands. */
export interface Json {
  readonly place: Place;
  readonly value: string | number | boolean | null | readonly Json[] | ReadonlyMap<string, Json>;
}

/** Reads JSON as Kea has it: with comments, a comma too many, and `<?include "file"?>`; throws ConvertError. */
export function parseJson(file: SourceFile, files: Files, report: Report): Json {
  const tokens = new Tokenizer(files, report).tokens(file, 0);
  const parser = new Parser(tokens, { file: labelOf(file.path), line: 0 });
  return parser.whole();
}

interface Token {
  readonly kind: 'sign' | 'text' | 'word';
  readonly text: string;
  readonly place: Place;
}

const TOKEN =
  /(?<blank>\s+|\/\/[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/)|<\?include\s*"(?<include>[^"\n]*)"\s*\?>|(?<quoted>"(?:\\.|[^"\\\n])*")|(?<sign>[{}[\],:])|(?<word>[\w.+-]+)/y;

class Tokenizer {
  private readonly files: Files;
  private readonly report: Report;
  private included = 0;

  constructor(files: Files, report: Report) {
    this.files = files;
    this.report = report;
  }

  tokens(file: SourceFile, depth: number): Token[] {
    const { text } = file;
    const tokens: Token[] = [];
    const label = labelOf(file.path);
    let line = 1;
    for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(text);
      const place = { file: label, line };
      if (match === null) throw new ConvertError(place, `${text.slice(at, at + 12)} is no JSON`);
      line += match[0].split('\n').length - 1;
      const { include, quoted, sign, word } = match.groups!;
      const end = TOKEN.lastIndex;
      if (include !== undefined) {
        for (const token of this.inclusion(include, file, place, depth)) tokens.push(token);
      } else if (quoted !== undefined)
        tokens.push({ kind: 'text', text: unquoted(quoted, place), place });
      else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, place });
      else if (word !== undefined) tokens.push({ kind: 'word', text: word, place });
      TOKEN.lastIndex = end;
    }
    return tokens;
  }

  private inclusion(name: string, from: SourceFile, place: Place, depth: number): Token[] {
    if (depth >= INCLUDE_DEPTH_MAX || ++this.included > INCLUDES_MAX) {
      throw new ConvertError(place, `${name} is included too often`);
    }
    const found = readIncluded(this.files, name, from.path);
    if (found !== null) return this.tokens(found, depth + 1);
    this.report.add(place, `include ${name}`, 'there is no such file', 'name it by its path here');
    return [];
  }
}

function unquoted(quoted: string, place: Place): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new ConvertError(place, `${quoted} has an escape that JSON has not`);
  }
}

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;
  private place: Place;

  constructor(tokens: readonly Token[], start: Place) {
    this.tokens = tokens;
    this.place = start;
  }

  whole(): Json {
    const value = this.value(0);
    const rest = this.tokens[this.at];
    if (rest !== undefined) throw new ConvertError(rest.place, `"${rest.text}" is behind the end`);
    return value;
  }

  private value(depth: number): Json {
    const { kind, text, place } = this.next();
    if (depth > DEPTH_MAX) throw new ConvertError(place, 'lists and objects are nested too deep');
    if (kind === 'text') return { place, value: text };
    if (kind === 'word') return { place, value: literalOf(text, place) };
    if (text === '{') return { place, value: this.object(depth + 1) };
    if (text === '[') return { place, value: this.array(depth + 1) };
    throw new ConvertError(place, `"${text}" is no value`);
  }

  private array(depth: number): Json[] {
    const values: Json[] = [];
    while (!this.skip(']')) {
      values.push(this.value(depth));
      if (!this.skip(',') && this.tokens[this.at]?.text !== ']') this.missing('"," or "]"');
    }
    return values;
  }

  private object(depth: number): Map<string, Json> {
    const fields = new Map<string, Json>();
    while (!this.skip('}')) {
      const { kind, text, place } = this.next();
      if (kind !== 'text') throw new ConvertError(place, `"${text}" is no name in quotes`);
      if (!this.skip(':')) this.missing('":"');
      fields.set(text, this.value(depth));
      if (!this.skip(',') && this.tokens[this.at]?.text !== '}') this.missing('"," or "}"');
    }
    return fields;
  }

  private next(): Token {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new ConvertError(this.place, 'it ends too early');
    this.place = token.place;
    return token;
  }

  private skip(text: string): boolean {
    const token = this.tokens[this.at];
    if (token?.kind !== 'sign' || token.text !== text) return false;
    this.at++;
    return true;
  }

  private missing(what: string): never {
    throw new ConvertError(this.tokens[this.at]?.place ?? this.place, `${what} is missing`);
  }
}

function literalOf(text: string, place: Place): number | boolean | null {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  const number = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw new ConvertError(place, `"${text}" is no value: text goes in quotes`);
}
