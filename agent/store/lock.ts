import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { addon } from '../net/addon.ts';

/** Another process, or this one, has the store open. */
export class StoreLockedError extends Error {
  readonly code = 'ELOCKED';

  constructor(directory: string, owner: string) {
    super(`the lease store in ${directory} is in use by ${owner}: two servers must not share one`);
    this.name = 'StoreLockedError';
  }
}

/**
 * Takes the lock of a store, which the kernel gives back when the process ends, however it ends. The directory itself is
 * locked, as that needs no permission to write; a file in it tells people who has it. Returns what gives it back.
 */
export function lockDirectory(directory: string): () => void {
  const owner = join(directory, 'owner');
  const fd = openSync(directory, 'r');
  let taken = false;
  try {
    taken = addon().lockFile(fd);
    if (!taken) throw new StoreLockedError(directory, ownerOf(owner));
  } finally {
    if (!taken) closeSync(fd);
  }
  try {
    writeFileSync(owner, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
  } catch {
    // Read-only or full: the lock holds without it.
  }
  return () => {
    try {
      rmSync(owner, { force: true });
    } catch {
      // As above.
    }
    closeSync(fd);
  };
}

function ownerOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'another process';
  } catch {
    return 'another process';
  }
}
