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
import { type Token, tokensOf } from './lexer.ts';

/** `tokens;` or `tokens { block }`. */
export interface Statement {
  readonly tokens: readonly Token[];
  readonly block: readonly Statement[] | null;
  readonly place: Place;
}

/** Reads dhcpd.conf and what it includes; throws ConvertError where it has no statements. */
export function statementsOf(file: SourceFile, files: Files, report: Report): Statement[] {
  return new Parser(files, report).file(file, 0);
}

/** Reads dhcpd.leases as far as it goes: a record that was being written when the power went has no end. */
export function leaseStatementsOf(file: SourceFile, report: Report): Statement[] {
  const tokens = tokensOf(labelOf(file.path), file.text, true);
  const cursor = new Cursor(tokens);
  const parser = new Parser(null, null);
  const statements: Statement[] = [];
  while (cursor.peek() !== undefined) {
    try {
      const statement = parser.statement(cursor, file, 0);
      if (statement !== null) statements.push(statement);
    } catch (error) {
      if (!(error instanceof ConvertError)) throw error;
      report.add(error.place, 'a lease', error.reason, 'nothing to do: the client will renew');
    }
  }
  return statements;
}

class Cursor {
  private readonly tokens: readonly Token[];
  private at = 0;
  last: Token | undefined;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  next(): Token | undefined {
    const token = this.tokens[this.at++];
    if (token !== undefined) this.last = token;
    return token;
  }

  peek(): Token | undefined {
    return this.tokens[this.at];
  }
}

class Parser {
  private readonly files: Files | null;
  private readonly report: Report | null;
  private included = 0;
  private inclusion = 0;

  constructor(files: Files | null, report: Report | null) {
    this.files = files;
    this.report = report;
  }

  file(file: SourceFile, depth: number): Statement[] {
    const tokens = tokensOf(labelOf(file.path), file.text);
    return this.block(new Cursor(tokens), file, depth, false);
  }

  block(cursor: Cursor, file: SourceFile, depth: number, inside: boolean): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      const token = cursor.peek();
      if (token === undefined) {
        if (inside)
          throw new ConvertError(cursor.last!.place, 'a block is not closed: "}" is missing');
        return statements;
      }
      if (isSign(token, '}')) {
        if (!inside) throw new ConvertError(token.place, '"}" closes no block');
        cursor.next();
        return statements;
      }
      const statement = this.statement(cursor, file, depth);
      if (statement !== null) statements.push(...this.unfold(statement, file, depth));
    }
  }

  /** Up to `;` or through a block; null for a stray `;`. */
  statement(cursor: Cursor, file: SourceFile, depth: number): Statement | null {
    const { place } = cursor.peek()!;
    if (depth > DEPTH_MAX) throw new ConvertError(place, 'blocks are nested too deep');
    const tokens: Token[] = [];
    for (;;) {
      const token = cursor.next();
      if (token === undefined || isSign(token, '}')) {
        throw new ConvertError(cursor.last!.place, '";" is missing');
      }
      if (isSign(token, ';')) return tokens.length === 0 ? null : { tokens, block: null, place };
      if (!isSign(token, '{')) tokens.push(token);
      else if (isRecordNext(tokens)) tokens.push(token, ...record(cursor));
      else
        return {
          tokens: some(tokens, place),
          block: this.block(cursor, file, depth + 1, true),
          place,
        };
    }
  }

  private unfold(statement: Statement, file: SourceFile, depth: number): Statement[] {
    const [verb, name] = statement.tokens;
    const isInclude = verb?.kind === 'word' && verb.text.toLowerCase() === 'include';
    if (!isInclude || this.files === null || name === undefined) return [statement];
    const { place } = statement;
    if (this.inclusion >= INCLUDE_DEPTH_MAX || ++this.included > INCLUDES_MAX) {
      throw new ConvertError(place, `${name.text} is included too often`);
    }
    const found = readIncluded(this.files, name.text, file.path);
    if (found !== null) {
      this.inclusion++;
      const inner = this.file(found, depth);
      this.inclusion--;
      return inner;
    }
    this.report!.add(
      place,
      `include ${name.text}`,
      'there is no such file',
      'name it by its path here',
    );
    return [];
  }
}

// `option x code 200 = { integer 8, text }` has braces that are no block.
function isRecordNext(tokens: readonly Token[]): boolean {
  const words = tokens.map(({ text }) => text.toLowerCase());
  if (words[0] !== 'option' || !words.includes('code')) return false;
  return words.at(-1) === '=' || words.at(-1) === 'of';
}

function some(tokens: readonly Token[], place: Place): readonly Token[] {
  if (tokens.length > 0) return tokens;
  throw new ConvertError(place, '"{" opens a block of nothing');
}

/** What is left of a record in braces, the last of them included. */
function record(cursor: Cursor): Token[] {
  const tokens: Token[] = [];
  for (let open = 1; open > 0; ) {
    const token = cursor.next();
    if (token === undefined) throw new ConvertError(cursor.last!.place, '"}" is missing');
    tokens.push(token);
    if (isSign(token, '{')) open++;
    if (isSign(token, '}')) open--;
  }
  return tokens;
}

/** Whether a token is this sign. */
export function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}
