import { readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Millis } from '../codec/machine.ts';

/** A manifest as it lies on disk. */
export interface ManifestFile {
  readonly file: string;
  readonly text: string;
}

/** An editor writes, renames and changes the mode: one edit, several events. */
const SETTLE: Millis = 100;

const UNREADABLE: { readonly [code: string]: string } = {
  ENOENT: 'no such file',
  EISDIR: 'is a folder: name a file in it',
  EACCES: 'this user may not read it',
};

/** The text of a file; throws an Error of one line that names it. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: ${UNREADABLE[code] ?? (code || error)}`);
  }
}

/** Reads files, and of folders every .yaml, .yml and .json in them, in order of name; throws an Error of one line. */
export function readManifestFiles(paths: readonly string[]): ManifestFile[] {
  return paths.flatMap((path) => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined) throw new Error(`${path}: no such file or folder`);
    if (!info.isDirectory()) return [readManifest(path)];
    const names = readdirSync(path).filter(isManifest).sort();
    if (names.length === 0) throw new Error(`${path}: no .yaml, .yml or .json file in this folder`);
    return names.map((name) => readManifest(join(path, name)));
  });
}

/**
 * Calls back when anything that `paths` name may have changed. Folders are watched rather than files, so that a file
 * that is replaced, or a ConfigMap whose link is turned, is seen. Returns how to stop.
 */
export function watchManifestFiles(paths: readonly string[], onChange: () => void): () => void {
  let settled: NodeJS.Timeout | null = null;
  const changed = (): void => {
    if (settled !== null) clearTimeout(settled);
    settled = setTimeout(onChange, SETTLE);
  };
  const watchers = paths.map((path) => {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return watch(path, changed);
    const name = basename(path);
    return watch(dirname(path), (_, changedName) => {
      // ConfigMap volumes turn the link ..data, whatever the file is called.
      if (changedName === null || changedName === name || changedName.startsWith('..')) changed();
    });
  });
  return () => {
    if (settled !== null) clearTimeout(settled);
    for (const watcher of watchers) watcher.close();
  };
}

function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name) && !name.startsWith('.');
}

function readManifest(file: string): ManifestFile {
  return { file, text: readText(file) };
}
