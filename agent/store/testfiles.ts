import type { Millis, WallMillis } from '../../codec/machine.ts';
import {
  CLOCK_BYTES,
  FILE_KIND,
  type FileHeader,
  type FileKind,
  FRAME,
  FRAME_BYTES,
  FRAME_MAX,
  FRAMES_AT,
  FrameScanner,
  readHeader,
  sealFrame,
  writeClock,
  writeCount,
  writeHeader,
} from '../core/journal.ts';
import type { ClockRecord } from '../core/lease/clock.ts';
import { encodeLease, memoryOf } from '../core/lease/record.ts';
import { Leases } from '../core/lease/table.ts';
import type { Lease } from '../core/lease.ts';
import { Replay, type ReplayResult } from '../core/replay.ts';
import { NEW_YEAR } from './testleases.ts';

const SEED = 0xc0ffee;

/** Clocks as they were `minutes` into the year. */
export function clockAt(minutes: number): ClockRecord {
  const wall = (NEW_YEAR + 60_000 * minutes) as WallMillis;
  return {
    bootId: new Uint8Array(16).fill(3),
    boot: 60_000 * minutes,
    wall,
    lease: wall as Millis,
  };
}

/** A file of a store as it lies on a disk, made frame by frame. */
export class TestFile {
  readonly name: string;
  sequence: number;
  /** Where each frame ends. */
  readonly ends: number[] = [FRAMES_AT];
  private readonly memory = memoryOf(Buffer.alloc(256 * 1024));
  private end = FRAMES_AT;

  constructor(name: string, kind: FileKind, differing: Partial<FileHeader> & { first: number }) {
    this.name = name;
    this.sequence = kind === FILE_KIND.JOURNAL ? differing.first - 1 : 0;
    writeHeader(this.memory, {
      kind,
      seed: SEED,
      durable: differing.first - 1,
      store: new Uint8Array(16).fill(9),
      clock: clockAt(0),
      ...differing,
    });
  }

  /** A batch of a journal: a head, then changes; a number is the address to forget. */
  batch(...changes: readonly (Lease | number)[]): this {
    writeClock(this.memory, this.end + FRAME_BYTES, clockAt(this.sequence + 1));
    this.seal(FRAME.HEAD, CLOCK_BYTES);
    for (const change of changes) {
      if (typeof change === 'number') {
        this.memory.view.setUint32(this.end + FRAME_BYTES, change, true);
        this.seal(FRAME.FORGET, 4);
      } else {
        this.lease(change);
      }
    }
    return this;
  }

  /** All of a snapshot. */
  records(...leases: readonly Lease[]): this {
    for (const lease of leases) this.lease(lease);
    writeCount(this.memory.view, this.end + FRAME_BYTES, leases.length);
    this.seal(FRAME.END, 8);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.from(this.memory.bytes.subarray(0, this.end));
  }

  private lease(lease: Lease): void {
    const start = this.end + FRAME_BYTES;
    this.seal(FRAME.LEASE, encodeLease(lease, this.memory, start) - start);
  }

  private seal(kind: (typeof FRAME)[keyof typeof FRAME], payload: number): void {
    this.end = sealFrame(this.memory, this.end, kind, ++this.sequence, payload, SEED);
    this.ends.push(this.end);
  }
}

/** A journal whose sequences begin with `first`. */
export function aJournal(first: number, differing: Partial<FileHeader> = {}): TestFile {
  return new TestFile(`journal-${first}`, FILE_KIND.JOURNAL, { first, ...differing });
}

/** A snapshot before the journal that begins with `first`. */
export function aSnapshot(first: number, differing: Partial<FileHeader> = {}): TestFile {
  return new TestFile(`snapshot-${first}`, FILE_KIND.SNAPSHOT, { first, ...differing });
}

/** What comes of files that are read in pieces of `piece` octets. */
export function replayFiles(
  files: readonly { readonly name: string; readonly bytes: Buffer }[],
  piece?: number,
): { readonly leases: Leases; readonly result: ReplayResult } {
  const leases = new Leases({ secret: { low: 1, high: 2 } });
  const opened = files.map((file) => ({
    name: file.name,
    bytes: file.bytes,
    read: readHeader(memoryOf(file.bytes), file.bytes.length),
  }));
  const headers = opened.flatMap(({ read }) => (typeof read === 'string' ? [] : [read.header]));
  const replay = new Replay(leases, headers);
  for (const { name, bytes, read } of opened) {
    if (typeof read === 'string') replay.unreadable(name, read);
    else if (replay.begin(name, read.header, read.spoilt)) {
      scanInPieces(bytes, new FrameScanner(read.header.seed, replay), piece ?? bytes.length);
      replay.end();
    }
  }
  return { leases, result: replay.finish() };
}

function scanInPieces(bytes: Buffer, scanner: FrameScanner, piece: number): void {
  // Behind the piece lies what an earlier one left there.
  const window = memoryOf(Buffer.alloc(piece + FRAME_MAX, 0xa5));
  let kept = 0;
  let origin = FRAMES_AT;
  for (let last = false; !last; ) {
    const more = bytes.copy(window.bytes, kept, origin + kept, origin + kept + piece);
    last = more === 0;
    const done = scanner.scan(window, 0, kept + more, origin, last);
    window.bytes.copyWithin(0, done, kept + more);
    kept = kept + more - done;
    origin += done;
  }
}
