import { crc32c } from '../../agent/core/crc32c.ts';
import type { Millis } from '../../codec/machine.ts';
import { describeBytes } from '../../codec/v4/describe.ts';

/** How many of the last events a failure shows. */
const KEPT = 60;

interface Entry {
  readonly at: Millis;
  readonly what: string;
  readonly message: Uint8Array | null;
}

/** An invariant that does not hold. */
export class Violation extends Error {}

/** What has happened: the last of it to be read, all of it as one number, and how often what happened. */
export class History {
  /** Stands for the whole run: two runs that differ anywhere differ here. */
  digest = 0;
  private readonly counts = new Map<string, number>();
  private readonly last: Entry[] = [];
  private next = 0;
  private readonly scratch = Buffer.alloc(512);

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  counted(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  /** How often each thing whose name begins so has happened, most frequent first. */
  tally(prefix: string): (readonly [name: string, count: number])[] {
    return [...this.counts]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, count]) => [name.slice(prefix.length), count] as const)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  }

  note(at: Millis, what: string, message: Uint8Array | null = null): void {
    const { scratch } = this;
    scratch.writeDoubleLE(at, 0);
    const end = 8 + scratch.write(what, 8, 'latin1');
    this.digest = crc32c(scratch, 0, end, this.digest);
    if (message !== null) this.digest = crc32c(message, 0, message.length, this.digest);
    this.last[this.next] = { at, what, message };
    this.next = (this.next + 1) % KEPT;
  }

  /** The last events, a line each, oldest first. */
  lines(): string[] {
    return [...this.last.slice(this.next), ...this.last.slice(0, this.next)].map(
      ({ at, what, message }) =>
        `${clock(at)} ${what}${message === null ? '' : `: ${describeBytes(message)}`}`,
    );
  }
}

/** A virtual time as people read it: hours, minutes, seconds since the start. */
export function clock(at: Millis): string {
  const seconds = at / 1000;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${(seconds % 60).toFixed(3).padStart(6, '0')}`;
}
