import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import {
  FRAME,
  FRAME_BYTES,
  FRAME_MAX,
  FRAMES_AT,
  type FrameKind,
  FrameScanner,
  readClock,
  readHeader,
} from '../core/journal.ts';
import type { ClockRecord } from '../core/lease/clock.ts';
import { FIELD, isRecord, type Memory, memoryOf } from '../core/lease/record.ts';
import { Leases } from '../core/lease/table.ts';
import type { Lease, LeaseTable } from '../core/lease.ts';
import { type ClockSource, LeaseClock, systemClock } from './clock.ts';
import { listFiles } from './files.ts';
import { loadFiles } from './load.ts';

/** Files come and go while a store is read; this often in a row only if something else is wrong. */
const TRIES = 5;
const PIECE_BYTES = 256 * 1024;

/** An address whose record has changed; null when it has none any more. */
export interface LeaseChange {
  readonly address: Ipv4;
  readonly lease: Lease | null;
}

/** Looks at the store of a server that may be running, without its lock and without writing. */
export class LeaseFollower {
  private readonly directory: string;
  private readonly source: ClockSource;
  private table: Leases;
  private clock: LeaseClock;
  /** How far each journal has been read. */
  private positions: Map<string, number>;
  private readonly memory = memoryOf(Buffer.allocUnsafeSlow(PIECE_BYTES + FRAME_MAX));

  /** Reads all there is; throws what the file system says, and NewerFormatError. */
  static async open(directory: string, source = systemClock()): Promise<LeaseFollower> {
    return new LeaseFollower(directory, source, await load(directory));
  }

  private constructor(directory: string, source: ClockSource, found: Found) {
    this.directory = directory;
    this.source = source;
    this.table = found.leases;
    this.positions = found.positions;
    this.clock = new LeaseClock(source, found.clock, found.leases.latest);
    this.table.settle(this.now());
  }

  /** As of the last look. What is changed in it stays in memory. */
  get leases(): LeaseTable {
    return this.table;
  }

  now(): Millis {
    return this.clock.now();
  }

  /** What wall clocks show at a time of the lease clock. */
  wallAt(time: Millis): WallMillis {
    return this.clock.wallAt(time);
  }

  /** What has changed since the last look, in order; leases that have expired come last. */
  async look(): Promise<readonly LeaseChange[]> {
    const journals = (await listFiles(this.directory)).filter(({ kind }) => kind === 'journal');
    const names = new Set(journals.map(({ name }) => name));
    // What is gone was compacted, perhaps before we had read it to its end.
    const gone = [...this.positions.keys()].some((name) => !names.has(name));
    const changes = gone ? await this.reload() : await this.readOn(names);
    for (const lease of this.table.expire(this.now(), Number.POSITIVE_INFINITY)) {
      changes.push({ address: lease.address, lease });
    }
    return changes;
  }

  private async readOn(names: Set<string>): Promise<LeaseChange[]> {
    const changes: LeaseChange[] = [];
    for (const name of names) {
      const from = this.positions.get(name) ?? FRAMES_AT;
      try {
        this.positions.set(name, await this.readFile(name, from, changes));
      } catch (error) {
        const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!gone && !(error instanceof Superseded)) throw error;
        return [...changes, ...(await this.reload())];
      }
    }
    return changes;
  }

  /** Reads a journal on from an offset, and says how far it is sound. */
  private async readFile(name: string, from: number, changes: LeaseChange[]): Promise<number> {
    const { memory } = this;
    const handle = await open(join(this.directory, name), 'r');
    try {
      const { bytesRead: head } = await handle.read(memory.bytes, 0, FRAMES_AT, 0);
      const read = readHeader(memory, head);
      if (typeof read === 'string') return from;
      // It gives up what failed to become durable, which we may have taken for changes.
      if (from === FRAMES_AT && read.header.first > read.header.durable + 1) throw new Superseded();
      for (let at = from; ; ) {
        const { bytesRead } = await handle.read(memory.bytes, 0, PIECE_BYTES + FRAME_MAX, at);
        const end = this.take(read.header.seed, bytesRead, at, changes);
        if (end === at) return at;
        at = end;
      }
    } finally {
      await handle.close();
    }
  }

  /** Takes frames that lie without a gap from `origin` on; behind a gap is what is being written now. */
  private take(seed: number, length: number, origin: number, changes: LeaseChange[]): number {
    let end = 0;
    const frame = (
      kind: FrameKind,
      _: number,
      memory: Memory,
      at: number,
      octets: number,
    ): void => {
      if (at !== end) return;
      end += octets;
      const change = this.apply(kind, memory, at + FRAME_BYTES, octets - FRAME_BYTES);
      if (change !== null) changes.push(change);
    };
    new FrameScanner(seed, { frame, rubbish: () => {} }).scan(this.memory, 0, length, origin, true);
    return origin + end;
  }

  private apply(kind: FrameKind, memory: Memory, at: number, length: number): LeaseChange | null {
    const { view, bytes } = memory;
    if (kind === FRAME.HEAD) {
      this.clock = new LeaseClock(this.source, readClock(memory, at), this.table.latest);
    } else if (kind === FRAME.LEASE && isRecord(bytes, at, at + length)) {
      const address = view.getUint32(at + FIELD.ADDRESS, true) as Ipv4;
      this.table.load(memory, at, length);
      return { address, lease: this.table.get(address) ?? null };
    } else if (kind === FRAME.FORGET) {
      const address = view.getUint32(at, true) as Ipv4;
      this.table.drop(address);
      return { address, lease: null };
    }
    return null;
  }

  private async reload(): Promise<LeaseChange[]> {
    const before = this.table;
    const found = await load(this.directory);
    this.table = found.leases;
    this.positions = found.positions;
    this.clock = new LeaseClock(this.source, found.clock, found.leases.latest);
    this.table.settle(this.now());
    return differences(before, this.table);
  }
}

/** What was read before has to be read again. */
class Superseded extends Error {}

interface Found {
  readonly leases: Leases;
  readonly clock: ClockRecord | null;
  readonly positions: Map<string, number>;
}

async function load(directory: string): Promise<Found> {
  for (let tries = 1; ; tries++) {
    const random = randomBytes(8);
    const secret = { low: random.readUInt32LE(0), high: random.readUInt32LE(4) };
    const leases = new Leases({ secret });
    try {
      const { files, clock } = await loadFiles(directory, leases);
      const journals = files.filter(({ kind }) => kind === 'journal');
      const positions = new Map(journals.map(({ name, soundEnd }) => [name, soundEnd]));
      return { leases, clock, positions };
    } catch (error) {
      // Compacted between the listing and the reading.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error;
    }
  }
}

function differences(before: Leases, after: Leases): LeaseChange[] {
  const changes: LeaseChange[] = [];
  for (const lease of after.entries()) {
    const old = before.get(lease.address);
    const same = old?.state === lease.state && old.lastTransaction === lease.lastTransaction;
    if (!same) changes.push({ address: lease.address, lease });
  }
  for (const { address } of before.entries()) {
    if (after.get(address) === undefined) changes.push({ address, lease: null });
  }
  return changes;
}
