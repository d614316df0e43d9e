import type { Problem } from './problem.ts';
import type { ObjectMeta } from './types/common.ts';

/** One object of ours as somebody wrote it: its kind and name are known, its spec is not checked yet. */
export interface Document {
  /** As it was named; empty for an object that comes from an API server. */
  readonly file: string;
  /** Which document of the file, from 1. */
  readonly document: number;
  /** Where it begins, from 1; 0 when there is no text. */
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: unknown;
  /** The line that `spec.a[0].b` stands on, or that of what would hold it. */
  lineOf(path: string): number;
}

/** `namespace/name`, or the name alone. */
export function nameOf({ metadata }: Pick<Document, 'metadata'>): string {
  const { name, namespace } = metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** `Kind/namespace/name`: what no two objects may share. */
export function keyOf(document: Pick<Document, 'kind' | 'metadata'>): string {
  return `${document.kind}/${nameOf(document)}`;
}

/** Whether Kubernetes would take the name: a DNS subdomain (RFC 1123 §2.1). */
export function isDocumentName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
}

/** An object that does not come from a file. */
export function documentOf(
  object: Pick<Document, 'apiVersion' | 'kind' | 'metadata' | 'spec'>,
): Document {
  const { apiVersion, kind, metadata, spec } = object;
  return { file: '', document: 1, line: 0, apiVersion, kind, metadata, spec, lineOf: () => 0 };
}

/** A problem of `document` at `path`. */
export function problemOf(
  document: Document,
  { path, reason, message }: Pick<Problem, 'path' | 'reason' | 'message'>,
): Problem {
  const { file, kind } = document;
  const line = document.lineOf(path);
  const name = nameOf(document);
  return { file, document: document.document, line, column: 0, kind, name, path, reason, message };
}
