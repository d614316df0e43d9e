import { INFINITE } from '../../../codec/v4/header.ts';

const UNITS: { readonly [letter: string]: number } = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Seconds of `45m`, `12h`, `3600` or `infinite`; null for what is no time. */
export function secondsOf(text: string): number | null {
  if (text === 'infinite') return INFINITE;
  const [, count, unit] = /^(\d{1,10})([smhdw]?)$/i.exec(text) ?? [];
  if (count === undefined) return null;
  return Math.min(Number(count) * (UNITS[unit!.toLowerCase()] ?? 1), INFINITE);
}
