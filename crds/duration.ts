import type { Millis } from '../codec/machine.ts';

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** Milliseconds of a duration such as `300ms`, `90s`, `1h30m` or `8h`; null when it is none. */
export function parseDuration(text: string): Millis | null {
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) return null;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    sum += Number(count) * UNITS[unit as keyof typeof UNITS];
  }
  return Number.isSafeInteger(sum) ? sum : null;
}
