import assert from 'node:assert/strict';
import { type Ipv4, readIpv4, writeIpv4 } from '../ipv4.ts';
import * as H from './header.ts';

/** Why bytes cannot be looked at as a message: fewer octets than the fixed part has, or more than a datagram carries. */
export type ViewFault = 'short' | 'long';

/** What is wrong with an options field: nothing closes it, or an option says it is longer than what is left. */
export type OptionsFault = 'noEnd' | 'truncated';

/** Largest payload of a UDP datagram over IPv4: 65535 less 28 octets of headers. */
const MESSAGE_LENGTH_MAX = 65507;

const MESSAGE_TYPE = 53;
const OVERLOAD = 52;
const RELAY_INFORMATION = 82;

/** Offsets are kept in the low 16 bits of the index, the generation they belong to above. */
const GENERATION_MAX = 0x7fff;

/**
 * A message seen through its own bytes, so that what nobody here understands survives byte for byte.
 * One view is pointed at message after message; nothing is allocated for a message.
 * All offsets are into `bytes`.
 */
export class MessageView {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** False for plain BOOTP, which has no options field. */
  hasCookie = false;

  // Filled by scan().

  /** Value of option 53; 0 when there is none of length 1. */
  messageType = 0;
  /** Offset of END; without one, of the first octet after the last whole option; -1 without a cookie. */
  endAt = -1;
  /** Offset of the code octet of the last option 82, or -1. */
  relayInformationAt = -1;
  optionsFault: OptionsFault | null = null;
  /** Value of option 52: 1 file holds options, 2 sname does, 3 both (RFC 2132 §9.3); 0 when there is none. */
  overload = 0;
  /**
   * Whether some code occurs more than once. Then, and when `overload` is set, `at` alone does not know the whole
   * value of an option (RFC 3396): decodeMessage does.
   */
  repeated = false;

  #scanned = false;
  #generation = 0;
  readonly #index = new Int32Array(256);

  /** Points the view at bytes[start, end). On a fault it is left where it was. */
  over(bytes: Buffer, start: number, end: number): ViewFault | null {
    assert.ok(start >= 0 && end <= bytes.length);
    if (end - start < H.COOKIE) return 'short';
    if (end - start > MESSAGE_LENGTH_MAX) return 'long';
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.hasCookie =
      end - start >= H.OPTIONS &&
      bytes[start + 236] === 0x63 &&
      bytes[start + 237] === 0x82 &&
      bytes[start + 238] === 0x53 &&
      bytes[start + 239] === 0x63;
    this.#scanned = false;
    return null;
  }

  /** One pass over the options field; every field above is its answer. */
  scan(): void {
    this.#reset();
    if (!this.hasCookie) return;
    const bytes = this.bytes;
    const end = this.end;
    let at = this.start + H.OPTIONS;
    this.optionsFault = 'noEnd';
    while (at < end) {
      const code = bytes[at]!;
      if (code === H.END) {
        this.optionsFault = null;
        break;
      }
      if (code === H.PAD) {
        at++;
        continue;
      }
      const next = at + 1 < end ? at + 2 + bytes[at + 1]! : end + 1;
      if (next > end) {
        this.optionsFault = 'truncated';
        break;
      }
      this.#note(code, at);
      at = next;
    }
    this.endAt = at;
  }

