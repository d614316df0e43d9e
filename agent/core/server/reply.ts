import assert from 'node:assert/strict';
import { type Ipv4, UNSPECIFIED, writeIpv4 } from '../../../codec/ipv4.ts';
import * as H from '../../../codec/v4/header.ts';
import { REPLY_MAX } from './arena.ts';
import { echoLength, writeEcho, writeRelayInformation } from './echo.ts';
import { type Fields, OVERLOAD_LENGTH, pack } from './pack.ts';
import { OPTION, type Request } from './request.ts';

/** A BOOTP message has 64 octets of vendor area and no more (RFC 951 §3, RFC 1542 §2.1). */
const BOOTP_MAX = H.MESSAGE_LENGTH_MIN;

/** What a reply says; filled again for each one. `-1`, `null` and UNSPECIFIED mean that it does not. */
export class Reply {
  /** Option 53; 0 for BOOTP. */
  type = 0;
  ciaddr: Ipv4 = UNSPECIFIED;
  yiaddr: Ipv4 = UNSPECIFIED;
  siaddr: Ipv4 = UNSPECIFIED;
  serverIdentifier: Ipv4 = UNSPECIFIED;
  leaseSeconds = -1;
  renewalSeconds = -1;
  rebindingSeconds = -1;
  /** Options in the order that the client wants. */
  block: Uint8Array = NOTHING;
  /** What the boot table says for the fields of these names. */
  sname: Uint8Array = NOTHING;
  file: Uint8Array = NOTHING;
  /** Options that are the client's own: each with code and length. */
  own: readonly Uint8Array[] = NONE;
  rapidCommit = false;
  /** Whether option 118 decided, which the client is then told (RFC 3011 §3). */
  echoSubnetSelection = false;
  echoClientId = true;
  /** Whether sub-option 151 decided, so that 152 is taken out of the echo (RFC 6607 §5). */
  virtualSubnetUnderstood = false;

  /** Says nothing, in a message of this type. */
  reset(type: number): void {
    this.type = type;
    this.ciaddr = UNSPECIFIED;
    this.yiaddr = UNSPECIFIED;
    this.siaddr = UNSPECIFIED;
    this.serverIdentifier = UNSPECIFIED;
    this.leaseSeconds = -1;
    this.renewalSeconds = -1;
    this.rebindingSeconds = -1;
    this.block = NOTHING;
    this.sname = NOTHING;
    this.file = NOTHING;
    this.own = NONE;
    this.rapidCommit = false;
    this.echoSubnetSelection = false;
    this.echoClientId = true;
    this.virtualSubnetUnderstood = false;
  }
}

/** Octets of an option in one piece (RFC 3396). */
const PIECE_MAX = 255;
/** What stands behind or beside the options in any case: option 52, and END. */
const SPARE = OVERLOAD_LENGTH + 1;
const NOTHING = new Uint8Array();
const NONE: readonly Uint8Array[] = [];

/** What became of a reply's option 82. */
export interface Written {
  end: number;
  informationOmitted: boolean;
}

const WRITTEN: Written = { end: 0, informationOmitted: false };
const FIELDS: Fields = { bytes: Buffer.alloc(0), at: 0, end: 0, snameAt: -1, fileAt: -1 };

