import assert from 'node:assert/strict';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import {
  CLIENT_ADDRESSES_MAX,
  type Lease,
  type LeaseCounts,
  type LeaseState,
  type LeaseTable,
  type Ticket,
} from '../lease.ts';
import { FloatColumn, IntColumn } from './column.ts';
import { ExpiryHeap } from './expiry.ts';
import { KeyIndex, type KeySpan, sameKey } from './keys.ts';
import {
  decodeLease,
  encodeLease,
  FIELD,
  lengthAt,
  type Memory,
  memoryOf,
  RECORD_MAX,
  STATES,
  sizeOfLength,
} from './record.ts';
import type { LeaseRoom } from './room.ts';
import type { HashKey } from './siphash.ts';
import { Slab } from './slab.ts';
import { hashAddress, SlotTable } from './slottable.ts';

/** Makes changes durable; asked before the table changes. */
export interface LeaseLog {
  /** Copies the record at `[0..length)` of `record`; 0 refuses the change. */
  put(address: Ipv4, state: LeaseState, record: Memory, length: number): Ticket;
  forget(address: Ipv4): Ticket;
}

export interface LeasesOptions {
  /** Random, so that clients cannot choose identifiers that collide. */
  readonly secret: HashKey;
  /** Left out: tickets count up and nothing is kept, as tests and simulations want it. */
  readonly log?: LeaseLog;
}

const BOUND = STATES.indexOf('bound');
const DECLINED = STATES.indexOf('declined');
const EXPIRED = STATES.indexOf('expired');
const STATE_COUNT = STATES.length;
const NONE: readonly Ipv4[] = [];
const NO_COUNTS: LeaseCounts = { bound: 0, released: 0, declined: 0, expired: 0 };

/**
 * All leases of a server in memory: records as bytes in slabs, and columns of numbers by slot, about 250 octets a lease
 * instead of the thousand and more of objects. What `get` returns is a copy.
 */
export class Leases implements LeaseTable {
  size = 0;
  /** Octets of all records together, what a snapshot of them takes. */
  recordBytes = 0;
  /** The latest `lastTransaction` of all that were ever here. */
  latest: Millis = 0;
  /** Slots ever used: every lease has one below this. */
  slots = 0;

  private readonly log: LeaseLog;
  private readonly slab = new Slab();
  private readonly freeSlots: number[] = [];
  private readonly addresses = new IntColumn();
  private readonly places = new IntColumn();
  /** Octets of each record; 0 marks a free slot. */
  private readonly lengths = new IntColumn();
  /** State, and the number of the subnet above it. */
  private readonly kinds = new IntColumn();
  private readonly expiries = new FloatColumn();

  private readonly byAddress = new SlotTable();
  private readonly clientIds: KeyIndex;
  private readonly hardware: KeyIndex;
  private readonly due = new ExpiryHeap(this.expiries);
  private readonly subnetNumbers = new Map<string, number>();
  /** Leases by subnet and state: `STATE_COUNT` numbers a subnet. */
  private readonly tallies: number[] = [];

  private readonly scratch = memoryOf(Buffer.alloc(2 * RECORD_MAX));
  private readonly keyScratch = Buffer.alloc(2 + 255);
  private readonly oldKey: KeySpan = { bytes: this.scratch.bytes, start: 0, end: 0 };
  private readonly newKey: KeySpan = { bytes: this.scratch.bytes, start: 0, end: 0 };
  /** Most records come with the same subnet as the one before. */
  private lastSubnet: KeySpan | null = null;
  private lastSubnetNumber = 0;

  constructor(options: LeasesOptions) {
    let tickets = 0;
    this.log = options.log ?? { put: () => ++tickets, forget: () => ++tickets };
    this.clientIds = new KeyIndex(options.secret, (slot, span) => {
      const place = this.places.get(slot);
      clientIdOf(this.slab.memory(place).bytes, Slab.offset(place), span);
    });
    this.hardware = new KeyIndex(options.secret, (slot, span) => {
      const place = this.places.get(slot);
      hardwareOf(this.slab.memory(place).bytes, Slab.offset(place), span);
    });
  }

  get(address: Ipv4, into: LeaseRoom | null = null): Lease | undefined {
    const slot = this.slotOf(address);
    return slot < 0 ? undefined : this.leaseAt(slot, into);
  }

  stateOf(address: Ipv4): LeaseState | 'free' {
    const slot = this.slotOf(address);
    return slot < 0 ? 'free' : STATES[this.kinds.get(slot) % STATE_COUNT]!;
  }

  expiresOf(address: Ipv4): Millis {
    const slot = this.slotOf(address);
    return slot < 0 ? -Infinity : this.expiries.get(slot);
  }

  byClientId(bytes: Uint8Array, at = 0, length = bytes.length - at): readonly Ipv4[] {
    return this.addressesOf(this.clientIds, bytes, at, length);
  }

