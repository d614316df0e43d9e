import { copyFile, link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHeader } from '../core/journal.ts';
import type { Leases } from '../core/lease/table.ts';
import type { WriteDurably } from './durable.ts';
import { snapshotName, syncDirectory } from './files.ts';
import type { Loaded } from './load.ts';
import { writeSnapshot } from './snapshot.ts';

/** What has to be set right before a store that was read may be written to. */
export interface PrepareParts {
  readonly directory: string;
  readonly loaded: Loaded;
  readonly leases: Leases;
  readonly write: WriteDurably;
  /** Of the snapshot that takes the place of damaged files. */
  readonly header: Omit<FileHeader, 'kind'>;
  /** Appended to the names of damaged files, after `.corrupt-`. */
  readonly label: string;
}

/**
 * Cuts a torn tail off. When there is damage, or something sound behind what is torn, all files are replaced by a snapshot
 * of what could be read, and the damaged ones kept aside under the names returned. It can be interrupted at any point and
 * is then done again.
 */
export async function prepareStore(parts: PrepareParts): Promise<string[]> {
  const { directory, loaded } = parts;
  if (loaded.damage.length === 0 && (loaded.torn?.kept ?? 0) === 0) {
    await cutTail(directory, loaded);
    return [];
  }
  const there = new Set(loaded.files.map(({ name }) => name));
  const damaged = [...new Set(loaded.damage.map(({ file }) => file))].filter((f) => there.has(f));
  const kept: string[] = [];
  for (const name of damaged) kept.push(await keepAside(directory, name, parts.label));
  await syncDirectory(directory);
  const number = parts.header.first;
  await writeSnapshot({ ...parts, number, cancelled: () => false });
  for (const { name } of loaded.files) {
    if (name !== snapshotName(number)) await rm(join(directory, name), { force: true });
  }
  return kept;
}

/** Gives the octets behind the last sound frame back, and makes what was found durable: it may only be in memory yet. */
async function cutTail(directory: string, { files }: Loaded): Promise<void> {
  const last = files.at(-1);
  if (last?.kind !== 'journal') return;
  const handle = await open(join(directory, last.name), 'r+');
  try {
    if (last.bytes > last.soundEnd) await handle.truncate(last.soundEnd);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function keepAside(directory: string, name: string, label: string): Promise<string> {
  const kept = `${name}.corrupt-${label}`;
  const [from, to] = [join(directory, name), join(directory, kept)];
  // A second name rather than a new one: should we be interrupted, the next start must find the damage again.
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP') throw error;
    await copyFile(from, to);
  });
  return kept;
}
