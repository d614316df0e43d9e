import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import type { Request } from './request.ts';

/** Probes under way at a time; each keeps its client's message of up to 2 KiB. */
const PROBES_MAX = 1024;
/** Addresses that are remembered as lately probed; older ones are probed again. */
const CLEAR_MAX = 65_536;
/** An unlucky client is offered nothing after so many addresses that were taken, until it asks again. */
export const ATTEMPTS_MAX = 8;

/** A request that waits for a probe, and where it came from. */
export interface Waiting {
  readonly address: Ipv4;
  readonly deadline: Millis;
  readonly attempts: number;
  message: Buffer;
  ifindex: number;
  source: Ipv4;
  sourcePort: number;
  destination: Ipv4;
  destinationPort: number;
  unicast: boolean;
  /** Who is asking, as in Request. */
  hash: number;
  check: number;
}

/** Addresses being probed, in the order in which their time is up, and those found free lately. */
export class Probes {
  private readonly waiting = new Map<Ipv4, Waiting>();
  private readonly clear = new Map<Ipv4, Millis>();
  private readonly taken = new Map<Ipv4, Millis>();

  get size(): number {
    return this.waiting.size;
  }

  get isFull(): boolean {
    return this.waiting.size >= PROBES_MAX;
  }

  /** Has a request wait for the probe of an address until then. */
  start(address: Ipv4, deadline: Millis, attempts: number, request: Request): void {
    this.waiting.set(address, { ...snapshot(request), address, deadline, attempts });
  }

  /** The client has sent its request again: the latest is answered. */
  replace(address: Ipv4, request: Request): void {
    const waiting = this.waiting.get(address);
    if (waiting !== undefined) Object.assign(waiting, snapshot(request));
  }

  /** Ends a probe; null when there is none. */
  finish(address: Ipv4): Waiting | null {
    const waiting = this.waiting.get(address) ?? null;
    this.waiting.delete(address);
    return waiting;
  }

  /** When the first time is up, or null. */
  deadline(): Millis | null {
    for (const { deadline } of this.waiting.values()) return deadline;
    return null;
  }

  /** The address whose time was up first, by `now`; null when none is. */
  due(now: Millis): Ipv4 | null {
    for (const { address, deadline } of this.waiting.values())
      return deadline <= now ? address : null;
    return null;
  }

  /** Nobody has answered for the address. */
  noteClear(address: Ipv4, now: Millis): void {
    this.clear.delete(address);
    this.clear.set(address, now);
    if (this.clear.size <= CLEAR_MAX) return;
    for (const oldest of this.clear.keys()) {
      this.clear.delete(oldest);
      return;
    }
  }

  /** Somebody answered for a reserved address that is not taken out of use for it; it is not tried again until then. */
  noteTaken(address: Ipv4, until: Millis): void {
    if (this.taken.size >= PROBES_MAX) this.taken.clear();
    this.taken.set(address, until);
  }

  isTaken(address: Ipv4, now: Millis): boolean {
    return this.taken.size > 0 && (this.taken.get(address) ?? 0) > now;
  }

  /** Whether nobody answered for the address at that time or later. */
  isClear(address: Ipv4, since: Millis): boolean {
    return (this.clear.get(address) ?? Number.NEGATIVE_INFINITY) >= since;
  }
}

function snapshot(request: Request) {
  const { view, ifindex, source, sourcePort, destination, destinationPort, unicast } = request;
  const { hash, check } = request;
  const message = Buffer.from(view.bytes.subarray(view.start, view.end));
  return {
    message,
    ifindex,
    source,
    sourcePort,
    destination,
    destinationPort,
    unicast,
    hash,
    check,
  };
}
