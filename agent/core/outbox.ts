import assert from 'node:assert/strict';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { HEADERS_LENGTH, UDP_AT, writePartialHeaders } from '../../codec/link/datagram.ts';
import { ENTRY } from './ring.ts';

const ETHERTYPE_IPV4 = 0x0800;

/**
 * Packets on their way out of a ring: each a header of 28 octets in a scratch area of the ring and a payload wherever
 * it lies, so that one payload goes to several destinations without being copied. Fixed in size, filled by a core,
 * emptied by a shell in one system call.
 */
export class Outbox {
  readonly entries: Uint32Array;
  count = 0;
  /**
   * Whether the 28 octets before a payload are free to take its headers, as those it was received with are: one part is
   * cheaper to send than two. Only one of several destinations can have them.
   */
  headersBefore = false;
  private readonly ring: Buffer;
  private readonly headersAt: number;
  private readonly capacity: number;

  /** Uses `capacity * 28` octets of the ring from `headersAt` on. */
  constructor(ring: Buffer, headersAt: number, capacity: number) {
    assert.ok(headersAt + capacity * HEADERS_LENGTH <= ring.length);
    this.ring = ring;
    this.headersAt = headersAt;
    this.capacity = capacity;
    this.entries = new Uint32Array(capacity * ENTRY.WORDS);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** Queues a payload for the address, by whatever route the host has. */
  route(
    source: Ipv4,
    sourcePort: number,
    destination: Ipv4,
    destinationPort: number,
    at: number,
    end: number,
  ): void {
    const entry = this.put(source, sourcePort, destination, destinationPort, at, end);
    this.entries[entry + ENTRY.DESTINATION] = destination;
  }

  /** Queues a payload for a hardware address of up to 8 octets on a link, given as two big-endian words. */
  link(
    ifindex: number,
    hardwareLength: number,
    hardwareHigh: number,
    hardwareLow: number,
    source: Ipv4,
    sourcePort: number,
    destination: Ipv4,
    destinationPort: number,
    at: number,
    end: number,
  ): void {
    const entry = this.put(source, sourcePort, destination, destinationPort, at, end);
    const { entries } = this;
    entries[entry + ENTRY.IFINDEX] = ifindex;
    entries[entry + ENTRY.PROTOCOL] = ETHERTYPE_IPV4;
    entries[entry + ENTRY.HARDWARE_LENGTH] = hardwareLength;
    entries[entry + ENTRY.HARDWARE_HIGH] = hardwareHigh;
    entries[entry + ENTRY.HARDWARE_LOW] = hardwareLow;
  }

  clear(): void {
    this.count = 0;
  }

  private put(
    source: Ipv4,
    sourcePort: number,
    destination: Ipv4,
    destinationPort: number,
    at: number,
    end: number,
  ): number {
    assert.ok(this.count < this.capacity, 'an outbox must be emptied before it overflows');
    const headAt = this.headersBefore
      ? at - HEADERS_LENGTH
      : this.headersAt + this.count * HEADERS_LENGTH;
    const length = end - at;
    writePartialHeaders(
      this.ring,
      headAt,
      source,
      sourcePort,
      destination,
      destinationPort,
      length,
    );
    const entry = this.count++ * ENTRY.WORDS;
    const { entries } = this;
    entries[entry + ENTRY.HEAD_AT] = headAt;
    entries[entry + ENTRY.HEAD_LENGTH] = HEADERS_LENGTH;
    entries[entry + ENTRY.BODY_AT] = at;
    entries[entry + ENTRY.BODY_LENGTH] = length;
    entries[entry + ENTRY.CHECKSUM_START] = UDP_AT;
    return entry;
  }
}
