import type { FileHandle } from 'node:fs/promises';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileHeader, FRAMES_AT, writeHeader } from '../core/journal.ts';
import { memoryOf } from '../core/lease/record.ts';

/** A file of a store by its name. */
export interface StoreFile {
  readonly name: string;
  readonly kind: 'journal' | 'snapshot';
  /** A journal's lowest possible sequence; a snapshot stands before the journal of its number. */
  readonly number: number;
}

/** Where the leases of a server are kept; it is called `namespace/name`, or by its name alone. */
export function storeDirectory(stateDir: string, server: string): string {
  return join(stateDir, 'servers', server.replaceAll('/', '_'));
}

/** Digits of a number in a name, so that names sort as numbers do: 2^48 sequences. */
const DIGITS = 15;

export function journalName(number: number): string {
  return `journal-${String(number).padStart(DIGITS, '0')}`;
}

export function snapshotName(number: number): string {
  return `snapshot-${String(number).padStart(DIGITS, '0')}`;
}

/** The files of a store in the order of their replay; others, such as those kept aside, are left out. */
export async function listFiles(directory: string): Promise<StoreFile[]> {
  const files: StoreFile[] = [];
  for (const name of await readdir(directory)) {
    const match = /^(journal|snapshot)-(\d{15})$/.exec(name);
    if (match === null) continue;
    files.push({ name, kind: match[1] as StoreFile['kind'], number: Number(match[2]) });
  }
  const rank = (file: StoreFile): number => (file.kind === 'snapshot' ? 0 : 1);
  return files.sort((a, b) => a.number - b.number || rank(a) - rank(b));
}

/** A file that is written under another name until it is whole. */
export interface NewFile {
  readonly handle: FileHandle;
  /** Gives it its name, durably. */
  publish(): Promise<void>;
  /** Gives it up. */
  abandon(): Promise<void>;
}

/** Begins a file with its header, synced; it has no name in the store until it is published. */
export async function createFile(
  directory: string,
  name: string,
  header: FileHeader,
): Promise<NewFile> {
  const path = join(directory, name);
  const handle = await open(`${path}.tmp`, 'w', 0o600);
  const abandon = async (): Promise<void> => {
    await handle.close().catch(() => {});
    await rm(`${path}.tmp`, { force: true }).catch(() => {});
  };
  try {
    const memory = memoryOf(Buffer.alloc(FRAMES_AT));
    writeHeader(memory, header);
    await handle.write(memory.bytes);
    await handle.sync();
  } catch (error) {
    await abandon();
    throw error;
  }
  const publish = async (): Promise<void> => {
    await rename(`${path}.tmp`, path);
    await syncDirectory(directory);
  };
  return { handle, publish, abandon };
}

/** Makes names that were given or taken in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what a process left half written. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (/^(journal|snapshot)-\d{15}\.tmp$/.test(name)) await rm(join(directory, name));
  }
}
