import { join } from 'node:path';
import { ConvertError } from '../fault.ts';
import type { Place, Report } from '../report.ts';
import {
  type Files,
  INCLUDE_DEPTH_MAX,
  INCLUDES_MAX,
  labelOf,
  readIncluded,
  type SourceFile,
} from '../source.ts';

/** `name=part,part` or `name`. */
export interface Directive {
  readonly name: string;
  readonly parts: readonly string[];
  readonly place: Place;
}

/** Reads dnsmasq.conf and the files that it names; throws ConvertError where a text has no end. */
export function directivesOf(file: SourceFile, files: Files, report: Report): Directive[] {
  return new Reader(files, report).file(file, null, 0);
}

/** A directive as it was written, more or less. */
export function textOf({ name, parts }: Directive): string {
  return parts.length === 0 ? name : `${name}=${parts.join(',')}`;
}

/** Files of lines that are all of one kind. */
const LISTS: { readonly [name: string]: string } = {
  'dhcp-hostsfile': 'dhcp-host',
  'dhcp-hostsdir': 'dhcp-host',
  'dhcp-optsfile': 'dhcp-option',
  'dhcp-optsdir': 'dhcp-option',
};

class Reader {
  private readonly files: Files;
  private readonly report: Report;
  private included = 0;

  constructor(files: Files, report: Report) {
    this.files = files;
    this.report = report;
  }

  /** `kind` is that of every line, when the file has only what would be behind the `=`. */
  file(file: SourceFile, kind: string | null, depth: number): Directive[] {
    const label = labelOf(file.path);
    return file.text.split('\n').flatMap((line, i) => {
      const place = { file: label, line: i + 1 };
      const directive = directiveOf(line, kind, place);
      return directive === null ? [] : this.unfold(directive, file, depth);
    });
  }

  private unfold(directive: Directive, from: SourceFile, depth: number): Directive[] {
    const { name, parts, place } = directive;
    const [path] = parts;
    const isFolder = name === 'conf-dir' || name.endsWith('sdir');
    if (
      (name !== 'conf-file' && name !== 'conf-dir' && LISTS[name] === undefined) ||
      path === undefined
    ) {
      return [directive];
    }
    if (depth >= INCLUDE_DEPTH_MAX || ++this.included > INCLUDES_MAX) {
      throw new ConvertError(place, `${path} is included too often`);
    }
    const found = isFolder
      ? this.folder(path, parts.slice(1))
      : one(readIncluded(this.files, path, from.path));
    if (found === null) {
      this.report.add(
        place,
        textOf(directive),
        'there is no such file or folder',
        'name it by its path here',
      );
      return [];
    }
    return found.flatMap((file) => this.file(file, LISTS[name] ?? null, depth + 1));
  }

  /** `conf-dir=/etc/dnsmasq.d,.bak` leaves out names that end so, `*.conf` takes only those. */
  private folder(path: string, patterns: readonly string[]): SourceFile[] | null {
    const names = this.files.list(path);
    if (names === null) return null;
    const wanted = patterns.filter((one) => one.startsWith('*')).map((one) => one.slice(1));
    const unwanted = patterns.filter((one) => !one.startsWith('*') && one !== '');
    return names
      .filter((name) => !(name.endsWith('~') || name.startsWith('.') || /^#.*#$/.test(name)))
      .filter((name) => wanted.length === 0 || wanted.some((end) => name.endsWith(end)))
      .filter((name) => !unwanted.some((end) => name.endsWith(end)))
      .flatMap((name) => {
        const text = this.files.read(join(path, name));
        return text === null ? [] : [{ path: join(path, name), text }];
      });
  }
}

function one(file: SourceFile | null): SourceFile[] | null {
  return file === null ? null : [file];
}

function directiveOf(line: string, kind: string | null, place: Place): Directive | null {
  const text = withoutComment(line, place);
  if (text === '') return null;
  if (kind !== null) return { name: kind, parts: partsOf(text), place };
  const [, name, value] = /^([\w-]+)\s*(?:=\s*(.*))?$/s.exec(text) ?? [];
  if (name === undefined) throw new ConvertError(place, `"${text}" is no option=value`);
  return { name: name.toLowerCase(), parts: value === undefined ? [] : partsOf(value), place };
}

/** `"a,b"` is one; `\"` and `\\` are as they look. */
const PIECE = /"(?:\\.|[^"\\])*"|\\.|[^"]/gs;

// A `#` begins a comment at the beginning of a line or behind a blank, unless it is in quotes.
function withoutComment(line: string, place: Place): string {
  let text = '';
  let matched = 0;
  for (const [piece] of line.matchAll(PIECE)) {
    matched += piece.length;
    if (piece === '#' && (text === '' || /\s$/.test(text))) return text.trim();
    text += piece;
  }
  if (matched < line.length) throw new ConvertError(place, 'a text in quotes has no end');
  return text.trim();
}

const ESCAPES: { readonly [letter: string]: string } = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  e: '\x1b',
};

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, letter: string) => ESCAPES[letter] ?? letter);
}

function partsOf(text: string): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece === ',') parts.push('');
    else if (piece.startsWith('"')) parts[parts.length - 1] += unescaped(piece.slice(1, -1));
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''));
}
