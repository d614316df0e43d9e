import {
  FILE_KIND,
  type FileHeader,
  FRAME,
  FRAME_BYTES,
  FRAME_MAX,
  FRAMES_AT,
  sealFrame,
  writeCount,
} from '../core/journal.ts';
import { memoryOf } from '../core/lease/record.ts';
import type { Leases } from '../core/lease/table.ts';
import { type WriteDurably, written } from './durable.ts';
import { createFile, snapshotName } from './files.ts';

/** Records copied before packets get their turn: 0.2 ms. Syncing each slice keeps the disk from a backlog that the journal would wait behind. */
const SLICE_RECORDS = 500;
const SLICE_BYTES = 256 * 1024;

export interface SnapshotParts {
  readonly directory: string;
  /** The number of the journal that goes on from here. */
  readonly number: number;
  readonly header: Omit<FileHeader, 'kind'>;
  readonly leases: Leases;
  readonly write: WriteDurably;
  /** Asked between slices. */
  readonly cancelled: () => boolean;
}

/**
 * Writes all leases to a snapshot, in slices between which they may change: the journal of its number has what changed.
 * Gives its octets, or null when it was cancelled. Throws what the file system says; nothing is left behind then.
 */
export async function writeSnapshot(parts: SnapshotParts): Promise<number | null> {
  const { directory, leases, cancelled } = parts;
  const header = { ...parts.header, kind: FILE_KIND.SNAPSHOT };
  const file = await createFile(directory, snapshotName(parts.number), header);
  const writer = new SliceWriter(leases, header.seed);
  let position = FRAMES_AT;
  try {
    while (!writer.finished) {
      if (cancelled()) {
        await file.abandon();
        return null;
      }
      const length = writer.slice();
      await written(parts.write, file.handle.fd, writer.memory.bytes, length, position);
      position += length;
    }
    await file.publish();
    await file.handle.close();
    return position;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

class SliceWriter {
  readonly memory = memoryOf(Buffer.allocUnsafeSlow(SLICE_BYTES + FRAME_MAX));
  finished = false;
  private readonly leases: Leases;
  private readonly seed: number;
  private slot = 0;
  private count = 0;

  constructor(leases: Leases, seed: number) {
    this.leases = leases;
    this.seed = seed;
  }

  /** Fills the memory with the next frames and gives their octets. */
  slice(): number {
    const { memory, leases } = this;
    const until = this.count + SLICE_RECORDS;
    let end = 0;
    while (this.slot < leases.slots && this.count < until && end < SLICE_BYTES) {
      const payload = leases.copySlot(this.slot++, memory.bytes, end + FRAME_BYTES);
      if (payload > 0) end = this.seal(end, FRAME.LEASE, payload);
    }
    if (this.slot >= leases.slots) {
      writeCount(memory.view, end + FRAME_BYTES, this.count);
      end = this.seal(end, FRAME.END, 8);
      this.finished = true;
    }
    return end;
  }

  private seal(at: number, kind: typeof FRAME.LEASE | typeof FRAME.END, payload: number): number {
    return sealFrame(this.memory, at, kind, ++this.count, payload, this.seed);
  }
}
