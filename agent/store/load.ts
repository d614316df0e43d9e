import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAME_MAX, FRAMES_AT, FrameScanner, readHeader } from '../core/journal.ts';
import { memoryOf } from '../core/lease/record.ts';
import type { Leases } from '../core/lease/table.ts';
import { Replay, type ReplayResult } from '../core/replay.ts';
import { listFiles, type StoreFile } from './files.ts';

/** What is read at once: some 5,000 records, about 10 ms of work between two looks at the event loop. */
const PIECE_BYTES = 1 << 20;

/** What was found in a directory. */
export interface Loaded extends ReplayResult {
  /** Those that were read, in order, with their octets. */
  readonly files: readonly LoadedFile[];
}

export interface LoadedFile extends StoreFile {
  readonly bytes: number;
  /** Where its last sound frame ends. */
  readonly soundEnd: number;
}

/** The store was written in a format that this program does not know; nothing was changed. */
export class NewerFormatError extends Error {
  readonly code = 'ENEWERFORMAT';

  constructor(path: string) {
    super(
      `${path} was written by a newer version of this program: run that one, or move the directory away to start without leases`,
    );
    this.name = 'NewerFormatError';
  }
}

/** Reads a store into an empty table. Starts with the newest snapshot; if that is damaged, with everything there is. */
export async function loadFiles(directory: string, leases: Leases): Promise<Loaded> {
  const files = await listFiles(directory);
  const newest = files.findLastIndex(({ kind }) => kind === 'snapshot');
  const loaded = await replay(directory, files.slice(Math.max(newest, 0)), leases);
  const spoilt = loaded.damage.some(({ file }) => file === files[newest]?.name);
  if (newest <= 0 || !spoilt) return loaded;
  leases.clear();
  return replay(directory, files, leases);
}

async function replay(
  directory: string,
  files: readonly StoreFile[],
  leases: Leases,
): Promise<Loaded> {
  const course = new Replay(leases);
  const loaded: LoadedFile[] = [];
  for (const file of files) loaded.push(await replayFile(directory, file, course));
  return { ...course.finish(), files: loaded };
}

async function replayFile(directory: string, file: StoreFile, course: Replay): Promise<LoadedFile> {
  const path = join(directory, file.name);
  const handle = await open(path, 'r');
  try {
    const memory = memoryOf(Buffer.allocUnsafeSlow(PIECE_BYTES + FRAME_MAX));
    const { bytesRead } = await handle.read(memory.bytes, 0, FRAMES_AT, 0);
    const { size } = await handle.stat();
    const read = readHeader(memory, bytesRead);
    if (read === 'newer') throw new NewerFormatError(path);
    if (read === 'short' || read === 'damaged') {
      course.unreadable(file.name, read === 'short' ? 'it has no header' : 'its header is damaged');
      return { ...file, bytes: size, soundEnd: 0 };
    }
    if (!course.begin(file.name, read.header, read.spoilt)) {
      return { ...file, bytes: size, soundEnd: 0 };
    }
    const scanner = new FrameScanner(read.header.seed, course);
    let origin = FRAMES_AT;
    let kept = 0;
    for (let last = false; !last; ) {
      const { bytesRead: more } = await handle.read(memory.bytes, kept, PIECE_BYTES, origin + kept);
      last = more === 0;
      const done = scanner.scan(memory, 0, kept + more, origin, last);
      memory.bytes.copyWithin(0, done, kept + more);
      kept = kept + more - done;
      origin += done;
    }
    course.end();
    return { ...file, bytes: size, soundEnd: scanner.soundEnd };
  } finally {
    await handle.close();
  }
}
