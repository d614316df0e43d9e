import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { FRAME, FRAMES_AT, type FrameKind } from '../core/journal.ts';
import type { ClockRecord } from '../core/lease/clock.ts';
import { type Memory, memoryOf, RECORD_MAX } from '../core/lease/record.ts';
import type { HashKey } from '../core/lease/siphash.ts';
import { type LeaseLog, Leases } from '../core/lease/table.ts';
import type { LeaseState, Ticket } from '../core/lease.ts';
import type { SystemError } from '../net/addon.ts';
import { Ahead } from './ahead.ts';
import { Batch } from './batch.ts';
import type { ClearDurably, WriteDurably } from './durable.ts';

/** A file that changes are appended to. */
export interface JournalFile {
  readonly handle: FileHandle;
  readonly number: number;
  readonly seed: number;
}

/** Whom a journal asks for the time and tells what becomes of changes. */
export interface JournalHost {
  clock(): ClockRecord;
  /** All tickets up to this one are durable. */
  durable(ticket: Ticket): void;
  /**
   * Writing failed. No ticket up to this one that was not durable will ever be; the addresses are as they were before,
   * and nothing is taken until `start`.
   */
  failed(error: SystemError, ticket: Ticket, addresses: readonly Ipv4[]): void;
}

/** How much was written, and how long the disk takes. */
export interface JournalStatistics {
  batches: number;
  changes: number;
  octets: number;
  /** Of the last batch, from its hand-over to its return. */
  syncMillis: Millis;
  /** Of all batches. */
  syncMillisTotal: Millis;
}

/**
 * Group commit: one batch is written and synced by a pool thread while the next one forms. A batch is handed over when
 * the event that brought its first change has been dealt with, or when the one before it is durable.
 */
export class Journal implements LeaseLog {
  readonly leases: Leases;
  readonly statistics: JournalStatistics = {
    batches: 0,
    changes: 0,
    octets: 0,
    syncMillis: 0,
    syncMillisTotal: 0,
  };
  /** The last sequence given, and the last that is durable. */
  sequence: Ticket = 0;
  durable: Ticket = 0;
  /** What the clocks said when that was last written. */
  noted: ClockRecord | null = null;

  private readonly write: WriteDurably;
  private readonly clear: ClearDurably;
  private host: JournalHost | null = null;
  private file: JournalFile | null = null;
  private position = 0;
  private ahead: Ahead | null = null;
  private forming = new Batch();
  private flying = new Batch();
  private writing = false;
  private scheduled = false;
  private handedOver: Millis = 0;
  private next: { file: JournalFile; switched: (last: Ticket | null) => void } | null = null;
  /** Addresses whose present record has not been taken, because nothing could be written. As many as leases at most. */
  private readonly unwritten = new Set<Ipv4>();
  private readonly scratch = memoryOf(Buffer.alloc(RECORD_MAX));

  /** Its leases can be loaded; changes are taken from `start` on. */
  constructor(secret: HashKey, write: WriteDurably, clear: ClearDurably) {
    this.write = write;
    this.clear = clear;
    this.leases = new Leases({ secret, log: this });
  }

  /** Takes changes from now on and appends them to a file that has only a header. Its `first` is `sequence` + 1. */
  start(file: JournalFile, host: JournalHost): void {
    assert(this.file === null && this.forming.end === 0);
    this.host = host;
    this.use(file);
    this.durable = this.sequence;
    this.catchUp();
  }

  /** Where the next batch goes, null while nothing can be written. */
  get current(): JournalFile | null {
    return this.file;
  }

  /** Octets of the file at hand. */
  get octets(): number {
    return this.position;
  }

  /** Whether nothing waits to become durable. */
  get idle(): boolean {
    return !this.writing && this.forming.end === 0 && this.unwritten.size === 0;
  }

  /** The ticket that is durable when all that was put until now is. */
  get pending(): Ticket {
    return this.unwritten.size === 0 ? this.sequence : this.sequence + 1;
  }

  put(address: Ipv4, state: LeaseState, record: Memory, length: number): Ticket {
    if (this.file === null || this.forming.full) {
      // What frees an address, or keeps it out of use, is not lost; only nobody can be told that he has one.
      return state === 'bound' ? 0 : this.defer(address);
    }
    return this.change(FRAME.LEASE, address, record, length);
  }

  forget(address: Ipv4): Ticket {
    if (this.file === null || this.forming.full) return this.defer(address);
    this.scratch.view.setUint32(0, address, true);
    return this.change(FRAME.FORGET, address, this.scratch, 4);
  }

  /** Notes the clocks, without a change. */
  note(): void {
    if (this.file === null) return;
    this.open();
  }

