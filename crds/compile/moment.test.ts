import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WallMillis } from '../../codec/machine.ts';
import { formatMoment, parseMoment } from './moment.ts';

test('points in time are what Date takes them for', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
      (date) => {
        const wall = parseMoment(date.toISOString());
        assert.equal(wall, date.getTime());
        assert.equal(formatMoment(wall!), date.toISOString().replace(/\.\d+/, ''));
      },
    ),
  );
});

test('every day of 400 years, leap days of all kinds among them, is the one that Date takes it for', () => {
  const first = Date.UTC(2000, 0, 1);
  for (let day = 0; day < 146_097; day++) {
    const wall = (first + day * 86_400_000) as WallMillis;
    const text = formatMoment(wall);
    if (parseMoment(text) === wall && Date.parse(text) === wall) continue;
    assert.fail(`${new Date(wall).toISOString()} is ${text}, ${parseMoment(text)}`);
  }
});

// [text, as Date knows it; null: none]
for (const [text, same] of [
  ['2026-01-31T12:00:00+02:30', '2026-01-31T09:30:00Z'],
  ['2026-01-31T12:00:00-00:30', '2026-01-31T12:30:00Z'],
  ['2026-01-31t12:00:00z', '2026-01-31T12:00:00Z'],
  ['2026-01-31T12:00:00.25Z', '2026-01-31T12:00:00.250Z'],
  ['2026-01-31T12:00:00.123456789Z', '2026-01-31T12:00:00.123Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
  ['2026-02-29T00:00:00Z', null],
  ['2100-02-29T00:00:00Z', null],
  ['2026-04-31T00:00:00Z', null],
  ['2026-00-01T00:00:00Z', null],
  ['2026-13-01T00:00:00Z', null],
  ['2026-01-00T00:00:00Z', null],
  ['2026-01-32T00:00:00Z', null],
  ['2026-01-31T24:00:00Z', null],
  ['2026-01-31T12:60:00Z', null],
  ['2026-01-31T12:00:61Z', null],
  ['2026-01-31', null],
  ['2026-01-31T12:00:00', null],
] as const) {
  test(`${text} is ${same === null ? 'no point in time' : same}`, () => {
    assert.equal(parseMoment(text), same === null ? null : Date.parse(same));
  });
}
