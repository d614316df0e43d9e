import assert from 'node:assert/strict';
import { writeIpv4 } from '../ipv4.ts';
import * as H from './header.ts';
import { IN_FILE, IN_SNAME, type Message, type Option } from './message.ts';
import { OPTION } from './options.ts';

/** How much may be written, and where. */
export interface EncodeLimits {
  /** Octets of message, 300 or more: what the client takes (option 57) less 28 for IP and UDP headers. */
  readonly maxBytes: number;
  /** Whether options that do not fit may go to an empty `file` and `sname` (RFC 2132 §9.3). */
  readonly overload: boolean;
}

/** What was written, and the codes of the options that did not fit. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly omitted: readonly number[];
}

const LIMITS: EncodeLimits = { maxBytes: H.MESSAGE_LENGTH_DEFAULT, overload: false };
/** The length octet of an option. */
const DATA_MAX = 255;
/** Code, length and value of option 52. */
const OVERLOAD_LENGTH = 3;

/** A field that holds options: [at, end) is free. */
interface Room {
  at: number;
  readonly end: number;
}

/**
 * Encodes a message of at least 300 octets (RFC 1542 §2.1). Options keep their order, those of more than 255 octets
 * are split (RFC 3396 §5), and option 82 is the last (RFC 3046 §2.1) and finds room before the others do.
 */
export function encodeMessage(message: Message, limits: EncodeLimits = LIMITS): Encoded {
  const bytes = Buffer.alloc(limits.maxBytes);
  const omitted: number[] = [];
  const end = encodeInto(message, bytes, 0, limits, omitted);
  return { bytes: bytes.subarray(0, end), omitted };
}

/** Encodes as encodeMessage does, to bytes[start, …); returns the end and adds to `omitted` what did not fit. */
export function encodeInto(
  message: Message,
  bytes: Buffer,
  start: number,
  limits: EncodeLimits,
  omitted: number[],
): number {
  assert.ok(limits.maxBytes >= H.MESSAGE_LENGTH_MIN && start + limits.maxBytes <= bytes.length);
  writeHeader(message, bytes, start);
  const room = { at: start + H.OPTIONS, end: start + limits.maxBytes - 1 };
  if (message.hasCookie) {
    writeOptions(message, bytes, start, room, limits.overload, omitted);
    bytes[room.at++] = H.END;
  }
  const end = Math.max(room.at, start + H.MESSAGE_LENGTH_MIN);
  bytes.fill(0, message.hasCookie ? room.at : start + H.COOKIE, end);
  return end;
}

/** Octets that option data takes on the wire, in as many pieces as it needs. */
export function encodedLength(data: Uint8Array): number {
  return data.length + 2 * Math.max(1, Math.ceil(data.length / DATA_MAX));
}

function writeHeader(message: Message, bytes: Buffer, start: number): void {
  assert.ok(message.chaddr.length <= H.CHADDR_LENGTH);
  assert.ok(message.sname.length <= H.SNAME_LENGTH);
  assert.ok(message.file.length <= H.FILE_LENGTH);
  bytes.fill(0, start, start + H.COOKIE);
  bytes[start + H.OP] = message.op;
  bytes[start + H.HTYPE] = message.htype;
  bytes[start + H.HLEN] = message.chaddr.length;
  bytes[start + H.HOPS] = message.hops;
  bytes.writeUInt32BE(message.xid, start + H.XID);
  bytes.writeUInt16BE(message.secs, start + H.SECS);
  bytes.writeUInt16BE(message.flags, start + H.FLAGS);
  writeIpv4(bytes, start + H.CIADDR, message.ciaddr);
  writeIpv4(bytes, start + H.YIADDR, message.yiaddr);
  writeIpv4(bytes, start + H.SIADDR, message.siaddr);
  writeIpv4(bytes, start + H.GIADDR, message.giaddr);
  bytes.set(message.chaddr, start + H.CHADDR);
  bytes.set(message.sname, start + H.SNAME);
  bytes.set(message.file, start + H.FILE);
  bytes.writeUInt32BE(H.MAGIC_COOKIE, start + H.COOKIE);
}

function writeOptions(
  message: Message,
  bytes: Buffer,
  start: number,
  room: Room,
  mayOverload: boolean,
  omitted: number[],
): void {
  const last = message.options.find(({ code }) => code === OPTION.relayInformation);
  const others =
    last === undefined ? message.options : message.options.filter((one) => one !== last);
  const kept = last === undefined ? 0 : encodedLength(last.data);
  const lastFits = room.at + kept <= room.end;
  const free = room.end - room.at - (lastFits ? kept : 0);
  const wanted = others.reduce((sum, { data }) => sum + encodedLength(data), 0);
  const spill = wanted > free && mayOverload ? spillRooms(message, start) : [];
  const main = { at: room.at, end: room.at + free - (spill.length > 0 ? OVERLOAD_LENGTH : 0) };
  placeAll(others, bytes, [main, ...spill], omitted);
  room.at = main.at;
  const overload = closeSpill(bytes, start, spill);
  if (overload > 0) write({ code: OPTION.overload, data: Uint8Array.of(overload) }, bytes, room);
  if (last === undefined) return;
  if (lastFits) write(last, bytes, room);
  else omitted.push(last.code);
}

/** The empty fields, less one octet each for their END, in the order in which they are read. */
function spillRooms(message: Message, start: number): readonly Room[] {
  const rooms: Room[] = [];
  if (message.file.length === 0) rooms.push({ at: start + H.FILE, end: start + H.COOKIE - 1 });
  if (message.sname.length === 0) rooms.push({ at: start + H.SNAME, end: start + H.FILE - 1 });
  return rooms;
}

/** Puts each option, whole, into the first room that has space for it (RFC 2131 §4.1: none goes across fields). */
function placeAll(options: readonly Option[], bytes: Buffer, rooms: Room[], omitted: number[]) {
  for (const option of options) {
    assert.ok(
      option.code !== H.PAD && option.code !== H.END && option.code !== OPTION.overload,
      'pad, end and overload are written by the encoder',
    );
    const length = encodedLength(option.data);
    const room = rooms.find(({ at, end }) => at + length <= end);
    if (room === undefined) omitted.push(option.code);
    else write(option, bytes, room);
  }
}

/** Ends the fields that hold options and says which do (option 52). */
function closeSpill(bytes: Buffer, start: number, spill: readonly Room[]): number {
  let overload = 0;
  for (const { at, end } of spill) {
    const inFile = end === start + H.COOKIE - 1;
    if (at === start + (inFile ? H.FILE : H.SNAME)) continue;
    bytes[at] = H.END;
    overload |= inFile ? IN_FILE : IN_SNAME;
  }
  return overload;
}

function write({ code, data }: Option, bytes: Buffer, room: Room): void {
  let at = 0;
  do {
    const length = Math.min(data.length - at, DATA_MAX);
    bytes[room.at] = code;
    bytes[room.at + 1] = length;
    for (let i = 0; i < length; i++) bytes[room.at + 2 + i] = data[at + i]!;
    room.at += 2 + length;
    at += length;
  } while (at < data.length);
}
