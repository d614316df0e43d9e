import assert from 'node:assert/strict';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease, LeaseState } from '../lease.ts';
import {
  blankLease,
  type FieldRoom,
  type LeaseRoom,
  type Name,
  NEW_FIELDS,
  type Octets,
} from './room.ts';

// A lease as bytes: what lies in memory, in the journal and in snapshots. Little-endian.
//
//    0  starts, lastTransaction, expires   3 × 8, IEEE 754 milliseconds
//   24  address, leaseSeconds, serverIdentifier, giaddr, epoch   5 × 4
//   44  state   45  flags   46  hardware type   47  hardware address length
//   48  hardware address
//       clientId, subnet, relayInformation, hostname, fqdn, vendorClass, userClass, architecture,
//       interfaceName: each a length and so many octets; length 0 is absent. A length below 128 takes one
//       octet, else two: the low seven bits with the top bit set, then the rest
//       whatever a later minor version appends
//
// Texts are UTF-8. `46 ..` and clientId are the keys that clients are found by.

/** Offsets that the table reads without decoding the rest. */
export const FIELD = {
  EXPIRES: 16,
  LAST_TRANSACTION: 8,
  ADDRESS: 24,
  STATE: 44,
  HARDWARE: 46,
  HARDWARE_LENGTH: 47,
  CLIENT_ID: 48,
} as const;

/**
 * The longest record in octets. Each of the seven fields that clients give comes out of a message in a receive slot of
 * 2 KiB, though not all of the same one; names of subnets and interfaces have limits of their own. What lies above is our
 * bug.
 */
export const RECORD_MAX = 16_384;

/** States by the number that stands for them in bytes; the order is part of the format. */
export const STATES = [
  'bound',
  'released',
  'declined',
  'expired',
] as const satisfies readonly LeaseState[];

const RESERVED = 1;
const BOOTP = 2;

/** A stretch of memory and both ways to look at it. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Looks at `bytes` both ways. */
export function memoryOf(bytes: Buffer): Memory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** Writes a lease at `at`, where RECORD_MAX octets are free, and gives the end. */
export function encodeLease(lease: Lease, memory: Memory, at: number): number {
  const { view, bytes } = memory;
  const { hardwareAddress } = lease;
  assert(!Number.isNaN(lease.starts + lease.lastTransaction + lease.expires), 'times are numbers');
  assert(hardwareAddress.length <= 255);
  view.setFloat64(at, lease.starts, true);
  view.setFloat64(at + FIELD.LAST_TRANSACTION, lease.lastTransaction, true);
  view.setFloat64(at + FIELD.EXPIRES, lease.expires, true);
  view.setUint32(at + FIELD.ADDRESS, lease.address, true);
  view.setUint32(at + 28, lease.leaseSeconds, true);
  view.setUint32(at + 32, lease.serverIdentifier, true);
  view.setUint32(at + 36, lease.giaddr, true);
  view.setUint32(at + 40, lease.epoch, true);
  bytes[at + FIELD.STATE] = STATES.indexOf(lease.state);
  bytes[at + 45] = (lease.reserved ? RESERVED : 0) | (lease.bootp ? BOOTP : 0);
  bytes[at + FIELD.HARDWARE] = lease.hardwareType;
  bytes[at + FIELD.HARDWARE_LENGTH] = hardwareAddress.length;
  copy(hardwareAddress, bytes, at + FIELD.CLIENT_ID);
  let end = putBytes(bytes, at + FIELD.CLIENT_ID + hardwareAddress.length, lease.clientId);
  end = putText(bytes, end, lease.subnet);
  end = putBytes(bytes, end, lease.relayInformation);
  end = putText(bytes, end, lease.hostname);
  end = putText(bytes, end, lease.fqdn);
  end = putBytes(bytes, end, lease.vendorClass);
  end = putBytes(bytes, end, lease.userClass);
  end = putBytes(bytes, end, lease.architecture);
  end = putText(bytes, end, lease.interfaceName);
  assert(end - at <= RECORD_MAX, 'a lease fits in a record');
  return end;
}

