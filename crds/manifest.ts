import type { Document as Yaml } from 'yaml';
import { isAlias, isMap, isNode, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { type Document, isDocumentName } from './document.ts';
import { API_VERSION, GROUP, KINDS, kindOf } from './kinds.ts';
import { nearest } from './nearest.ts';
import { type Path, parsePath } from './path.ts';
import type { Problem } from './problem.ts';
import type { ObjectMeta } from './types/common.ts';

export type { Document } from './document.ts';

/** A manifest's text, and what to call it in messages. */
export interface ManifestText {
  readonly file: string;
  readonly text: string;
}

/** What manifests hold. */
export interface Manifests {
  /** Objects of ours, in order. */
  readonly documents: Document[];
  /** What could not be read, or names no kind of ours although it should. */
  readonly problems: Problem[];
  /** What was passed over because it is somebody else's. */
  readonly warnings: Problem[];
}

/** Reads YAML or JSON, any number of documents a file, and takes Lists apart. */
export function readManifests(files: readonly ManifestText[]): Manifests {
  const manifests: Manifests = { documents: [], problems: [], warnings: [] };
  for (const { file, text } of files) {
    const lines = new LineCounter();
    // What kubectl takes, anchors and merge keys included, without the long excerpts of pretty errors.
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      // Its warnings go to the process's, and say nothing that our own problems do not.
      logLevel: 'error',
      merge: true,
      prettyErrors: false,
    });
    for (const [i, yaml] of [...parsed].entries()) {
      readYaml({ file, document: i + 1, yaml, lines, manifests });
    }
  }
  return manifests;
}

interface Source {
  readonly file: string;
  readonly document: number;
  readonly yaml: Yaml.Parsed;
  readonly lines: LineCounter;
  readonly manifests: Manifests;
}

function readYaml(source: Source): void {
  const { yaml, lines } = source;
  for (const { pos, message } of yaml.errors) {
    const { line, col } = lines.linePos(pos[0]);
    refuse(source, { line, column: col, reason: 'InvalidYaml', message: `not YAML: ${message}` });
  }
  if (yaml.errors.length > 0) return;
  let value: unknown;
  try {
    // The library refuses aliases that unfold into more than a hundred times of what is written.
    value = yaml.toJS();
  } catch (error) {
    const message = `not YAML: ${(error as Error).message}`;
    refuse(source, { line: lineAt(source, []), reason: 'InvalidYaml', message });
    return;
  }
  if (value !== null && value !== undefined) readValue(source, [], value);
}

const FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** Lists hold objects, not Lists; more than this is somebody's joke. */
const DEPTH_MAX = 4;

function readValue(source: Source, base: Path, value: unknown): void {
  const line = lineAt(source, base);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = 'not an object: write apiVersion, kind, metadata and spec';
    refuse(source, { line, reason: 'NotAnObject', message });
    return;
  }
  const { apiVersion, kind, items } = value as Record<string, unknown>;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    if (base.length >= 2 * DEPTH_MAX) return;
    for (const [i, item] of items.entries()) readValue(source, [...base, 'items', i], item);
    return;
  }
  const object = value as Record<string, unknown>;
  if (kind === LATER && apiVersion === API_VERSION) {
    note(source, base, object, 'ignored: attaching pods is not what this agent does');
    return;
  }
  if (!isOurs(source, base, object)) {
    if (apiVersion !== undefined && kind !== undefined) {
      note(source, base, object, `ignored: ${textOf(apiVersion)} is not ${API_VERSION}`);
    }
    return;
  }
  readObject(source, base, object);
}

/** A kind of ours for the CNI daemon; manifests may hold it beside the others. */
const LATER = 'DhcpNetwork';

function note(source: Source, base: Path, object: Record<string, unknown>, message: string): void {
  const name = textOf((object.metadata as ObjectMeta | undefined)?.name);
  const kind = textOf(object.kind);
  const line = lineAt(source, base);
  const found = { line, kind, name, reason: 'Ignored', message };
  source.manifests.warnings.push({ ...EMPTY, ...placeOf(source), ...found });
}

