import type { ClockRecord } from '../../agent/core/lease/clock.ts';
import { decodeLease, type Memory, memoryOf } from '../../agent/core/lease/record.ts';
import type { LeaseLog, Leases } from '../../agent/core/lease/table.ts';
import type { Lease, LeaseState, Ticket } from '../../agent/core/lease.ts';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';

/** How a disk may lie; what is said to be durable then is not. Each must be found out. */
export const MUTANTS = ['ackBeforeDurable', 'losesRecords', 'losesUpdates'] as const;
export type Mutant = (typeof MUTANTS)[number];

interface Change {
  readonly ticket: Ticket;
  readonly address: Ipv4;
  /** Null: forgotten. */
  readonly record: Memory | null;
  readonly before: Memory | null;
}

/** Whom the disk asks for the time and tells what becomes of changes. */
export interface DiskHost {
  clock(): ClockRecord;
  durable(ticket: Ticket): void;
  failed(ticket: Ticket, addresses: readonly Ipv4[]): void;
}

const SYNC_MOST: Millis = 40;
/** One batch in so many meets a disk that is busy with something else. */
const SLOW = 0.02;
const SLOW_MOST: Millis = 3_000;

/**
 * A disk with a journal of leases on it, that keeps the promises of the real one: batches become durable in order after a
 * while, a crash loses what was not, and part of what was on its way; a failed write takes bindings back.
 */
export class Disk implements LeaseLog {
  /** What a restart would find. */
  readonly records = new Map<Ipv4, Memory>();
  clock: ClockRecord | null = null;
  writable = true;

  private leases: Leases | null = null;
  private host: DiskHost | null = null;
  private sequence: Ticket = 0;
  private forming: Change[] = [];
  private flying: Change[] | null = null;
  /** Written when writing failed: nobody knows whether it is there. */
  private doubtful: Change[] = [];
  private readonly deferred = new Set<Ipv4>();
  private readonly agenda: Agenda;
  private readonly chance: Chance;
  private readonly mutant: Mutant | null;
  private run = 0;

  constructor(agenda: Agenda, chance: Chance, mutant: Mutant | null) {
    this.agenda = agenda;
    this.chance = chance;
    this.mutant = mutant;
  }

  /** Reads everything into a table, which then tells this disk what changes. */
  open(leases: Leases): void {
    for (const memory of this.records.values()) leases.load(memory, 0, memory.bytes.length);
    this.leases = leases;
  }

  start(host: DiskHost): void {
    this.host = host;
    this.clock = host.clock();
  }

  leaseOf(address: Ipv4): Lease | null {
    const memory = this.records.get(address);
    return memory === undefined ? null : decodeLease(memory, 0);
  }

  put(address: Ipv4, state: LeaseState, record: Memory, length: number): Ticket {
    if (!this.writable) return state === 'bound' ? 0 : this.defer(address);
    return this.change(address, copyOf(record.bytes.subarray(0, length)));
  }

  forget(address: Ipv4): Ticket {
    return this.writable ? this.change(address, null) : this.defer(address);
  }

  /** Notes the clocks after a step of the wall clock. */
  note(): void {
    if (this.writable && this.host !== null) this.clock = this.host.clock();
  }

  /** The process has ended: part of what was on its way may be there. */
  crash(): void {
    const under = [...this.doubtful, ...(this.flying ?? [])];
    const landed = this.chance.below(under.length + 1);
    for (const change of under.slice(0, landed)) this.keep(change);
    this.endRun();
    this.leases = null;
    this.host = null;
    this.writable = true;
  }

  /** Writing fails from now on. */
  fail(): void {
    if (!this.writable || this.host === null) return;
    this.writable = false;
    const lost = [...(this.flying ?? []), ...this.forming];
    this.doubtful = this.flying ?? [];
    this.flying = null;
    this.forming = [];
    this.run++;
    const restored = new Set<Ipv4>();
    for (const { address, before } of lost) {
      if (restored.has(address)) continue;
      restored.add(address);
      if (this.leases!.stateOf(address) !== 'bound') this.deferred.add(address);
      else if (before === null) this.leases!.drop(address);
      else this.leases!.load(before, 0, before.bytes.length);
    }
    this.host.failed(this.sequence, [...restored]);
  }

  /** Writing works again, with a new journal: what was doubtful is given up. */
  recover(): void {
    if (this.writable || this.leases === null) return;
    this.writable = true;
    this.doubtful = [];
    for (const address of this.deferred) this.change(address, this.recordOf(address));
    this.deferred.clear();
  }

  private endRun(): void {
    this.run++;
    this.forming = [];
    this.flying = null;
    this.doubtful = [];
    this.deferred.clear();
  }

  private defer(address: Ipv4): Ticket {
    this.deferred.add(address);
    return this.sequence + 1;
  }

  private change(address: Ipv4, record: Memory | null): Ticket {
    const ticket = ++this.sequence;
    this.forming.push({ ticket, address, record, before: this.recordOf(address) });
    if (this.flying === null && this.forming.length === 1) this.later(0, () => this.commit());
    if (this.mutant === 'ackBeforeDurable') this.later(0, () => this.host!.durable(ticket));
    return ticket;
  }

  private recordOf(address: Ipv4): Memory | null {
    const room = Buffer.alloc(2048);
    const length = this.leases!.copy(address, room, 0);
    return length === 0 ? null : copyOf(room.subarray(0, length));
  }

  private commit(): void {
    if (this.forming.length === 0) return;
    this.flying = this.forming;
    this.forming = [];
    const noted = this.host!.clock();
    const { chance } = this;
    const takes = chance.happens(SLOW)
      ? chance.between(0, SLOW_MOST)
      : chance.between(0, SYNC_MOST);
    this.later(takes, () => this.land(noted));
  }

  private land(noted: ClockRecord): void {
    const landed = this.flying!;
    this.flying = null;
    for (const change of landed) this.keep(change);
    this.clock = noted;
    this.commit();
    this.host!.durable(landed.at(-1)!.ticket);
  }

  private keep({ address, record }: Change): void {
    if (this.mutant === 'losesRecords' && this.chance.happens(0.05)) return;
    if (this.mutant === 'losesUpdates' && this.records.has(address) && this.chance.happens(0.2))
      return;
    if (record === null) this.records.delete(address);
    else this.records.set(address, record);
  }

  /** Does something unless the process or the journal has ended by then. */
  private later(delay: Millis, what: () => void): void {
    const { run } = this;
    this.agenda.after(delay, () => {
      if (this.run === run) what();
    });
  }
}

function copyOf(bytes: Uint8Array): Memory {
  return memoryOf(Buffer.from(bytes));
}
