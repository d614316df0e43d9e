import type { Millis } from '../../../codec/machine.ts';

const WORDS = 4;
const XID = 0;
const CLIENT = 1;
const IFINDEX = 2;
const OCCUPIED = 3;

/** A client gives a transaction up after about a minute (RFC 2131 §4.1: 4+8+16+32 s). */
const LIFETIME: Millis = 64_000;

/**
 * Requests that wait for an answer: where each came from and when it left. A table of fixed size; a newer request
 * whose slot is taken wins, because the older one is the likelier to be over. It measures the servers and finds the
 * link of a reply without option 82; nothing else depends on it.
 */
export class Pending {
  private readonly words: Uint32Array;
  private readonly sentAt: Float64Array;

  /** `slots` is a power of two; each takes 24 octets. */
  constructor(slots: number) {
    this.words = new Uint32Array(slots * WORDS);
    this.sentAt = new Float64Array(slots);
  }

  /** Notes a request; `client` is a hash of its hardware address. */
  note(now: Millis, xid: number, client: number, ifindex: number): void {
    const slot = this.slotOf(xid, client);
    const at = slot * WORDS;
    this.words[at + XID] = xid;
    this.words[at + CLIENT] = client;
    this.words[at + IFINDEX] = ifindex;
    this.words[at + OCCUPIED] = 1;
    this.sentAt[slot] = now;
  }

  /** The link that the request came in on, or 0. */
  linkOf(now: Millis, xid: number, client: number): number {
    const slot = this.find(now, xid, client);
    return slot < 0 ? 0 : this.words[slot * WORDS + IFINDEX]!;
  }

  /** How long ago the request left, or -1 when it is not known. A request is answered once per server, so it stays. */
  ageOf(now: Millis, xid: number, client: number): Millis {
    const slot = this.find(now, xid, client);
    return slot < 0 ? -1 : now - this.sentAt[slot]!;
  }

  private find(now: Millis, xid: number, client: number): number {
    const slot = this.slotOf(xid, client);
    const at = slot * WORDS;
    const same =
      this.words[at + OCCUPIED] === 1 &&
      this.words[at + XID] === xid &&
      this.words[at + CLIENT] === client;
    return same && now - this.sentAt[slot]! <= LIFETIME ? slot : -1;
  }

  private slotOf(xid: number, client: number): number {
    return (Math.imul(xid, 0x9e3779b1) ^ client) & (this.sentAt.length - 1);
  }
}