  /** Offset of the code octet of the first option `code` in the options field, or -1. Scans when nobody has. */
  at(code: number): number {
    if (!this.#scanned) this.scan();
    const entry = this.#index[code]!;
    return entry >>> 16 === this.#generation ? this.start + (entry & 0xffff) : -1;
  }

  /** Value of the first option `code` if it is four octets long, or -1. */
  u32(code: number): number {
    const at = this.at(code);
    return at >= 0 && this.bytes[at + 1] === 4 ? readIpv4(this.bytes, at + 2) : -1;
  }

  /**
   * Puts `option` (code, length, data) before END as the last option and cuts off what follows END, which is pad
   * (RFC 2132 §3.2). False, and nothing changes, when the message would be longer than `limit` octets or than its
   * buffer, is plain BOOTP, or has a truncated option.
   */
  append(option: Uint8Array, limit: number): boolean {
    assert.ok(option.length >= 2 && option.length === 2 + option[1]!);
    if (!this.#scanned) this.scan();
    const end = this.endAt + option.length + 1;
    if (!this.hasCookie || this.optionsFault === 'truncated') return false;
    if (end - this.start > limit || end > this.bytes.length) return false;
    const at = this.endAt;
    for (let i = 0; i < option.length; i++) this.bytes[at + i] = option[i]!;
    this.bytes[end - 1] = H.END;
    this.#note(option[0]!, at);
    this.endAt = end - 1;
    this.end = end;
    this.optionsFault = null;
    return true;
  }

  /** Takes out the option whose code octet is at `at`; all that follows moves up and stays as it is. */
  remove(at: number): void {
    if (!this.#scanned) this.scan();
    assert.ok(at >= this.start + H.OPTIONS && at + 1 < this.endAt, 'not an option of this message');
    const next = at + 2 + this.bytes[at + 1]!;
    assert.ok(next <= this.endAt, 'not an option of this message');
    this.bytes.copyWithin(at, next, this.end);
    this.end -= next - at;
    this.scan();
  }

  /** Fills up with zeros to `length` octets, or to as many as `limit` and the buffer allow (RFC 1542 §2.1). */
  padTo(length: number, limit: number): void {
    const end = Math.min(this.start + length, this.start + limit, this.bytes.length);
    if (end <= this.end) return;
    this.bytes.fill(0, this.end, end);
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }
  get op(): number {
    return this.bytes[this.start]!;
  }
  set op(value: number) {
    this.bytes[this.start] = value;
  }
  get htype(): number {
    return this.bytes[this.start + H.HTYPE]!;
  }
  set htype(value: number) {
    this.bytes[this.start + H.HTYPE] = value;
  }
  /** As sent: may say more than the 16 octets `chaddr` has; see `chaddrLength`. */
  get hlen(): number {
    return this.bytes[this.start + H.HLEN]!;
  }
  set hlen(value: number) {
    this.bytes[this.start + H.HLEN] = value;
  }
  get hops(): number {
    return this.bytes[this.start + H.HOPS]!;
  }
  set hops(value: number) {
    this.bytes[this.start + H.HOPS] = value;
  }
  get xid(): number {
    return readIpv4(this.bytes, this.start + H.XID);
  }
  set xid(value: number) {
    writeIpv4(this.bytes, this.start + H.XID, value as Ipv4);
  }
  get secs(): number {
    return this.#u16(H.SECS);
  }
  set secs(value: number) {
    this.#setU16(H.SECS, value);
  }
  get flags(): number {
    return this.#u16(H.FLAGS);
  }
  set flags(value: number) {
    this.#setU16(H.FLAGS, value);
  }
  get broadcastFlag(): boolean {
    return this.bytes[this.start + H.FLAGS]! >= 0x80;
  }
  get ciaddr(): Ipv4 {
    return readIpv4(this.bytes, this.start + H.CIADDR);
  }
  set ciaddr(value: Ipv4) {
    writeIpv4(this.bytes, this.start + H.CIADDR, value);
  }
  get yiaddr(): Ipv4 {
    return readIpv4(this.bytes, this.start + H.YIADDR);
  }
  set yiaddr(value: Ipv4) {
    writeIpv4(this.bytes, this.start + H.YIADDR, value);
  }
  get siaddr(): Ipv4 {
    return readIpv4(this.bytes, this.start + H.SIADDR);
  }
  set siaddr(value: Ipv4) {
    writeIpv4(this.bytes, this.start + H.SIADDR, value);
  }
  get giaddr(): Ipv4 {
    return readIpv4(this.bytes, this.start + H.GIADDR);
  }
  set giaddr(value: Ipv4) {
    writeIpv4(this.bytes, this.start + H.GIADDR, value);
  }
  /** Offset of the client's hardware address, `chaddrLength` octets long. */
  get chaddrAt(): number {
    return this.start + H.CHADDR;
  }
  /** `hlen`, but never more than the field has. */
  get chaddrLength(): number {
    return Math.min(this.bytes[this.start + H.HLEN]!, H.CHADDR_LENGTH);
  }

  #reset(): void {
    this.messageType = 0;
    this.endAt = -1;
    this.relayInformationAt = -1;
    this.optionsFault = null;
    this.overload = 0;
    this.repeated = false;
    this.#scanned = true;
    if (this.#generation === GENERATION_MAX) {
      this.#index.fill(0);
      this.#generation = 0;
    }
    this.#generation++;
  }

  #note(code: number, at: number): void {
    if (code === RELAY_INFORMATION) this.relayInformationAt = at;
    if (this.#index[code]! >>> 16 === this.#generation) {
      this.repeated = true;
      return;
    }
    this.#index[code] = (this.#generation << 16) | (at - this.start);
    if (code === MESSAGE_TYPE && this.bytes[at + 1] === 1) this.messageType = this.bytes[at + 2]!;
    else if (code === OVERLOAD && this.bytes[at + 1] === 1) this.overload = this.bytes[at + 2]! & 3;
  }

  #u16(offset: number): number {
    return (this.bytes[this.start + offset]! << 8) | this.bytes[this.start + offset + 1]!;
  }

  #setU16(offset: number, value: number): void {
    this.bytes[this.start + offset] = value >>> 8;
    this.bytes[this.start + offset + 1] = value;
  }
}
