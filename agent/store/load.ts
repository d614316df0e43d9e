import type { FileHandle } from 'node:fs/promises';
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
  const opened: OpenFile[] = [];
  try {
    for (const file of files) opened.push(await openFile(directory, file));
    const headers = opened.flatMap(({ read }) => (typeof read === 'string' ? [] : [read.header]));
    const course = new Replay(leases, headers);
    const loaded: LoadedFile[] = [];
    for (const file of opened) {
      const soundEnd = await replayFile(file, course);
      const { size: bytes } = await file.handle.stat();
      loaded.push({ ...file.file, bytes, soundEnd });
    }
    return { ...course.finish(), files: loaded };
  } finally {
    for (const { handle } of opened) await handle.close();
  }
}

interface OpenFile {
  readonly file: StoreFile;
  readonly handle: FileHandle;
  readonly read: ReturnType<typeof readHeader>;
}

async function openFile(directory: string, file: StoreFile): Promise<OpenFile> {
  const path = join(directory, file.name);
  const handle = await open(path, 'r');
  try {
    const memory = memoryOf(Buffer.alloc(FRAMES_AT));
    const { bytesRead } = await handle.read(memory.bytes, 0, FRAMES_AT, 0);
    const read = readHeader(memory, bytesRead);
    if (read === 'newer') throw new NewerFormatError(path);
    return { file, handle, read };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Gives the end of the last sound frame. */
async function replayFile({ file, handle, read }: OpenFile, course: Replay): Promise<number> {
  if (typeof read === 'string') {
    course.unreadable(file.name, read === 'short' ? 'it has no header' : 'its header is damaged');
    return 0;
  }
  if (!course.begin(file.name, read.header, read.spoilt)) return 0;
  const memory = memoryOf(Buffer.allocUnsafeSlow(PIECE_BYTES + FRAME_MAX));
  const scanner = new FrameScanner(read.header.seed, course);
  let origin = FRAMES_AT;
  let kept = 0;
  for (let last = false; !last; ) {
    const { bytesRead } = await handle.read(memory.bytes, kept, PIECE_BYTES, origin + kept);
    last = bytesRead === 0;
    const done = scanner.scan(memory, 0, kept + bytesRead, origin, last);
    memory.bytes.copyWithin(0, done, kept + bytesRead);
    kept = kept + bytesRead - done;
    origin += done;
  }
  course.end();
  return scanner.soundEnd;
}
