import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import { FILE_KIND, type FileHeader } from '../core/journal.ts';
import type { LeaseTable, Ticket } from '../core/lease.ts';
import type { Damage, TornTail } from '../core/replay.ts';
import { makeFolder } from '../folder.ts';
import { type ClockSource, LeaseClock, systemClock } from './clock.ts';
import { COMPACT_MIN_BYTES, Compactor } from './compactor.ts';
import { type ClearDurably, clearDurably, type WriteDurably, writeDurably } from './durable.ts';
import { createFile, journalName, removeUnfinished } from './files.ts';
import { Journal, type JournalFile, type JournalHost, type JournalStatistics } from './journal.ts';
import { type Loaded, loadFiles } from './load.ts';
import { lockDirectory } from './lock.ts';
import { prepareStore } from './prepare.ts';
import { writeSnapshot } from './snapshot.ts';

/** After a failure writing is tried again, first soon, as space may be freed any time. */
const RETRY_FIRST: Millis = 250;
const RETRY_LAST: Millis = 5_000;
/** With less space than this a full disk counts as full still: what a journal clears ahead of its changes. */
const SPACE_MIN_BYTES = 4 * 1024 * 1024;
/** How soon a step of the wall clock is noted; a reboot before that takes the step for time off. */
const WALL_CHECK: Millis = 10_000;

/** Whether leases can be recorded. */
export type StoreState =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'degraded';
      /** The errno name, such as ENOSPC, EROFS, EIO. */
      readonly code: string;
      /** For people. */
      readonly reason: string;
      readonly since: WallMillis;
    };

/** What opening a store has found. */
export interface OpenReport {
  readonly leases: number;
  readonly milliseconds: Millis;
  /** What could not be read; all that could be was taken in. */
  readonly damage: readonly Damage[];
  /** The names under which damaged files are kept in the directory; empty until the store can be written to. */
  readonly kept: readonly string[];
  readonly torn: TornTail | null;
}

export interface StoreOptions {
  /** Made if it is not there. */
  readonly directory: string;
  /** Left out: the clocks of this machine. */
  readonly clock?: ClockSource;
  /** Left out: the disk. A test may let it be slow or fail. */
  readonly write?: WriteDurably;
  readonly clear?: ClearDurably;
  /** Octets of journals below which they are not compacted; left out, 16 MiB. */
  readonly compactAbove?: number;
}

/** How the store does, for metrics. */
export interface StoreStatistics extends JournalStatistics {
  /** Octets of journals that would be read at opening. */
  readonly journalOctets: number;
  /** Why leases could not be compacted, which costs space only; null when they could. */
  readonly compactionFailure: string | null;
}

/** The leases of one server: in memory, and durable in a directory before anybody is told. */
export class LeaseStore {
  /** Changes go through this; their tickets become durable in order. */
  readonly leases: LeaseTable;
  state: StoreState = { kind: 'ready' };

  private readonly directory: string;
  private readonly write: WriteDurably;
  private readonly unlock: () => void;
  private readonly journal: Journal;
  private readonly compactor: Compactor;
  private readonly clock: LeaseClock;
  private readonly loaded: Loaded;
  private readonly identity: { readonly store: Uint8Array; readonly seed: number };
  private readonly opened: Omit<OpenReport, 'kept'>;
  private kept: readonly string[] = [];
  private prepared = false;
  private closing = false;
  private beginning: Promise<void> = Promise.resolve();
  private retryAfter: Millis = RETRY_FIRST;
  private retryTimer: NodeJS.Timeout | undefined;
  private readonly wallTimer: NodeJS.Timeout;

  private readonly durableListeners = new Set<(ticket: Ticket) => void>();
  private readonly failedListeners = new Set<
    (ticket: Ticket, addresses: readonly Ipv4[]) => void
  >();
  private readonly stateListeners = new Set<(state: StoreState) => void>();