  /**
   * Has the batches after the one at hand go to another file, whose `first` is not above `durable` + 1; gives the last
   * sequence of the file until then. Null when writing failed before, then the file was not used.
   */
  switchTo(file: JournalFile): Promise<Ticket | null> {
    assert(this.next === null && this.file !== null);
    return new Promise((switched) => {
      this.next = { file, switched };
      if (!this.writing) this.commit();
    });
  }

  /** Lets go of the file at hand, and of the zeros after its changes; everything must be durable. */
  async close(): Promise<void> {
    const { file, ahead } = this;
    this.file = null;
    await ahead?.ended();
    // Zeros that have to stay, on a disk that fails by now, are passed over at the next opening.
    await file?.handle.truncate(this.position).catch(() => {});
    await file?.handle.close();
  }

  private change(kind: FrameKind, address: Ipv4, from: Memory, length: number): Ticket {
    this.open();
    this.forming.add(kind, address, from, length, this.file!.seed, this.leases);
    this.sequence = this.forming.last;
    return this.sequence;
  }

  /** Makes sure that a batch forms and will be handed over. */
  private open(): void {
    if (this.forming.end === 0) this.forming.begin(++this.sequence);
    if (this.writing || this.scheduled) return;
    this.scheduled = true;
    process.nextTick(() => {
      this.scheduled = false;
      if (!this.writing) this.commit();
    });
  }

  private defer(address: Ipv4): Ticket {
    this.unwritten.add(address);
    return this.sequence + 1;
  }

  /** Hands the batch over, if there is one. */
  private commit(): void {
    this.followSwitch();
    const { file, host, ahead } = this;
    if (this.forming.end === 0 || file === null) return;
    assert(host !== null && ahead !== null);
    const end = this.position + this.forming.end;
    if (!ahead.admits(end)) return;
    [this.forming, this.flying] = [this.flying, this.forming];
    const { flying } = this;
    this.noted = host.clock();
    flying.seal(this.noted, file.seed);
    this.writing = true;
    this.handedOver = performance.now();
    this.write(file.handle.fd, flying.memory.bytes, 0, flying.end, this.position, this.landed);
    ahead.follow(end, this.admitted);
    this.catchUp();
  }

  private readonly admitted = (): void => {
    if (!this.writing) this.commit();
  };

  private readonly landed = (error: SystemError | null): void => {
    this.writing = false;
    const { flying, statistics } = this;
    if (error !== null) {
      this.fail(error);
      return;
    }
    this.position += flying.end;
    this.durable = flying.last;
    statistics.batches++;
    statistics.changes += flying.last - flying.first;
    statistics.octets += flying.end;
    statistics.syncMillis = performance.now() - this.handedOver;
    statistics.syncMillisTotal += statistics.syncMillis;
    flying.clear();
    // The disk first, then the answers that waited for it.
    const { durable } = this;
    this.commit();
    this.host?.durable(durable);
  };

  private followSwitch(): void {
    if (this.next === null) return;
    const { file, switched } = this.next;
    const before = this.file;
    this.next = null;
    release(before, this.ahead);
    this.use(file);
    switched(this.durable);
  }

  private use(file: JournalFile): void {
    this.file = file;
    this.position = FRAMES_AT;
    this.ahead = new Ahead(this.clear, file.handle.fd, FRAMES_AT);
  }

  /** Takes the records that could not be taken when they changed. */
  private catchUp(): void {
    for (const address of this.unwritten) {
      if (this.forming.full) return;
      this.unwritten.delete(address);
      const length = this.leases.copy(address, this.scratch.bytes, 0);
      if (length === 0) this.forget(address);
      else this.change(FRAME.LEASE, address, this.scratch, length);
    }
  }

  /**
   * After a failed write or sync nobody knows what the disk has, and the kernel may call the same pages clean: the file is
   * never written to again. Bindings go back to what is durable, so that nobody is told more than a restart would know.
   */
  private fail(error: SystemError): void {
    const { file, ahead, flying, forming, next } = this;
    this.file = null;
    this.next = null;
    const restored = new Set<Ipv4>();
    for (const batch of [flying, forming]) {
      batch.eachBefore((address, memory, start, length) => {
        if (restored.has(address)) return;
        restored.add(address);
        if (this.leases.stateOf(address) !== 'bound') this.unwritten.add(address);
        else this.restore(address, memory, start, length);
      });
      batch.clear();
    }
    release(file, ahead);
    next?.switched(null);
    this.host?.failed(error, this.sequence, [...restored]);
  }

  private restore(address: Ipv4, memory: Memory, start: number, length: number): void {
    if (length === 0) this.leases.drop(address);
    else this.leases.load(memory, start, length);
  }
}

/** Closes a file that is not needed any more; should that fail, it has nothing to say. */
function release(file: JournalFile | null, ahead: Ahead | null): void {
  void ahead
    ?.ended()
    .then(() => file?.handle.close())
    .catch(() => {});
}
