import type { Millis } from '../codec/machine.ts';

/** Longest first. */
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

/** The shortest text that means as many milliseconds: `1h30m`; a whole number from 0 on. */
export function formatDuration(duration: Millis): string {
  let rest = duration;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}
