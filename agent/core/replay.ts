import type { Ipv4 } from '../../codec/ipv4.ts';
import {
  CLOCK_BYTES,
  FILE_KIND,
  type FileHeader,
  FRAME,
  FRAME_BYTES,
  type FrameKind,
  type FrameSink,
  readClock,
  readCount,
} from './journal.ts';
import type { ClockRecord } from './lease/clock.ts';
import { isRecord, type Memory } from './lease/record.ts';
import type { Leases } from './lease/table.ts';

/** Something that was durable and cannot be read any more. */
export interface Damage {
  readonly file: string;
  /** What is wrong, for people. */
  readonly reason: string;
}

/** Octets that are no frames and were never acknowledged: how a file ends after a kill or a power failure. */
export interface TornTail {
  readonly file: string;
  readonly octets: number;
  /** Sound frames behind them, which were taken in. */
  readonly kept: number;
}

/** What the files of a store hold besides leases. */
export interface ReplayResult {
  /** The highest sequence; 0 in a new store. */
  readonly last: number;
  readonly clock: ClockRecord | null;
  /** The identity of the store and the seed of its frames; null in a new one. */
  readonly store: Uint8Array | null;
  readonly seed: number;
  readonly damage: readonly Damage[];
  readonly torn: TornTail | null;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Missing extends Range {
  /** The file that should have them. */
  readonly file: string;
}

/** Makes the table of a store from its files, taken in their order, and tells damage from torn tails. */
export class Replay implements FrameSink {
  private readonly table: Leases;
  private readonly damage: Damage[] = [];
  /** How many promised sequences each file lacks. */
  private readonly lost = new Map<string, number>();
  /** Sequences that failed to become durable and were given up, though a file may have them. */
  private readonly givenUp: readonly Range[];
  private store: Uint8Array | null = null;
  private seed = 0;
  private clock: ClockRecord | null = null;
  private last = 0;
  /** The sequence that comes next in the journals, and those before it that did not come and were not promised. */
  private expected = 1;
  private missing: Missing[] = [];
  // Of the file at hand:
  private file = 'a journal that is not there';
  private before = this.file;
  private header: FileHeader | null = null;
  private frames = 0;
  private malformed = 0;
  private counted = -1;
  private rubbishOctets = 0;
  private framesBeforeRubbish = 0;

  /** `headers` are those of all journals that will come. */
  constructor(table: Leases, headers: readonly FileHeader[]) {
    this.table = table;
    this.givenUp = headers
      .filter(({ kind, durable, first }) => kind === FILE_KIND.JOURNAL && first > durable + 1)
      .map(({ durable, first }) => ({ from: durable + 1, to: first - 1 }));
  }

  /** Begins a file; false when it must not be read, because it belongs to another store. */
  begin(file: string, header: FileHeader, spoilt: boolean): boolean {
    if (this.store !== null && !header.store.every((octet, i) => octet === this.store?.[i])) {
      this.unreadable(file, 'it belongs to another store');
      return false;
    }
    this.before = this.file;
    this.file = file;
    this.header = header;
    this.store = header.store;
    this.seed = header.seed;
    this.clock = header.clock;
    this.frames = 0;
    this.malformed = 0;
    this.counted = -1;
    this.rubbishOctets = 0;
    if (spoilt) this.damage.push({ file, reason: 'one copy of its header is damaged' });
    if (header.kind === FILE_KIND.JOURNAL) this.beginJournal(header);
    return true;
  }

  /** Notes a file of which nothing can be read. */
  unreadable(file: string, reason: string): void {
    this.damage.push({ file, reason });
    this.file = file;
    this.header = null;
  }

  frame(kind: FrameKind, sequence: number, memory: Memory, at: number, length: number): void {
    if (this.header?.kind === FILE_KIND.JOURNAL) {
      if (this.givenUp.some(({ from, to }) => sequence >= from && sequence <= to)) return;
      this.follow(kind, sequence);
    }
    if (kind !== FRAME.END) this.frames++;
    if (!this.apply(kind, memory, at + FRAME_BYTES, length - FRAME_BYTES)) this.malformed++;
  }

  rubbish(from: number, to: number): void {
    if (this.rubbishOctets === 0) this.framesBeforeRubbish = this.frames;
    this.rubbishOctets += to - from;
  }

  /** Ends a file, and says whether a snapshot was all there. */
  end(): boolean {
    const { file, header, frames, counted, malformed } = this;
    if (header?.kind === FILE_KIND.SNAPSHOT) {
      this.expected = Math.max(this.expected, header.first);
      this.last = Math.max(this.last, header.first - 1);
      if (counted === frames && malformed === 0 && this.rubbishOctets === 0) return true;
      const of = counted < 0 ? 'an unknown number' : String(counted);
      this.damage.push({ file, reason: `${frames - malformed} of ${of} of its records are sound` });
      return false;
    }
    if (malformed > 0) this.damage.push({ file, reason: `${malformed} records are malformed` });
    return true;
  }

  /** Ends the replay. */
  finish(): ReplayResult {
    const damage = [...this.damage];
    for (const [file, count] of this.lost) {
      damage.push({ file, reason: `${count} of its records are missing` });
    }
    const { last, clock, store, seed, file, rubbishOctets: octets } = this;
    const torn =
      this.header?.kind === FILE_KIND.JOURNAL && octets > 0 && !this.lost.has(file)
        ? { file, octets, kept: this.frames - this.framesBeforeRubbish }
        : null;
    return { last, clock, store, seed, damage, torn };
  }

  private beginJournal(header: FileHeader): void {
    const { before, expected } = this;
    if (expected <= header.durable) {
      this.missing.push({ from: expected, to: header.durable, file: before });
    }
    this.promise(header.durable);
    // What was not durable when this file was begun, and has no place in it, need not be anywhere.
    this.missing = this.missing.filter(({ to }) => to >= header.first);
    this.expected = Math.max(expected, header.first);
    this.last = Math.max(this.last, header.first - 1);
  }

  private follow(kind: FrameKind, sequence: number): void {
    if (sequence > this.expected) {
      const atStart = this.frames === 0 && this.rubbishOctets === 0;
      const file = atStart ? this.before : this.file;
      this.missing.push({ from: this.expected, to: sequence - 1, file });
    }
    this.expected = Math.max(this.expected, sequence + 1);
    this.last = Math.max(this.last, sequence);
    if (kind === FRAME.HEAD) this.promise(sequence - 1);
  }

  /** Everything up to `durable` was there once. */
  private promise(durable: number): void {
    for (const { from, to, file } of this.missing) {
      const count = Math.min(to, durable) - from + 1;
      if (count > 0) this.lost.set(file, (this.lost.get(file) ?? 0) + count);
    }
    this.missing = this.missing
      .filter(({ to }) => to > durable)
      .map((gap) => ({ ...gap, from: Math.max(gap.from, durable + 1) }));
  }

  private apply(kind: FrameKind, memory: Memory, at: number, length: number): boolean {
    switch (kind) {
      case FRAME.LEASE:
        if (!isRecord(memory.bytes, at, at + length)) return false;
        this.table.load(memory, at, length);
        return true;
      case FRAME.FORGET:
        if (length < 4) return false;
        this.table.drop(memory.view.getUint32(at, true) as Ipv4);
        return true;
      case FRAME.HEAD:
        if (length < CLOCK_BYTES) return false;
        this.clock = readClock(memory, at);
        return true;
      case FRAME.END:
        if (length < 8) return false;
        this.counted = readCount(memory.view, at);
        return true;
    }
    // A kind that a later program writes beside what this one needs.
    return true;
  }
}
