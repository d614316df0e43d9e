import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';

/** Room made at first; doubled as needed. */
const CAPACITY_MIN = 64;

/**
 * Addresses that clients have left, the one left longest ago first. They are kept for those clients and given to
 * others only when a pool has no fresh ones. An entry counts as long as `isCurrent` says that the address was left at
 * that time and is still free; the others are skipped and swept out, so that taking an address costs nothing here.
 */
export class Aged {
  private addresses = new Uint32Array(CAPACITY_MIN);
  private times = new Float64Array(CAPACITY_MIN);
  private head = 0;
  private length = 0;
  private readonly sweepAt: number;
  private readonly isCurrent: (address: Ipv4, leftAt: Millis) => boolean;

  /** For a pool of `size` addresses. */
  constructor(size: number, isCurrent: (address: Ipv4, leftAt: Millis) => boolean) {
    // Each address is current at most once, so a sweep finds at least every second entry stale.
    this.sweepAt = 2 * size + CAPACITY_MIN;
    this.isCurrent = isCurrent;
  }

  /** Adds an address that was left just now, later than all before it. */
  push(address: Ipv4, leftAt: Millis): void {
    if (this.length >= this.sweepAt) this.sweep();
    this.reserve();
    this.set(this.head + this.length++, address, leftAt);
  }

  /** Puts back the one that `first` gave and `drop` removed. */
  unshift(address: Ipv4, leftAt: Millis): void {
    if (this.length >= this.sweepAt) this.sweep();
    this.reserve();
    this.head = (this.head - 1) & (this.addresses.length - 1);
    this.length++;
    this.set(this.head, address, leftAt);
  }

  /** The address left longest ago, or null. */
  first(): Ipv4 | null {
    while (this.length > 0) {
      const address = this.addresses[this.head]! as Ipv4;
      if (this.isCurrent(address, this.times[this.head]!)) return address;
      this.drop();
    }
    return null;
  }

  /** When the address that `first` has just given was left. */
  firstLeftAt(): Millis {
    return this.times[this.head]!;
  }

  /** Removes the address that `first` has just given. */
  drop(): void {
    this.head = (this.head + 1) & (this.addresses.length - 1);
    this.length--;
  }

  private set(index: number, address: Ipv4, leftAt: Millis): void {
    const at = index & (this.addresses.length - 1);
    this.addresses[at] = address;
    this.times[at] = leftAt;
  }

  private sweep(): void {
    const { addresses, times, head, length } = this;
    const mask = addresses.length - 1;
    this.length = 0;
    for (let i = 0; i < length; i++) {
      const at = (head + i) & mask;
      const address = addresses[at]! as Ipv4;
      if (this.isCurrent(address, times[at]!)) this.set(head + this.length++, address, times[at]!);
    }
  }

  private reserve(): void {
    const { addresses, times, head, length } = this;
    if (length < addresses.length) return;
    this.addresses = new Uint32Array(2 * length);
    this.times = new Float64Array(2 * length);
    this.head = 0;
    for (let i = 0; i < length; i++) {
      const at = (head + i) & (addresses.length - 1);
      this.set(i, addresses[at]! as Ipv4, times[at]!);
    }
  }
}