/** Writes a reply to a request at `at`, where REPLY_MAX octets are free. The answer is filled again by the next call. */
export function writeReply(bytes: Buffer, at: number, request: Request, reply: Reply): Written {
  writeHeader(bytes, at, request, reply);
  // A BOOTP client that sends no cookie knows no options (RFC 951).
  if (!request.view.hasCookie) return finish(bytes, at, at + H.COOKIE, false);
  let end = at + H.OPTIONS;
  if (reply.type !== 0) end = writeFirst(bytes, end, reply);
  const tail = fitTail(request, reply, at + REPLY_MAX - SPARE - end);
  // Who sends much of its own has room for that much.
  const limit = Math.max(at + limitOf(request, reply.type), end + tail + SPARE);
  const information = request.relayEchoed ? request.relayLength : -1;
  const echo = information < 0 ? 0 : echoLength(information);
  // RFC 3046 §2.2: whole or not at all. It goes before the options that a client can do without.
  const omit = end + tail + echo + 1 > limit;
  const room = limit - end - tail - (omit ? 0 : echo) - 1;
  if (reply.block.length <= room) {
    bytes.set(reply.block, end);
    end += reply.block.length;
  } else {
    end = spread(bytes, at, end, Math.max(room, 0), reply);
  }
  end = writeTail(bytes, end, request, reply);
  if (information >= 0 && !omit) {
    end = writeRelayInformation(bytes, end, request, reply.virtualSubnetUnderstood);
  }
  bytes[end++] = H.END;
  return finish(bytes, at, end, omit && information >= 0);
}

// RFC 1542 §2.1: some clients and relays drop what is shorter than 300 octets.
function finish(bytes: Buffer, at: number, end: number, informationOmitted: boolean): Written {
  const padded = Math.max(end, at + H.MESSAGE_LENGTH_MIN);
  bytes.fill(0, end, padded);
  assert.ok(padded - at <= REPLY_MAX);
  WRITTEN.end = padded;
  WRITTEN.informationOmitted = informationOmitted;
  return WRITTEN;
}

/** Octets that the client takes, headers of IP and UDP not counted (RFC 2131 §2, RFC 2132 §9.10). */
function limitOf(request: Request, type: number): number {
  const at = request.find(OPTION.maxMessageSize);
  if (at < 0 || request.length !== 2) return type === 0 ? BOOTP_MAX : H.MESSAGE_LENGTH_DEFAULT;
  const size = ((request.bytes[at]! << 8) | request.bytes[at + 1]!) - H.DATAGRAM_OVERHEAD;
  return Math.min(Math.max(size, H.MESSAGE_LENGTH_DEFAULT), REPLY_MAX);
}

// Puts options into the message at `at`: from `end` on as far as there is room, then into the fields nobody uses.
function spread(bytes: Buffer, at: number, end: number, room: number, reply: Reply): number {
  // RFC 2132 §9.3: overloading is for DHCP alone; a BOOTP client would boot what is in `file`.
  const canOverload = reply.type !== 0 && room >= OVERLOAD_LENGTH;
  FIELDS.bytes = bytes;
  FIELDS.at = end;
  FIELDS.end = end + room;
  FIELDS.snameAt = canOverload && reply.sname.length === 0 ? at + H.SNAME : -1;
  FIELDS.fileAt = canOverload && reply.file.length === 0 ? at + H.FILE : -1;
  return pack(FIELDS, reply.block);
}

