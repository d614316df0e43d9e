import type { Ipv4 } from '../ipv4.ts';
import * as H from './header.ts';
import { copyOf } from './kind.ts';
import { OPTION } from './options.ts';
import { MessageView, type ViewFault } from './view.ts';

/** An option: its data may be longer than the 255 octets that fit into one piece on the wire. */
export interface Option {
  readonly code: number;
  readonly data: Uint8Array;
}

/** A message as a value: overload undone, options that came in pieces whole again. */
export interface Message {
  readonly op: number;
  readonly htype: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** Its length is `hlen`, 16 octets at most. */
  readonly chaddr: Uint8Array;
  /** Up to the first NUL, 64 octets at most; empty when the field holds options. */
  readonly sname: Uint8Array;
  /** Up to the first NUL, 128 octets at most; empty when the field holds options. */
  readonly file: Uint8Array;
  /** False for plain BOOTP, which has no options. */
  readonly hasCookie: boolean;
  /** Each code once, in the order of their first appearance; never pad, end or overload. */
  readonly options: readonly Option[];
}

/** Why bytes are no message: too few, too many, or an option that says it is longer than its field. */
export type DecodeFault = ViewFault | 'truncated';

/** Nothing of it is looked at once decodeMessage has returned. */
const view = new MessageView();

/** Decodes a message; a missing END is forgiven, because clients without one exist. */
export function decodeMessage(bytes: Uint8Array): Message | DecodeFault {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const fault = view.over(buffer, 0, buffer.length);
  if (fault !== null) return fault;
  view.scan();
  const options = collect(buffer);
  if (options === null) return 'truncated';
  return {
    op: view.op,
    htype: view.htype,
    hops: view.hops,
    xid: view.xid,
    secs: view.secs,
    flags: view.flags,
    ciaddr: view.ciaddr,
    yiaddr: view.yiaddr,
    siaddr: view.siaddr,
    giaddr: view.giaddr,
    chaddr: copyOf(buffer, H.CHADDR, H.CHADDR + view.chaddrLength),
    sname: (view.overload & IN_SNAME) === 0 ? untilNul(buffer, H.SNAME, H.SNAME_LENGTH) : NOTHING,
    file: (view.overload & IN_FILE) === 0 ? untilNul(buffer, H.FILE, H.FILE_LENGTH) : NOTHING,
    hasCookie: view.hasCookie,
    options,
  };
}

/** The data of option `code`, or null. */
export function optionOf(message: Message, code: number): Uint8Array | null {
  return message.options.find((option) => option.code === code)?.data ?? null;
}

/** The value of option 53; 0 for BOOTP and for what is malformed. */
export function messageTypeOf(message: Message): number {
  const data = optionOf(message, OPTION.messageType);
  return data?.length === 1 ? data[0]! : 0;
}

// Values of option 52 (RFC 2132 §9.3), as bits.
export const IN_FILE = 1;
export const IN_SNAME = 2;

/**
 * The options of all fields. RFC 2131 §4.1: the options field is read first, then file, then sname.
 * RFC 3396 §7: the pieces of an option are put together before anybody looks into it.
 */
function collect(bytes: Buffer): readonly Option[] | null {
  if (!view.hasCookie) return [];
  const pieces = new Map<number, Uint8Array[]>();
  const whole =
    gather(bytes, H.OPTIONS, view.end, pieces) &&
    ((view.overload & IN_FILE) === 0 || gather(bytes, H.FILE, H.COOKIE, pieces)) &&
    ((view.overload & IN_SNAME) === 0 || gather(bytes, H.SNAME, H.FILE, pieces));
  if (!whole) return null;
  pieces.delete(OPTION.overload);
  return [...pieces].map(([code, parts]) => ({ code, data: new Uint8Array(Buffer.concat(parts)) }));
}

/** Adds the options in bytes[start, end); false when one is longer than what is left. */
function gather(bytes: Buffer, start: number, end: number, pieces: Map<number, Uint8Array[]>) {
  let at = start;
  while (at < end) {
    const code = bytes[at]!;
    if (code === H.END) return true;
    if (code === H.PAD) {
      at++;
      continue;
    }
    const next = at + 1 < end ? at + 2 + bytes[at + 1]! : end + 1;
    if (next > end) return false;
    const piece = bytes.subarray(at + 2, next);
    const earlier = pieces.get(code);
    if (earlier === undefined) pieces.set(code, [piece]);
    else earlier.push(piece);
    at = next;
  }
  return true;
}

const NOTHING = new Uint8Array();

function untilNul(bytes: Buffer, start: number, length: number): Uint8Array {
  const nul = bytes.indexOf(0, start);
  return copyOf(bytes, start, nul < 0 || nul > start + length ? start + length : nul);
}
