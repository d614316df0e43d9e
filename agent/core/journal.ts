import type { Millis, WallMillis } from '../../codec/machine.ts';
import { crc32c } from './crc32c.ts';
import type { ClockRecord } from './lease/clock.ts';
import { type Memory, RECORD_MAX } from './lease/record.ts';

// A store is a directory of files of two kinds, both a header and frames. Little-endian.
//
//   journal-N    changes, in batches that each begin with a `head` frame; no sequence in it is below N
//   snapshot-N   every record that the journals before N came to, closed by an `end` frame
//
// The header stands twice, since without its seed nothing after it can be read:
//
//    0  "DHCPLEAS"     8  version (16 bits)   10  kind   12  seed of the frames' checksums, of a store
//   16  first: no sequence in this journal is lower; those after this snapshot begin with it
//   24  durable: the sequence up to which all was durable when this file was begun
//   32  store: 16 random octets, so that a file of another store is noticed; the seed is as secret as
//       the directory, so that no client can name itself a frame
//   48  clock: lease, boot, wall (3 × 8, IEEE 754), boot id (16)   124  CRC-32C of 0..123
//
// A frame:
//
//    0  CRC-32C of what follows    4  0xa5 0x1e    6  kind   8  length of the frame (16 bits)
//   10  sequence, its high 16 bits   12  its low 32 bits   16  payload
//
// Sequences number the frames of all journals without a gap (in a snapshot they count from 1 and mean nothing). A batch is
// written when the one before it is durable, so a head promises that every sequence before it is there; a header
// promises it up to `durable`. What would lie between that and `first` failed to become durable and was given up, also if
// it is there. A sequence that is missing although it was promised is damage. One that was not is part of a torn tail:
// how a process ends.

export const VERSION = 1;
export const HEADER_BYTES = 128;
/** Offset of the first frame: after the header and its copy. */
export const FRAMES_AT = 2 * HEADER_BYTES;
/** Octets of a frame before its payload. */
export const FRAME_BYTES = 16;
/** The longest frame. */
export const FRAME_MAX = FRAME_BYTES + RECORD_MAX;
/** Octets of a clock in a header or a head. */
export const CLOCK_BYTES = 40;

export const FILE_KIND = { JOURNAL: 1, SNAPSHOT: 2 } as const;
export type FileKind = (typeof FILE_KIND)[keyof typeof FILE_KIND];