// RFC 2131 §4.3.1, Table 3.
function writeHeader(bytes: Buffer, at: number, request: Request, reply: Reply): void {
  const { view, giaddr } = request;
  const from = view.bytes;
  const { start } = view;
  const relayed = giaddr !== UNSPECIFIED;
  bytes[at] = H.BOOTREPLY;
  bytes[at + H.HTYPE] = from[start + H.HTYPE]!;
  bytes[at + H.HLEN] = from[start + H.HLEN]!;
  // Deviates from Table 3, which says 0: relays exist that drop replies with another count than they sent
  // (Mirantis/dhcp-relay); Kea, ISC dhcpd and dnsmasq copy it too.
  bytes[at + H.HOPS] = relayed ? from[start + H.HOPS]! : 0;
  for (let i = H.XID; i < H.SECS; i++) bytes[at + i] = from[start + i]!;
  bytes[at + H.SECS] = 0;
  bytes[at + H.SECS + 1] = 0;
  bytes[at + H.FLAGS] = from[start + H.FLAGS]!;
  bytes[at + H.FLAGS + 1] = from[start + H.FLAGS + 1]!;
  // RFC 2131 §4.3.2: the relay must broadcast a DHCPNAK, as the client may have no usable address.
  if (relayed && reply.type === H.DHCPNAK) bytes[at + H.FLAGS]! |= H.BROADCAST_FLAG >>> 8;
  writeIpv4(bytes, at + H.CIADDR, reply.ciaddr);
  writeIpv4(bytes, at + H.YIADDR, reply.yiaddr);
  writeIpv4(bytes, at + H.SIADDR, reply.siaddr);
  writeIpv4(bytes, at + H.GIADDR, giaddr);
  for (let i = H.CHADDR; i < H.SNAME; i++) bytes[at + i] = from[start + i]!;
  bytes.fill(0, at + H.SNAME, at + H.COOKIE);
  if (reply.sname.length > 0) bytes.set(reply.sname, at + H.SNAME);
  if (reply.file.length > 0) bytes.set(reply.file, at + H.FILE);
  bytes[at + H.COOKIE] = 0x63;
  bytes[at + H.COOKIE + 1] = 0x82;
  bytes[at + H.COOKIE + 2] = 0x53;
  bytes[at + H.COOKIE + 3] = 0x63;
}

function writeFirst(bytes: Buffer, at: number, reply: Reply): number {
  bytes[at] = OPTION.messageType;
  bytes[at + 1] = 1;
  bytes[at + 2] = reply.type;
  let end = at + 3;
  if (reply.serverIdentifier !== UNSPECIFIED) {
    end = writeU32(bytes, end, OPTION.serverIdentifier, reply.serverIdentifier);
  }
  if (reply.leaseSeconds >= 0) end = writeU32(bytes, end, OPTION.leaseTime, reply.leaseSeconds);
  if (reply.renewalSeconds >= 0)
    end = writeU32(bytes, end, OPTION.renewalTime, reply.renewalSeconds);
  if (reply.rebindingSeconds >= 0) {
    end = writeU32(bytes, end, OPTION.rebindingTime, reply.rebindingSeconds);
  }
  return end;
}

// RFC 6842 §3 wants the identifier in every reply. One that leaves no room for what is said is left out, as are the other
// options that are the client's own.
function fitTail(request: Request, reply: Reply, room: number): number {
  const length = tailLength(request, reply);
  if (length <= room) return length;
  if (request.clientIdLength > PIECE_MAX) reply.echoClientId = false;
  if (tailLength(request, reply) > room) reply.own = NONE;
  return tailLength(request, reply);
}

function tailLength(request: Request, reply: Reply): number {
  let length = 0;
  if (reply.rapidCommit) length += 2;
  if (reply.echoSubnetSelection) length += 6;
  if (reply.echoClientId && request.clientIdLength > 0)
    length += echoLength(request.clientIdLength);
  for (const option of reply.own) length += option.length;
  return length;
}

function writeTail(bytes: Buffer, at: number, request: Request, reply: Reply): number {
  let end = at;
  if (reply.rapidCommit) {
    bytes[end++] = OPTION.rapidCommit;
    bytes[end++] = 0;
  }
  if (reply.echoSubnetSelection) {
    end = writeU32(bytes, end, OPTION.subnetSelection, request.address(OPTION.subnetSelection));
  }
  for (const option of reply.own) {
    bytes.set(option, end);
    end += option.length;
  }
  // RFC 6842 §3: unaltered, in every reply.
  if (reply.echoClientId && request.clientIdLength > 0) {
    const { bytes: from, clientIdAt, clientIdLength } = request;
    end = writeEcho(bytes, end, OPTION.clientIdentifier, from, clientIdAt, clientIdLength);
  }
  return end;
}

function writeU32(bytes: Buffer, at: number, code: number, value: number): number {
  bytes[at] = code;
  bytes[at + 1] = 4;
  writeIpv4(bytes, at + 2, value as Ipv4);
  return at + 6;
}