  byHardwareAddress(
    type: number,
    bytes: Uint8Array,
    at = 0,
    length = bytes.length - at,
  ): readonly Ipv4[] {
    if (length > 255) return NONE;
    const key = this.keyScratch;
    key[0] = type;
    key[1] = length;
    for (let i = 0; i < length; i++) key[2 + i] = bytes[at + i]!;
    return this.addressesOf(this.hardware, key, 0, 2 + length);
  }

  put(lease: Lease): Ticket {
    const length = encodeLease(lease, this.scratch, 0);
    const ticket = this.log.put(lease.address, lease.state, this.scratch, length);
    if (ticket !== 0) this.load(this.scratch, 0, length);
    return ticket;
  }

  forget(address: Ipv4): Ticket {
    const ticket = this.log.forget(address);
    this.drop(address);
    return ticket;
  }

  nextExpiry(): Millis | null {
    const slot = this.due.first();
    return slot < 0 ? null : this.expiries.get(slot);
  }

  expire(now: Millis, limit: number): readonly Lease[] {
    const ended: Lease[] = [];
    while (ended.length < limit && this.expireFirst(now))
      ended.push(this.leaseAt(this.lastExpired));
    return ended;
  }

  /** As `expire` for all that ended by `now`, when nobody wants to know which. */
  settle(now: Millis): void {
    while (this.expireFirst(now));
  }

  counts(subnet: string): LeaseCounts {
    const number = this.subnetNumbers.get(subnet);
    if (number === undefined) return NO_COUNTS;
    const [bound, released, declined, expired] = this.tallies.slice(number * STATE_COUNT);
    return { bound: bound!, released: released!, declined: declined!, expired: expired! };
  }