/** Payloads: a record (`encodeLease`); an address (32 bits); a clock; the number of records in a snapshot (64 bits). */
export const FRAME = { LEASE: 1, FORGET: 2, HEAD: 3, END: 4 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

/** What a file says of itself. */
export interface FileHeader {
  readonly kind: FileKind;
  readonly seed: number;
  readonly first: number;
  readonly durable: number;
  readonly store: Uint8Array;
  readonly clock: ClockRecord;
}

/** Why the octets at the start of a file are no header. `newer` is sound, but of a program with another format. */
export type HeaderFault = 'short' | 'damaged' | 'newer';

const MAGIC = Uint8Array.from('DHCPLEAS', (letter) => letter.charCodeAt(0));
const CHECKSUM_AT = 124;
const MARK_LOW = 0xa5;
const MARK_HIGH = 0x1e;

/** Writes a header twice; the frames follow at FRAMES_AT. */
export function writeHeader(memory: Memory, header: FileHeader): void {
  const { bytes, view } = memory;
  bytes.fill(0, 0, FRAMES_AT);
  bytes.set(MAGIC, 0);
  view.setUint16(8, VERSION, true);
  bytes[10] = header.kind;
  view.setUint32(12, header.seed, true);
  writeCount(view, 16, header.first);
  writeCount(view, 24, header.durable);
  bytes.set(header.store, 32);
  writeClock(memory, 48, header.clock);
  view.setUint32(CHECKSUM_AT, crc32c(bytes, 0, CHECKSUM_AT, 0), true);
  bytes.copyWithin(HEADER_BYTES, 0, HEADER_BYTES);
}

/** Reads a header; `spoilt` when only one of its copies is sound. */
export function readHeader(
  memory: Memory,
  length: number,
): { readonly header: FileHeader; readonly spoilt: boolean } | HeaderFault {
  if (length < FRAMES_AT) return 'short';
  const sound = [0, HEADER_BYTES].filter((at) => isHeader(memory, at));
  const at = sound[0];
  if (at === undefined) return 'damaged';
  const { bytes, view } = memory;
  if (view.getUint16(at + 8, true) !== VERSION) return 'newer';
  const kind = bytes[at + 10];
  if (kind !== FILE_KIND.JOURNAL && kind !== FILE_KIND.SNAPSHOT) return 'newer';
  const header = {
    kind,
    seed: view.getUint32(at + 12, true),
    first: readCount(view, at + 16),
    durable: readCount(view, at + 24),
    store: Uint8Array.from(bytes.subarray(at + 32, at + 48)),
    clock: readClock(memory, at + 48),
  };
  return { header, spoilt: sound.length === 1 };
}

function isHeader({ bytes, view }: Memory, at: number): boolean {
  if (!MAGIC.every((octet, i) => bytes[at + i] === octet)) return false;
  return view.getUint32(at + CHECKSUM_AT, true) === crc32c(bytes, at, at + CHECKSUM_AT, 0);
}

/** Completes the frame at `at`, whose payload is in place, and gives its end. Once for every change, hence no object. */
export function sealFrame(
  { bytes, view }: Memory,
  at: number,
  kind: FrameKind,
  sequence: number,
  payload: number,
  seed: number,
): number {
  const end = at + FRAME_BYTES + payload;
  bytes[at + 4] = MARK_LOW;
  bytes[at + 5] = MARK_HIGH;
  bytes[at + 6] = kind;
  bytes[at + 7] = 0;
  view.setUint16(at + 8, end - at, true);
  view.setUint16(at + 10, Math.floor(sequence / 0x100000000), true);
  view.setUint32(at + 12, sequence, true);
  view.setUint32(at, crc32c(bytes, at + 4, end, seed), true);
  return end;
}

export function writeClock({ bytes, view }: Memory, at: number, clock: ClockRecord): void {
  view.setFloat64(at, clock.lease, true);
  view.setFloat64(at + 8, clock.boot, true);
  view.setFloat64(at + 16, clock.wall, true);
  bytes.set(clock.bootId, at + 24);
}

export function readClock({ bytes, view }: Memory, at: number): ClockRecord {
  return {
    lease: view.getFloat64(at, true) as Millis,
    boot: view.getFloat64(at + 8, true) as Millis,
    wall: view.getFloat64(at + 16, true) as WallMillis,
    bootId: Uint8Array.from(bytes.subarray(at + 24, at + CLOCK_BYTES)),
  };
}

/** Writes a number up to 2^53 in 64 bits. */
export function writeCount(view: DataView, at: number, count: number): void {
  view.setUint32(at, count, true);
  view.setUint32(at + 4, Math.floor(count / 0x100000000), true);
}

export function readCount(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000;
}

/** Takes in the frames of a file. */
export interface FrameSink {
  /** A sound frame; its payload is at `at + FRAME_BYTES`, `length` is the whole frame. */
  frame(kind: FrameKind, sequence: number, memory: Memory, at: number, length: number): void;
  /** Octets `[from..to)` of the file are no frames, and not all zero. */
  rubbish(from: number, to: number): void;
}

/** Finds frames in a file that comes in pieces; after rubbish it goes on at the next sound frame. */
export class FrameScanner {
  /** Where in the file the last sound frame ended. */
  soundEnd = FRAMES_AT;
  private rubbishFrom = -1;
  private rubbishIsZero = true;
  private readonly seed: number;
  private readonly sink: FrameSink;

  constructor(seed: number, sink: FrameSink) {
    this.seed = seed;
    this.sink = sink;
  }

  /**
   * Looks at `[start..end)` of `memory`, whose offset 0 is at `origin` in the file, and gives the end of what it is done
   * with: the rest has to come again with more behind it, unless this was the `last` piece.
   */
  scan(memory: Memory, start: number, end: number, origin: number, last: boolean): number {
    let at = start;
    while (at < end) {
      const length = this.frameLength(memory, at, end, last);
      if (length === INCOMPLETE) return at;
      if (length > 0) {
        this.endRubbish(origin + at);
        this.take(memory, at, length);
        at += length;
        this.soundEnd = origin + at;
      } else {
        const from = at;
        at = this.skip(memory.bytes, at, end, last);
        this.noteRubbish(memory.bytes, from, at, origin);
      }
    }
    if (last) this.endRubbish(origin + end);
    return at;
  }

  /** The length of the sound frame at `at`, 0 when there is none, INCOMPLETE when more octets must decide. */
  private frameLength({ bytes, view }: Memory, at: number, end: number, last: boolean): number {
    const missing = last ? 0 : INCOMPLETE;
    if (at + FRAME_BYTES > end) return missing;
    if (bytes[at + 4] !== MARK_LOW || bytes[at + 5] !== MARK_HIGH) return 0;
    const length = view.getUint16(at + 8, true);
    if (length < FRAME_BYTES || length > FRAME_MAX) return 0;
    if (at + length > end) return missing;
    return view.getUint32(at, true) === crc32c(bytes, at + 4, at + length, this.seed) ? length : 0;
  }

  private take(memory: Memory, at: number, length: number): void {
    const { bytes, view } = memory;
    const sequence = view.getUint16(at + 10, true) * 0x100000000 + view.getUint32(at + 12, true);
    this.sink.frame(bytes[at + 6] as FrameKind, sequence, memory, at, length);
  }

  /** The next place where a frame may begin; never the same. */
  private skip(bytes: Buffer, at: number, end: number, last: boolean): number {
    const mark = bytes.indexOf(MARK_LOW, at + 5);
    if (mark >= 0 && mark < end) return mark - 4;
    // The last four octets may be the start of a frame whose mark is in the next piece.
    return last ? end : Math.max(at + 1, end - 4);
  }

  private noteRubbish(bytes: Buffer, from: number, to: number, origin: number): void {
    if (this.rubbishFrom < 0) this.rubbishFrom = origin + from;
    for (let i = from; this.rubbishIsZero && i < to; i++) this.rubbishIsZero = bytes[i] === 0;
  }

  private endRubbish(to: number): void {
    if (this.rubbishFrom < 0) return;
    if (!this.rubbishIsZero) this.sink.rubbish(this.rubbishFrom, to);
    this.rubbishFrom = -1;
    this.rubbishIsZero = true;
  }
}

const INCOMPLETE = -1;
