import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** Reads a file that another one includes, or lists a folder; null when there is none. */
export interface Files {
  read(path: string): string | null;
  /** Names of the files in a folder, in order. */
  list(folder: string): readonly string[] | null;
}

/** A file by the name it has in the report. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** How a file is called in the report: as its folder is known, by its name. */
export function labelOf(path: string): string {
  return basename(path);
}

/**
 * Reads what `path` names in the file `from`: as it is, else beside that file, as one does with a copy of another
 * machine's folder. Null when it is not there.
 */
export function readIncluded(files: Files, path: string, from: string): SourceFile | null {
  const places = [
    isAbsolute(path) ? path : join(dirname(from), path),
    join(dirname(from), basename(path)),
  ];
  for (const place of places) {
    const text = files.read(place);
    if (text !== null) return { path: place, text };
  }
  return null;
}

/** Files inside each other, and files in all: what includes itself ends there. */
export const INCLUDE_DEPTH_MAX = 16;
export const INCLUDES_MAX = 1000;

/** The files of this machine. */
export const onDisk: Files = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  list: (folder) => {
    try {
      return readdirSync(folder).sort();
    } catch {
      return null;
    }
  },
};
