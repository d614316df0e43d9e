import type { Millis, WallMillis } from '../../../codec/machine.ts';

/** What the clocks of a machine said at one moment. */
export interface ClockReading {
  /** Changes with every boot (`/proc/sys/kernel/random/boot_id`), 16 octets. */
  readonly bootId: Uint8Array;
  /** Milliseconds since boot, suspend included; never steps. */
  readonly boot: Millis;
  /** What the administrator believes; steps. */
  readonly wall: WallMillis;
}

/** A reading, and what the lease clock said then. */
export interface ClockRecord extends ClockReading {
  readonly lease: Millis;
}

/**
 * Beyond this a wall clock is not believed to tell how long the machine was off: a real-time clock without a battery
 * says any year, and a store that was away for a year has little to protect.
 */
export const TIME_OFF_MAX: Millis = 366 * 24 * 3_600_000;

/** Wall steps smaller than this are left to the next record; NTP slews below 128 ms, steps above. */
const WALL_STEP_MIN: Millis = 1_000;

/**
 * What the lease clock says now. The rule: it started as the wall clock, it runs with the boot clock, and it never goes
 * back. While a machine is up, wall steps do not touch it. Over a reboot the wall clock tells the time that passed, unless
 * it went back or says more than TIME_OFF_MAX; then no time passed, which keeps leases longer and never gives one twice.
 */
export function leaseTime(last: ClockRecord | null, now: ClockReading): Millis {
  if (last === null) return now.wall;
  if (sameBoot(last, now) && now.boot >= last.boot) return last.lease + (now.boot - last.boot);
  const off = now.wall - last.wall;
  return last.lease + (off > 0 && off <= TIME_OFF_MAX ? off : 0);
}

/** Whether the wall clock was stepped since `last`, so that a reboot now would measure the time off wrongly. */
export function wallStepped(last: ClockRecord, now: ClockReading): boolean {
  return Math.abs(now.wall - last.wall - (now.boot - last.boot)) >= WALL_STEP_MIN;
}

function sameBoot(a: ClockReading, b: ClockReading): boolean {
  return a.bootId.every((octet, i) => octet === b.bootId[i]);
}
