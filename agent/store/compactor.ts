import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAMES_AT } from '../core/journal.ts';
import type { Ticket } from '../core/lease.ts';
import { listFiles } from './files.ts';
import type { Journal, JournalFile } from './journal.ts';

/** Below this journals are not worth a snapshot: 0.2 s of opening. */
export const COMPACT_MIN_BYTES = 16 * 1024 * 1024;
/** Each start begins a file; so many are read before they are joined. */
const JOURNALS_MAX = 8;

export interface CompactorParts {
  /** Octets of journals below which nothing is done. */
  readonly least: number;
  readonly directory: string;
  readonly journal: Journal;
  /** Begins a journal whose `first` is `sequence` + 1. */
  readonly begin: (sequence: Ticket) => Promise<JournalFile>;
  /** Writes all leases before the journal of this number, whose sequences begin with `first`; null when cancelled. */
  readonly snapshot: (number: number, first: Ticket) => Promise<number | null>;
}

/**
 * Replaces journals by a snapshot when they have grown larger than one: at most as much is read at opening, and written
 * besides changes, as twice the leases take.
 */
export class Compactor {
  private readonly parts: CompactorParts;
  /** Octets of journals before the one at hand, and how many they are. */
  private olderOctets: number;
  private olderFiles: number;
  private running: Promise<void> | null = null;
  private failures = 0;
  /** Why the last attempt failed. */
  failure: Error | null = null;

  constructor(parts: CompactorParts, older: { readonly octets: number; readonly files: number }) {
    this.parts = parts;
    this.olderOctets = older.octets;
    this.olderFiles = older.files;
  }

  /** Octets of all journals that would be read at opening now. */
  get octets(): number {
    return this.olderOctets + this.parts.journal.octets;
  }

  get due(): boolean {
    const { leases } = this.parts.journal;
    const snapshot = leases.recordBytes + leases.size * 16;
    // After a failure, which costs nothing but space, not before twice as much has come together.
    const limit = Math.max(this.parts.least, snapshot) * 2 ** this.failures;
    return this.octets > limit || this.olderFiles >= JOURNALS_MAX * 2 ** this.failures;
  }

  /** A file was given up with so many octets. */
  abandoned(octets: number): void {
    this.olderOctets += octets;
    this.olderFiles++;
  }

  /** Compacts if it is due and not under way. */
  start(): void {
    if (this.running !== null || !this.due || this.parts.journal.current === null) return;
    this.running = this.compact()
      .then(
        () => {
          this.failure = null;
          this.failures = 0;
        },
        (error: Error) => {
          this.failure = error;
          this.failures++;
        },
      )
      .finally(() => {
        this.running = null;
      });
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    await this.running;
  }

  private async compact(): Promise<void> {
    const { parts } = this;
    const started = await this.rotate();
    if (started === null) return;
    const octets = await parts.snapshot(started.number, started.first);
    if (octets === null) return;
    for (const { name, number, kind } of await listFiles(parts.directory)) {
      const kept = kind === 'journal' ? number >= started.number : number === started.number;
      if (!kept) await rm(join(parts.directory, name), { force: true });
    }
    this.olderOctets = 0;
    this.olderFiles = 0;
  }

  /** Sees to it that what is in journals from here on is in no older one; null when writing failed meanwhile. */
  private async rotate(): Promise<{ number: number; first: Ticket } | null> {
    const { journal, begin } = this.parts;
    const fresh = journal.current;
    if (fresh !== null && journal.octets === FRAMES_AT && journal.idle) {
      return { number: fresh.number, first: journal.sequence + 1 };
    }
    const file = await begin(journal.durable);
    // Writing may have failed while the file was made; it holds nothing, and the next start passes over it.
    if (journal.current === null) {
      await file.handle.close();
      return null;
    }
    const before = journal.octets;
    const last = await journal.switchTo(file);
    if (last === null) {
      await file.handle.close();
      return null;
    }
    this.abandoned(before);
    return { number: file.number, first: last + 1 };
  }
}
