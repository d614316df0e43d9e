import { FILE_LENGTH, SNAME_LENGTH } from '../../../codec/v4/header.ts';
import { OPTION } from './request.ts';

/** Where options go when they do not all fit. */
export interface Fields {
  bytes: Buffer;
  /** The options field from `at` to `end`. */
  at: number;
  end: number;
  /** The fields `sname` and `file`, or -1 when they are in use. */
  snameAt: number;
  fileAt: number;
}

/** Octets of option 52. */
export const OVERLOAD_LENGTH = 3;
const END = 255;

/**
 * Puts as many options of `block` as there is room for into the options field, then into `file`, then into `sname`
 * (RFC 2131 §4.1, RFC 2132 §9.3). Each field ends with END and no option spans two. What is left over is left out: it
 * comes last in what the client asked for. Returns the end of the options field.
 */
export function pack(fields: Fields, block: Uint8Array): number {
  const { bytes, at, end, fileAt, snameAt } = fields;
  const spare = snameAt >= 0 || fileAt >= 0;
  const main = new Room(bytes, at, end - (spare ? OVERLOAD_LENGTH : 0));
  // One octet of each is the END.
  const file = new Room(bytes, fileAt, fileAt < 0 ? -1 : fileAt + FILE_LENGTH - 1);
  const sname = new Room(bytes, snameAt, snameAt < 0 ? -1 : snameAt + SNAME_LENGTH - 1);
  for (let here = 0; here < block.length; ) {
    const next = endOfOption(block, here);
    const option = block.subarray(here, next);
    if (!main.put(option) && !file.put(option)) sname.put(option);
    here = next;
  }
  const overload = (file.at > fileAt ? 1 : 0) | (sname.at > snameAt ? 2 : 0);
  if (overload === 0) return main.at;
  if ((overload & 1) !== 0) bytes[file.at] = END;
  if ((overload & 2) !== 0) bytes[sname.at] = END;
  bytes[main.at] = OPTION.overload;
  bytes[main.at + 1] = 1;
  bytes[main.at + 2] = overload;
  return main.at + OVERLOAD_LENGTH;
}

/** A field that options are put into as long as they fit. */
class Room {
  at: number;
  private readonly bytes: Buffer;
  private readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  put(option: Uint8Array): boolean {
    if (this.at + option.length > this.end) return false;
    this.bytes.set(option, this.at);
    this.at += option.length;
    return true;
  }
}

/** Where the option at `at` ends, all its pieces included: they must stay together in their order. */
function endOfOption(block: Uint8Array, at: number): number {
  const code = block[at];
  let end = at;
  while (end < block.length && block[end] === code) end += 2 + block[end + 1]!;
  return end;
}
