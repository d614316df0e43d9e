import type { WallMillis } from '../../codec/machine.ts';

const PATTERN =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const DAY = 86_400_000;

/** Milliseconds since 1970 of a point in time as RFC 3339 writes it; null for what is none. */
export function parseMoment(text: string): WallMillis | null {
  const parts = PATTERN.exec(text);
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as SixNumbers;
  const fraction = Number(`${parts[7] ?? ''}000`.slice(0, 3));
  const sign = parts[8] === '-' ? -1 : 1;
  const offset = sign * (Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0));
  const inRange = month >= 1 && month <= 12 && day >= 1 && day <= lengthOf(year, month);
  // RFC 3339 §5.7: 60 is a leap second.
  if (!inRange || hour > 23 || minute > 59 || second > 60) return null;
  const minutes = hour * 60 + minute - offset;
  const millis = minutes * 60_000 + second * 1000 + fraction;
  return (daysTo(year, month, day) * DAY + millis) as WallMillis;
}

/** The point in time as Kubernetes writes it, to the second: `2026-01-31T12:00:00Z`; years 0 to 9999. */
export function formatMoment(wall: WallMillis): string {
  const seconds = Math.floor(wall / 1000);
  const days = Math.floor(seconds / 86_400);
  const ofDay = seconds - days * 86_400;
  const [year, month, day] = dateOf(days);
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  const minutes = Math.floor(ofDay / 60);
  return `${date}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(ofDay % 60)}Z`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

type SixNumbers = [number, number, number, number, number, number];

/** Days from 1970-01-01, counting years from March, so that the leap day comes last. */
function daysTo(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const m = (month + 9) % 12;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + Math.floor((153 * m + 2) / 5) + day - 1 - 719_468;
}

/** The other way: `daysTo(...dateOf(days))` is `days`. */
function dateOf(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const yearDays = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - yearDays;
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const month = m < 10 ? m + 3 : m - 9;
  const day = dayOfYear - Math.floor((153 * m + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function lengthOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