  /**
   * Opens a store and reads it; damaged files are reported, not fatal. When nothing can be written it opens degraded, and
   * goes on by itself when writing works again. Throws StoreLockedError, NewerFormatError, and what the file system
   * says when the directory cannot be read.
   */
  static async open(options: StoreOptions): Promise<LeaseStore> {
    const started = performance.now();
    const { directory } = options;
    makeFolder(directory);
    const unlock = lockDirectory(directory);
    try {
      const store = await LeaseStore.read(options, unlock, started);
      await store.begin();
      return store;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  private static async read(
    options: StoreOptions,
    unlock: () => void,
    started: Millis,
  ): Promise<LeaseStore> {
    const random = randomBytes(28);
    const word = (at: number): number => random.readUInt32LE(at);
    const secret = { low: word(0), high: word(4) };
    const journal = new Journal(
      secret,
      options.write ?? writeDurably,
      options.clear ?? clearDurably,
    );
    const loaded = await loadFiles(options.directory, journal.leases);
    const fresh = { store: random.subarray(12), seed: word(8) };
    const { store, seed } = loaded;
    const identity = store === null ? fresh : { store, seed };
    return new LeaseStore({ options, unlock, journal, loaded, identity, started });
  }

  private constructor(parts: {
    options: StoreOptions;
    unlock: () => void;
    journal: Journal;
    loaded: Loaded;
    identity: { readonly store: Uint8Array; readonly seed: number };
    started: Millis;
  }) {
    const { journal, loaded, options } = parts;
    this.directory = options.directory;
    this.write = options.write ?? writeDurably;
    this.unlock = parts.unlock;
    this.journal = journal;
    this.leases = journal.leases;
    this.loaded = loaded;
    this.identity = parts.identity;
    this.clock = new LeaseClock(
      options.clock ?? systemClock(),
      loaded.clock,
      journal.leases.latest,
    );
    journal.leases.settle(this.now());
    journal.sequence = loaded.last;
    journal.durable = loaded.last;
    this.compactor = this.newCompactor(options.compactAbove ?? COMPACT_MIN_BYTES);
    this.opened = {
      leases: journal.leases.size,
      milliseconds: performance.now() - parts.started,
      damage: loaded.damage,
      torn: loaded.torn,
    };
    this.wallTimer = setInterval(() => this.checkWall(), WALL_CHECK);
    this.wallTimer.unref();
  }

  get report(): OpenReport {
    return { ...this.opened, kept: this.kept };
  }

  /** The lease clock: wall milliseconds with the steps taken out, never going back, also over restarts. */
  now(): Millis {
    return this.clock.now();
  }

  /** What wall clocks show at a time of the lease clock. */
  wallAt(time: Millis): WallMillis {
    return this.clock.wallAt(time);
  }

  /** Calls back with the latest ticket whenever leases have become durable; returns what ends that. */
  onDurable(told: (ticket: Ticket) => void): () => void {
    this.durableListeners.add(told);
    return () => this.durableListeners.delete(told);
  }

  /**
   * Calls back when writing has failed: no ticket up to this one that was not durable will ever be, and these addresses
   * have the record again that they had before. Tickets given afterwards are higher.
   */
  onFailed(told: (ticket: Ticket, addresses: readonly Ipv4[]) => void): () => void {
    this.failedListeners.add(told);
    return () => this.failedListeners.delete(told);
  }

  /** Calls back when the store has become degraded or ready again. */
  onState(told: (state: StoreState) => void): () => void {
    this.stateListeners.add(told);
    return () => this.stateListeners.delete(told);
  }

  get statistics(): StoreStatistics {
    return {
      ...this.journal.statistics,
      journalOctets: this.compactor.octets,
      compactionFailure: this.compactor.failure?.message ?? null,
    };
  }

  /** Resolves when all that was put until now is durable; rejects when it will not be. */
  async sync(): Promise<void> {
    if (this.state.kind === 'degraded') throw new Error(this.state.reason);
    if (this.journal.idle) return;
    const wanted = this.journal.pending;
    const stops: (() => void)[] = [];
    await new Promise<void>((resolve, reject) => {
      stops.push(this.onDurable((ticket) => ticket >= wanted && resolve()));
      stops.push(this.onFailed(() => reject(new Error('the lease store cannot be written to'))));
    }).finally(() => {
      for (const stop of stops) stop();
    });
  }

  /** Waits for what is under way and gives the store back. */
  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.retryTimer);
    clearInterval(this.wallTimer);
    await this.beginning;
    await this.compactor.ended();
    while (this.state.kind === 'ready' && !this.journal.idle) {
      // What fails now has been told to those concerned.
      await this.sync().catch(() => {});
    }
    try {
      await this.journal.close();
    } finally {
      this.unlock();
    }
  }