/** Reads the record at `at`, which `isRecord` has found sound, into `into` if that is given; its bytes are copied. */
export function decodeLease(memory: Memory, at: number, into: LeaseRoom | null = null): Lease {
  const { view, bytes } = memory;
  const lease = into === null ? blankLease() : into.lease;
  const room: FieldRoom = into ?? NEW_FIELDS;
  const flags = bytes[at + 45]!;
  const reader = new FieldReader(bytes, at + FIELD.CLIENT_ID);
  lease.address = view.getUint32(at + FIELD.ADDRESS, true) as Ipv4;
  lease.state = STATES[bytes[at + FIELD.STATE]!]!;
  lease.hardwareType = bytes[at + FIELD.HARDWARE]!;
  lease.hardwareAddress = reader.octets(bytes[at + FIELD.HARDWARE_LENGTH]!, room.hardware);
  lease.clientId = reader.bytes(room.clientId);
  lease.subnet = reader.name(room.subnet);
  lease.relayInformation = reader.bytes(room.relayInformation);
  lease.hostname = reader.text();
  lease.fqdn = reader.text();
  lease.vendorClass = reader.bytes(room.vendorClass);
  lease.userClass = reader.bytes(room.userClass);
  lease.architecture = reader.bytes(room.architecture);
  lease.interfaceName = reader.name(room.interfaceName) || null;
  lease.starts = view.getFloat64(at, true);
  lease.lastTransaction = view.getFloat64(at + FIELD.LAST_TRANSACTION, true);
  lease.expires = view.getFloat64(at + FIELD.EXPIRES, true);
  lease.leaseSeconds = view.getUint32(at + 28, true);
  lease.serverIdentifier = view.getUint32(at + 32, true) as Ipv4;
  lease.giaddr = view.getUint32(at + 36, true) as Ipv4;
  lease.epoch = view.getUint32(at + 40, true);
  lease.reserved = (flags & RESERVED) !== 0;
  lease.bootp = (flags & BOOTP) !== 0;
  return lease;
}

/** Whether `[start..end)` is laid out as a record. */
export function isRecord(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < FIELD.CLIENT_ID || bytes[start + FIELD.STATE]! >= STATES.length) return false;
  let at = start + FIELD.CLIENT_ID + bytes[start + FIELD.HARDWARE_LENGTH]!;
  for (let field = 0; field < FIELDS; field++) {
    if (at >= end) return false;
    const length = lengthAt(bytes, at);
    at += sizeOfLength(length) + length;
  }
  return at <= end;
}

const FIELDS = 9;

/** The length written at `at`. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const low = bytes[at]!;
  return low < 0x80 ? low : (low & 0x7f) | ((bytes[at + 1] ?? 0) << 7);
}

/** How many octets a length takes. */
export function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : 2;
}

function putLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < 0x80) {
    bytes[at] = length;
    return at + 1;
  }
  bytes[at] = length | 0x80;
  bytes[at + 1] = length >>> 7;
  return at + 2;
}

function putBytes(bytes: Uint8Array, at: number, value: Uint8Array | null): number {
  const length = value === null ? 0 : value.length;
  assert(length < RECORD_MAX);
  const start = putLength(bytes, at, length);
  if (value !== null) copy(value, bytes, start);
  return start + length;
}

function putText(bytes: Buffer, at: number, value: string | null): number {
  if (value === null) return putBytes(bytes, at, null);
  // Names are short and nearly always ASCII: a loop beats the call into Buffer.
  const length = value.length;
  if (length < 0x80) {
    let i = 0;
    for (; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) break;
      bytes[at + 1 + i] = code;
    }
    if (i === length) {
      bytes[at] = length;
      return at + 1 + length;
    }
  }
  return putBytes(bytes, at, Buffer.from(value));
}

function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  const { length } = from;
  if (length > 64) to.set(from, at);
  else for (let i = 0; i < length; i++) to[at + i] = from[i]!;
}

class FieldReader {
  private readonly source: Buffer;
  private at: number;

  constructor(source: Buffer, at: number) {
    this.source = source;
    this.at = at;
  }

  octets(length: number, room: Octets): Uint8Array {
    const value = room.of(this.source, this.at, length);
    this.at += length;
    return value;
  }

  bytes(room: Octets): Uint8Array | null {
    const length = this.length();
    return length === 0 ? null : this.octets(length, room);
  }

  name(room: Name): string {
    const length = this.length();
    this.at += length;
    return room.of(this.source, this.at - length, this.at);
  }

  text(): string | null {
    const length = this.length();
    if (length === 0) return null;
    this.at += length;
    return this.source.toString('utf8', this.at - length, this.at);
  }

  private length(): number {
    const length = lengthAt(this.source, this.at);
    this.at += sizeOfLength(length);
    return length;
  }
}
