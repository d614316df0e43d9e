import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { isIntent } from '../../crds/compile/lease.ts';
import { parseMoment } from '../../crds/compile/moment.ts';
import type { DhcpLease, DhcpLeaseStatus } from '../../crds/types/dhcplease.ts';

/** Which leases have objects: the DhcpServer's `leaseObjects`. */
export type LeaseObjects = 'All' | 'Reserved' | 'None';

/** What must be written for an address. */
export type Publication =
  | { readonly kind: 'none' }
  /** There is no object yet. */
  | { readonly kind: 'create' }
  /** There is one that nobody asks for any more. */
  | { readonly kind: 'remove' }
  /** `spec`: what identifies the client has changed too. */
  | { readonly kind: 'update'; readonly spec: boolean };

/** A share of a lease's duration: by less than it an object may be behind in when the lease ends. */
export const EXPIRY_SLACK = 0.25;

/**
 * What to do about the object of a lease, given what the lease says it should be. An object is brought into being for who
 * holds an address; what ended keeps the object it has until somebody deletes it. What is not asked for is taken away, unless
 * a user wants something of it.
 */
export function publication(
  wanted: DhcpLease,
  current: DhcpLease | undefined,
  which: LeaseObjects,
  reserved: boolean,
): Publication {
  const { state } = wanted.status ?? {};
  const asked = which === 'All' || (which === 'Reserved' && reserved);
  if (current === undefined) {
    const lives = state === 'Bound' || state === 'Declined';
    return lives && asked ? { kind: 'create' } : { kind: 'none' };
  }
  if (!asked && !isIntent(current.spec)) return { kind: 'remove' };
  const ours = (current.spec.intent ?? 'Reserve') === 'Bind';
  const spec = ours && !sameSpec(wanted, current);
  if (spec || !current.status) return { kind: 'update', spec };
  return isBehind(wanted.status, current.status)
    ? { kind: 'update', spec: false }
    : { kind: 'none' };
}

/** Whether what an object says of the wire is not what it should say. */
export function isBehind(
  wanted: DhcpLeaseStatus | undefined,
  current: DhcpLeaseStatus | undefined,
): boolean {
  return said(wanted) !== said(current) || expiryMoved(wanted, current);
}

function sameSpec({ spec: a }: DhcpLease, { spec: b }: DhcpLease): boolean {
  return (
    a.hardwareAddress === b.hardwareAddress &&
    a.hostname === b.hostname &&
    JSON.stringify(a.clientId) === JSON.stringify(b.clientId)
  );
}

/** What moves with every renewal, and what is not of the wire. */
const TIMES: ReadonlySet<string> = new Set(['lastTransaction', 'expires', 'renews', 'rebinds']);
const APART: ReadonlySet<string> = new Set(['conditions', 'observedGeneration']);

function said(status: DhcpLeaseStatus | undefined): string {
  const entries = Object.entries(status ?? {}).filter(
    ([key, value]) => !TIMES.has(key) && !APART.has(key) && value !== undefined,
  );
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(sorted));
}

// The API server gives the keys of what is nested in its own order.
function sorted([key, value]: [string, unknown]): unknown {
  if (typeof value !== 'object' || value === null) return [key, value];
  const inner = Object.entries(value).filter(([, one]) => one !== undefined);
  return [key, inner.sort(([a], [b]) => (a < b ? -1 : 1)).map(sorted)];
}

function expiryMoved(wanted: DhcpLeaseStatus = {}, current: DhcpLeaseStatus = {}): boolean {
  if (wanted.expires === undefined || current.expires === undefined)
    return wanted.expires !== current.expires;
  const expires = parseMoment(wanted.expires) ?? 0;
  const before = parseMoment(current.expires) ?? 0;
  const duration = expires - (parseMoment(wanted.lastTransaction ?? '') ?? expires);
  return Math.abs(expires - before) > duration * EXPIRY_SLACK;
}

/** How fast objects may be written. */
export interface PublishBudget {
  /** Requests a second, and how many may be saved up. */
  readonly rate: number;
  readonly burst: number;
}

const RETRY_FIRST: Millis = 500;
const RETRY_LAST: Millis = 60_000;

/**
 * The addresses whose objects may be behind, in order of need and within a budget. Whatever happens to an address while it
 * waits is one publication; what fails comes again, later and later; when the server asks for a pause all wait.
 */
export class PublishQueue {
  private readonly budget: PublishBudget;
  private readonly waiting = new Set<Ipv4>();
  private readonly running = new Set<Ipv4>();
  /** Changed again while it was being written. */
  private readonly again = new Set<Ipv4>();
  /** How often in a row each failed, and when those that do not wait yet do so again. */
  private readonly attempts = new Map<Ipv4, number>();
  private readonly resting = new Map<Ipv4, Millis>();
  private tokens: number;
  private filledAt: Millis = 0;
  private pausedUntil: Millis = 0;

  constructor(budget: PublishBudget) {
    this.budget = budget;
    this.tokens = budget.burst;
  }

  /** How many addresses have yet to be looked at. */
  get size(): number {
    return this.waiting.size + this.running.size + this.resting.size;
  }

  changed(address: Ipv4): void {
    if (this.running.has(address)) this.again.add(address);
    else if (!this.resting.has(address)) this.waiting.add(address);
  }

  /** Takes one address to look at, or null when none is due or the budget is used up. */
  take(now: Millis): Ipv4 | null {
    this.refill(now);
    if (now < this.pausedUntil || this.tokens < 1) return null;
    this.wakeRested(now);
    const first = this.waiting.values().next();
    if (first.done === true) return null;
    this.waiting.delete(first.value);
    this.running.add(first.value);
    return first.value;
  }

  /** The requests that an address took; looking without writing is free. */
  spend(requests: number): void {
    this.tokens -= requests;
  }

  done(address: Ipv4): void {
    this.running.delete(address);
    this.attempts.delete(address);
    if (this.again.delete(address)) this.waiting.add(address);
  }

  /** `pause`: for how long the server is to be left alone by all, because it was not this address that it minded. */
  failed(now: Millis, address: Ipv4, pause: Millis | null): void {
    this.running.delete(address);
    this.again.delete(address);
    if (pause !== null) {
      this.pausedUntil = Math.max(this.pausedUntil, now + pause);
      this.waiting.add(address);
      return;
    }
    const before = this.attempts.get(address) ?? 0;
    this.attempts.set(address, before + 1);
    this.resting.set(address, now + Math.min(RETRY_FIRST * 2 ** before, RETRY_LAST));
  }

  /** When `take` may have something, or null. */
  deadline(now: Millis): Millis | null {
    const due = this.waiting.size > 0 ? now : this.earliestRested();
    if (due === null) return null;
    const funded = this.tokens >= 1 ? now : now + ((1 - this.tokens) * 1000) / this.budget.rate;
    return Math.max(due, funded, this.pausedUntil);
  }

  private earliestRested(): Millis | null {
    let earliest: Millis | null = null;
    for (const due of this.resting.values())
      if (earliest === null || due < earliest) earliest = due;
    return earliest;
  }

  private wakeRested(now: Millis): void {
    for (const [address, due] of this.resting) {
      if (due > now) continue;
      this.resting.delete(address);
      this.waiting.add(address);
    }
  }

  private refill(now: Millis): void {
    const { rate, burst } = this.budget;
    this.tokens = Math.min(burst, this.tokens + ((now - this.filledAt) * rate) / 1000);
    this.filledAt = now;
  }
}