  private readonly host: JournalHost = {
    clock: () => this.clock.record(),
    durable: (ticket) => {
      for (const told of this.durableListeners) told(ticket);
      this.compact();
    },
    failed: (error, ticket, addresses) => {
      this.compactor.abandoned(this.journal.octets);
      for (const told of [...this.failedListeners]) told(ticket, addresses);
      this.degrade(error);
    },
  };

  private newCompactor(least: number): Compactor {
    const { directory, journal, loaded } = this;
    const journals = loaded.files.filter(({ kind }) => kind === 'journal');
    const octets = journals.reduce((sum, { bytes }) => sum + bytes, 0);
    const begin = (sequence: Ticket): Promise<JournalFile> => this.newJournal(sequence);
    const snapshot = (number: number, first: Ticket): Promise<number | null> =>
      this.snapshot(number, first);
    const parts = { directory, journal, least, begin, snapshot };
    return new Compactor(parts, { octets, files: journals.length });
  }

  /** Makes the store writable, or degraded. */
  private async begin(): Promise<void> {
    const { journal } = this;
    try {
      await this.checkSpace();
      await this.prepare();
      const file = await this.newJournal(journal.sequence);
      if (this.closing) return await file.handle.close();
      journal.start(file, this.host);
      this.retryAfter = RETRY_FIRST;
      this.setState({ kind: 'ready' });
      this.compact();
    } catch (error) {
      this.degrade(error as NodeJS.ErrnoException);
    }
  }

  private async checkSpace(): Promise<void> {
    if (this.state.kind !== 'degraded' || !/^(ENOSPC|EDQUOT)$/.test(this.state.code)) return;
    const { bavail, bsize } = await statfs(this.directory);
    if (bavail * bsize < SPACE_MIN_BYTES) {
      throw Object.assign(new Error(this.state.reason), { code: this.state.code });
    }
  }

  private async prepare(): Promise<void> {
    if (this.prepared) return;
    const { directory, loaded, journal, write } = this;
    await removeUnfinished(directory);
    const header = this.header(journal.sequence);
    const wall = this.wallAt(this.now());
    const label = new Date(wall).toISOString().replace(/[-:]|\.\d+/g, '');
    const { leases } = journal;
    this.kept = await prepareStore({ directory, write, loaded, leases, header, label });
    this.prepared = true;
  }

  private degrade(error: NodeJS.ErrnoException): void {
    if (error.code === undefined) throw error;
    const { code, message: reason } = error;
    const since = this.state.kind === 'degraded' ? this.state.since : this.wallAt(this.clock.now());
    this.setState({ kind: 'degraded', code, reason, since });
    if (this.closing) return;
    this.retryTimer = setTimeout(() => {
      this.beginning = this.begin();
    }, this.retryAfter);
    this.retryTimer.unref();
    this.retryAfter = Math.min(2 * this.retryAfter, RETRY_LAST);
  }

  private setState(state: StoreState): void {
    const same = JSON.stringify(state) === JSON.stringify(this.state);
    this.state = state;
    if (!same) for (const told of [...this.stateListeners]) told(state);
  }

  private compact(): void {
    if (!this.closing) this.compactor.start();
  }

  private snapshot(number: number, first: Ticket): Promise<number | null> {
    const { directory, journal, write } = this;
    return writeSnapshot({
      directory,
      write,
      number,
      header: this.header(first - 1),
      leases: journal.leases,
      cancelled: () => this.closing || journal.current?.number !== number,
    });
  }

  private async newJournal(sequence: Ticket): Promise<JournalFile> {
    const header = { ...this.header(sequence), kind: FILE_KIND.JOURNAL };
    const number = header.first;
    const file = await createFile(this.directory, journalName(number), header);
    try {
      await file.publish();
    } catch (error) {
      await file.abandon();
      throw error;
    }
    this.journal.noted = header.clock;
    return { handle: file.handle, number, seed: header.seed };
  }

  /** Of a file that continues after `sequence`. */
  private header(sequence: Ticket): Omit<FileHeader, 'kind'> {
    const { durable } = this.journal;
    return { ...this.identity, first: sequence + 1, durable, clock: this.clock.record() };
  }

  private checkWall(): void {
    const { journal, clock } = this;
    if (journal.noted !== null && clock.stepped(journal.noted)) journal.note();
  }
}