  *entries(): IterableIterator<Lease> {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.lengths.get(slot) !== 0) yield this.leaseAt(slot);
    }
  }

  /** Takes in a sound record (`isRecord`) without telling the log: at opening, and to undo. */
  load(memory: Memory, start: number, length: number): void {
    const address = memory.view.getUint32(start + FIELD.ADDRESS, true) as Ipv4;
    let slot = this.slotOf(address);
    if (slot < 0) {
      slot = this.takeSlot(address);
      this.fill(slot, memory, start, length);
      this.clientIds.add(slot);
      this.hardware.add(slot);
    } else {
      this.tally(slot, -1);
      this.rewrite(slot, memory, start, length);
    }
    this.classify(slot, memory, start);
  }

  /** Removes a record without telling the log. */
  drop(address: Ipv4): void {
    const slot = this.slotOf(address);
    if (slot < 0) return;
    this.tally(slot, -1);
    this.due.remove(slot);
    this.clientIds.remove(slot);
    this.hardware.remove(slot);
    this.byAddress.remove(hashAddress(address), slot);
    this.empty(slot);
    this.freeSlots.push(slot);
    this.size--;
  }

  /** Empties the table. */
  clear(): void {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.lengths.get(slot) !== 0) this.drop(this.addressAt(slot));
    }
  }

  /** Copies the record of an address to `at`, where RECORD_MAX octets are free; gives its length, 0 if there is none. */
  copy(address: Ipv4, target: Uint8Array, at: number): number {
    const slot = this.slotOf(address);
    return slot < 0 ? 0 : this.copySlot(slot, target, at);
  }

  /** As `copy`, by slot, for a walk over all records in steps between which the table may change. */
  copySlot(slot: number, target: Uint8Array, at: number): number {
    const length = this.lengths.get(slot);
    if (length === 0) return 0;
    const place = this.places.get(slot);
    const start = Slab.offset(place);
    this.slab.memory(place).bytes.copy(target, at, start, start + length);
    return length;
  }

  private slotOf(address: Ipv4): number {
    return this.byAddress.get(hashAddress(address));
  }

  private leaseAt(slot: number, into: LeaseRoom | null = null): Lease {
    const place = this.places.get(slot);
    return decodeLease(this.slab.memory(place), Slab.offset(place), into);
  }

  private addressesOf(
    index: KeyIndex,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): readonly Ipv4[] {
    let slot = index.first(bytes, at, at + length);
    if (slot < 0) return NONE;
    const found = [this.addressAt(slot)];
    for (slot = index.next(slot); slot >= 0; slot = index.next(slot)) {
      if (found.length === CLIENT_ADDRESSES_MAX) break;
      found.push(this.addressAt(slot));
    }
    return found;
  }

  private addressAt(slot: number): Ipv4 {
    return (this.addresses.get(slot) >>> 0) as Ipv4;
  }

  private takeSlot(address: Ipv4): number {
    const slot = this.freeSlots.pop() ?? this.slots++;
    for (const column of [this.addresses, this.places, this.lengths, this.kinds]) {
      column.reserve(this.slots);
    }
    this.expiries.reserve(this.slots);
    this.clientIds.reserve(this.slots);
    this.hardware.reserve(this.slots);
    this.due.reserve(this.slots);
    this.addresses.set(slot, address | 0);
    this.byAddress.insert(hashAddress(address), slot);
    this.size++;
    return slot;
  }

  private fill(slot: number, memory: Memory, start: number, length: number): void {
    const place = this.slab.allocate(length);
    memory.bytes.copy(this.slab.memory(place).bytes, Slab.offset(place), start, start + length);
    this.places.set(slot, place);
    this.lengths.set(slot, length);
    this.recordBytes += length;
  }

  private empty(slot: number): void {
    const length = this.lengths.get(slot);
    this.slab.release(this.places.get(slot), length);
    this.lengths.set(slot, 0);
    this.recordBytes -= length;
  }

  /** Replaces a record; the client indexes are left alone when the client is the same, as in a renewal. */
  private rewrite(slot: number, memory: Memory, start: number, length: number): void {
    const sameClientId = this.keepsKey(slot, clientIdOf, memory, start);
    const sameHardware = this.keepsKey(slot, hardwareOf, memory, start);
    if (!sameClientId) this.clientIds.remove(slot);
    if (!sameHardware) this.hardware.remove(slot);
    this.replace(slot, memory, start, length);
    if (sameClientId) this.clientIds.touch(slot);
    else this.clientIds.add(slot);
    if (sameHardware) this.hardware.touch(slot);
    else this.hardware.add(slot);
  }

  private keepsKey(slot: number, keyOf: typeof clientIdOf, memory: Memory, start: number): boolean {
    const place = this.places.get(slot);
    keyOf(this.slab.memory(place).bytes, Slab.offset(place), this.oldKey);
    keyOf(memory.bytes, start, this.newKey);
    return sameKey(this.oldKey, this.newKey);
  }

  private replace(slot: number, memory: Memory, start: number, length: number): void {
    const before = this.lengths.get(slot);
    if (!Slab.fits(before, length)) {
      this.empty(slot);
      this.fill(slot, memory, start, length);
      return;
    }
    const place = this.places.get(slot);
    memory.bytes.copy(this.slab.memory(place).bytes, Slab.offset(place), start, start + length);
    this.lengths.set(slot, length);
    this.recordBytes += length - before;
  }

  /** Sets what is known of a slot besides its record. */
  private classify(slot: number, memory: Memory, start: number): void {
    const { view, bytes } = memory;
    const state = bytes[start + FIELD.STATE]!;
    const expires = view.getFloat64(start + FIELD.EXPIRES, true);
    const lastTransaction = view.getFloat64(start + FIELD.LAST_TRANSACTION, true);
    if (lastTransaction > this.latest) this.latest = lastTransaction;
    this.kinds.set(slot, this.subnetNumber(bytes, start) * STATE_COUNT + state);
    this.tally(slot, 1);
    this.expiries.set(slot, expires);
    if ((state === BOUND || state === DECLINED) && expires < Infinity) this.due.update(slot);
    else this.due.remove(slot);
  }

  private tally(slot: number, change: number): void {
    this.tallies[this.kinds.get(slot)]! += change;
  }

  private subnetNumber(bytes: Buffer, start: number): number {
    const span = this.newKey;
    clientIdOf(bytes, start, span);
    const length = lengthAt(bytes, span.end);
    span.start = span.end + sizeOfLength(length);
    span.end = span.start + length;
    if (this.lastSubnet !== null && sameKey(span, this.lastSubnet)) return this.lastSubnetNumber;
    const name = bytes.toString('utf8', span.start, span.end);
    let number = this.subnetNumbers.get(name);
    if (number === undefined) {
      number = this.subnetNumbers.size;
      this.subnetNumbers.set(name, number);
      for (let state = 0; state < STATE_COUNT; state++) this.tallies.push(0);
    }
    const copy = Buffer.from(bytes.subarray(span.start, span.end));
    this.lastSubnet = { bytes: copy, start: 0, end: copy.length };
    this.lastSubnetNumber = number;
    return number;
  }

  private lastExpired = -1;

  private expireFirst(now: Millis): boolean {
    const slot = this.due.first();
    if (slot < 0 || this.expiries.get(slot) > now) return false;
    this.due.remove(slot);
    this.tally(slot, -1);
    const place = this.places.get(slot);
    this.slab.memory(place).bytes[Slab.offset(place) + FIELD.STATE] = EXPIRED;
    const kind = this.kinds.get(slot);
    this.kinds.set(slot, kind - (kind % STATE_COUNT) + EXPIRED);
    this.tally(slot, 1);
    this.lastExpired = slot;
    return true;
  }
}

function hardwareOf(bytes: Uint8Array, start: number, span: KeySpan): void {
  span.bytes = bytes;
  span.start = start + FIELD.HARDWARE;
  span.end = start + FIELD.CLIENT_ID + bytes[start + FIELD.HARDWARE_LENGTH]!;
}

function clientIdOf(bytes: Uint8Array, start: number, span: KeySpan): void {
  const at = start + FIELD.CLIENT_ID + bytes[start + FIELD.HARDWARE_LENGTH]!;
  const length = lengthAt(bytes, at);
  span.bytes = bytes;
  span.start = at + sizeOfLength(length);
  span.end = span.start + length;
}

assert(STATE_COUNT === 4, 'counts() names every state');
