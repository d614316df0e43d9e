import type { Ipv4 } from '../../codec/ipv4.ts';
import {
  CLOCK_BYTES,
  FRAME,
  FRAME_BYTES,
  FRAME_MAX,
  type FrameKind,
  sealFrame,
  writeClock,
} from '../core/journal.ts';
import type { ClockRecord } from '../core/lease/clock.ts';
import { type Memory, memoryOf, RECORD_MAX } from '../core/lease/record.ts';
import type { Leases } from '../core/lease/table.ts';

/** What a batch starts with: 1,500 changes. */
const BATCH_START = 256 * 1024;
/**
 * What a batch may come to while the disk is slow: 50,000 changes, half a second of the most we serve. Clients ask
 * again after 4 s (RFC 2131 §4.1), so what would wait longer than that is better refused.
 */
const BATCH_MAX = 8 * 1024 * 1024;
const HEAD_END = FRAME_BYTES + CLOCK_BYTES;

/** Changes that become durable together, as the octets to be written, and what was there before, should they not. */
export class Batch {
  memory = memoryOf(Buffer.allocUnsafeSlow(BATCH_START));
  /** End of the frames; 0 while there are none. */
  end = 0;
  /** Sequence of the head and of the last frame. */
  first = 0;
  last = 0;
  private before = memoryOf(Buffer.allocUnsafeSlow(BATCH_START));
  private beforeEnd = 0;

  get full(): boolean {
    return this.end + FRAME_MAX > BATCH_MAX;
  }

  /** Leaves room for the head, which is written last. */
  begin(sequence: number): void {
    this.first = sequence;
    this.last = sequence;
    this.end = HEAD_END;
  }

  /** Adds a frame with the first `length` octets of `from` as payload, and remembers what the table has for the address. */
  add(
    kind: FrameKind,
    address: Ipv4,
    from: Memory,
    length: number,
    seed: number,
    leases: Leases,
  ): void {
    this.remember(address, leases);
    this.memory = grown(this.memory, this.end, this.end + FRAME_BYTES + length);
    const { memory, end } = this;
    from.bytes.copy(memory.bytes, end + FRAME_BYTES, 0, length);
    this.end = sealFrame(memory, end, kind, ++this.last, length, seed);
  }

  /** Completes it with what the clocks say. */
  seal(clock: ClockRecord, seed: number): void {
    writeClock(this.memory, FRAME_BYTES, clock);
    sealFrame(this.memory, 0, FRAME.HEAD, this.first, CLOCK_BYTES, seed);
  }

  clear(): void {
    this.end = 0;
    this.beforeEnd = 0;
  }

  /** Calls back for each change, oldest first, with the record that the address had before, of length 0 if none. */
  eachBefore(told: (address: Ipv4, memory: Memory, start: number, length: number) => void): void {
    const { view } = this.before;
    for (let at = 0; at < this.beforeEnd; ) {
      const length = view.getUint32(at + 4, true);
      told(view.getUint32(at, true) as Ipv4, this.before, at + 8, length);
      at += 8 + length;
    }
  }

  private remember(address: Ipv4, leases: Leases): void {
    const at = this.beforeEnd;
    this.before = grown(this.before, at, at + 8 + RECORD_MAX);
    const { bytes, view } = this.before;
    const length = leases.copy(address, bytes, at + 8);
    view.setUint32(at, address, true);
    view.setUint32(at + 4, length, true);
    this.beforeEnd = at + 8 + length;
  }
}

/** Memory of at least `wanted` octets with the first `used` of `memory`, which is kept when it is large enough. */
function grown(memory: Memory, used: number, wanted: number): Memory {
  if (wanted <= memory.bytes.length) return memory;
  const larger = memoryOf(Buffer.allocUnsafeSlow(Math.max(2 * memory.bytes.length, wanted)));
  memory.bytes.copy(larger.bytes, 0, 0, used);
  return larger;
}
