import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { unhex } from '../../codec/hardware.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import {
  type ClockReading,
  type ClockRecord,
  leaseTime,
  wallStepped,
} from '../core/lease/clock.ts';
import { addon } from '../net/addon.ts';

/** Where the time comes from; a test may step it. */
export interface ClockSource {
  readonly bootId: Uint8Array;
  boot(): Millis;
  wall(): WallMillis;
}

/** The clocks of this machine. */
export function systemClock(): ClockSource {
  const native = addon();
  return {
    bootId: bootId(),
    boot: () => native.bootMillis(),
    wall: () => Date.now() as WallMillis,
  };
}

/** The lease clock of an open store: `leaseTime` says how it goes on over restarts; in between it runs with the boot clock. */
export class LeaseClock {
  private readonly source: ClockSource;
  private readonly ahead: Millis;

  /** `last` is what the store noted last; `atLeast` a time that has been, whatever the clocks say. */
  constructor(source: ClockSource, last: ClockRecord | null, atLeast: Millis) {
    this.source = source;
    const reading = this.reading();
    this.ahead = Math.max(leaseTime(last, reading), atLeast) - reading.boot;
  }

  now(): Millis {
    return this.source.boot() + this.ahead;
  }

  /** What wall clocks show, as this machine's is set now, at a time of the lease clock. */
  wallAt(time: Millis): WallMillis {
    return (time + this.source.wall() - this.now()) as WallMillis;
  }

  /** All clocks at this moment, to be noted. */
  record(): ClockRecord {
    const reading = this.reading();
    return { ...reading, lease: reading.boot + this.ahead };
  }

  /** Whether what was noted would mislead after a reboot. */
  stepped(noted: ClockRecord): boolean {
    return wallStepped(noted, this.reading());
  }

  private reading(): ClockReading {
    const { source } = this;
    return { bootId: source.bootId, boot: source.boot(), wall: source.wall() };
  }
}

function bootId(): Uint8Array {
  let text = '';
  try {
    text = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  } catch {
    // Not mounted: then no two runs are of one boot, and wall time tells what passed between them.
  }
  const octets = unhex(text.trim().replaceAll('-', ''));
  return octets?.length === 16 ? octets : randomBytes(16);
}