// Whether it should be one of our kinds. What is wrong with saying so has been told when this is true.
function isOurs(
  source: Source,
  base: Path,
  { apiVersion, kind }: Record<string, unknown>,
): boolean {
  if (textOf(apiVersion).startsWith(`${GROUP}/`) || kindOf(textOf(kind)) !== null) return true;
  if (apiVersion !== undefined && kind !== undefined) return false;
  const field = apiVersion === undefined ? 'apiVersion' : 'kind';
  const message = `is missing: write ${field === 'kind' ? KIND_NAMES : API_VERSION}`;
  refuse(source, { line: lineAt(source, base), path: field, reason: 'Missing', message });
  return false;
}

const KIND_NAMES = KINDS.map(({ kind }) => kind).join(', ');

function readObject(source: Source, base: Path, object: Record<string, unknown>): void {
  const { apiVersion, kind, metadata, spec } = object;
  const faults = [...identityFaults(apiVersion, kind), ...metadataFaults(metadata)];
  for (const field of Object.keys(object).filter((name) => !FIELDS.includes(name))) {
    const meant = nearest(field, FIELDS);
    const hint = meant === null ? `known are ${FIELDS.join(', ')}` : `did you mean "${meant}"?`;
    faults.push({ path: field, reason: 'UnknownField', message: `unknown field; ${hint}` });
  }
  const { name, namespace } = (metadata ?? {}) as { name?: unknown; namespace?: unknown };
  for (const fault of faults) {
    const line = lineAt(source, [...base, ...parsePath(fault.path)]);
    const called = [textOf(namespace), textOf(name)].filter((part) => part !== '').join('/');
    refuse(source, { line, kind: textOf(kind), name: called, ...fault });
  }
  if (faults.length > 0) return;
  source.manifests.documents.push({
    ...placeOf(source),
    line: lineAt(source, base),
    apiVersion: API_VERSION,
    kind: textOf(kind),
    metadata: metadata as ObjectMeta,
    spec,
    lineOf: (path) => lineAt(source, [...base, ...parsePath(path)]),
  });
}

type Fault = Pick<Problem, 'path' | 'reason' | 'message'>;

function identityFaults(apiVersion: unknown, kind: unknown): Fault[] {
  const faults: Fault[] = [];
  if (apiVersion !== API_VERSION) {
    const found = apiVersion === undefined ? 'is missing' : `"${textOf(apiVersion)}" is not known`;
    const message = `${found}: write ${API_VERSION}`;
    faults.push({ path: 'apiVersion', reason: 'UnknownVersion', message });
  }
  if (kindOf(textOf(kind)) === null) {
    const known = KINDS.map((one) => one.kind);
    const meant = nearest(textOf(kind), known);
    const hint = meant === null ? `known are ${KIND_NAMES}` : `did you mean "${meant}"?`;
    const found = kind === undefined ? 'is missing' : `"${textOf(kind)}" is no kind of ${GROUP}`;
    faults.push({ path: 'kind', reason: 'UnknownKind', message: `${found}; ${hint}` });
  }
  return faults;
}

function metadataFaults(metadata: unknown): Fault[] {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return [{ path: 'metadata', reason: 'Missing', message: 'is missing: write metadata.name' }];
  }
  const { name, namespace } = metadata as { name?: unknown; namespace?: unknown };
  const faults: Fault[] = [];
  for (const [path, value] of [
    ['metadata.name', name],
    ['metadata.namespace', namespace ?? 'default'],
  ] as const) {
    if (typeof value === 'string' && isDocumentName(value)) continue;
    const found = value === undefined ? 'is missing' : `${JSON.stringify(value)} is no name`;
    const message = `${found}: write lower-case letters, digits, "-" and "." such as office-1`;
    faults.push({ path, reason: 'InvalidName', message });
  }
  return faults;
}

const EMPTY = { line: 0, column: 0, kind: '', name: '', path: '' };

function refuse(source: Source, fault: Partial<Problem> & Omit<Fault, 'path'>): void {
  source.manifests.problems.push({ ...EMPTY, ...placeOf(source), ...fault });
}

function placeOf({ file, document }: Source): { file: string; document: number } {
  return { file, document };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

// The line of a field's name, or of what there is of the way to it.
function lineAt({ yaml, lines }: Source, path: Path): number {
  let node: unknown = yaml.contents;
  let offset = offsetOf(node) ?? yaml.range[0];
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(yaml);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(key) === String(step));
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = offsetOf(node) ?? offset;
    } else {
      break;
    }
  }
  return lines.linePos(offset).line;
}

function offsetOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
