import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WallMillis } from '../../../codec/machine.ts';
import { NEW_YEAR } from '../../store/testleases.ts';
import { type ClockReading, leaseTime, TIME_OFF_MAX, wallStepped } from './clock.ts';

const HOUR = 3_600_000;
const YEAR_2099 = Date.UTC(2099, 0);

function reading(boot: string, since: number, wall: number): ClockReading {
  return { bootId: Buffer.from(boot.padEnd(16)), boot: since, wall: wall as WallMillis };
}

const noted = { ...reading('first', 5 * HOUR, NEW_YEAR), lease: NEW_YEAR + 7 };

test('the lease clock starts as the wall clock', () => {
  assert.equal(leaseTime(null, reading('first', 5, NEW_YEAR)), NEW_YEAR);
});

for (const [name, now, passed] of [
  ['runs with the boot clock', reading('first', 6 * HOUR, NEW_YEAR + HOUR), HOUR],
  ['does not see the wall clock step forward', reading('first', 6 * HOUR, YEAR_2099), HOUR],
  ['does not see the wall clock step back', reading('first', 6 * HOUR, 0), HOUR],
  ['goes on over a reboot by the wall clock', reading('second', 1, NEW_YEAR + 9 * HOUR), 9 * HOUR],
  ['stands still over a reboot into 1970, as without a battery', reading('second', 1, 0), 0],
  ['stands still over a reboot into 2099', reading('second', 1, YEAR_2099), 0],
  ['believes a year', reading('second', 1, NEW_YEAR + TIME_OFF_MAX), TIME_OFF_MAX],
  ['takes a boot clock that went back for a reboot', reading('first', 1, NEW_YEAR + HOUR), HOUR],
] as const) {
  test(`the lease clock ${name}`, () => assert.equal(leaseTime(noted, now) - noted.lease, passed));
}

for (const [name, now, stepped] of [
  ['is no step: time passes', reading('first', 6 * HOUR, NEW_YEAR + HOUR), false],
  ['is no step: the clock is slewed', reading('first', 6 * HOUR, NEW_YEAR + HOUR + 500), false],
  ['is a step forward', reading('first', 6 * HOUR, NEW_YEAR + 2 * HOUR), true],
  ['is a step back', reading('first', 6 * HOUR, NEW_YEAR), true],
] as const) {
  test(`what ${name}`, () => assert.equal(wallStepped(noted, now), stepped));
}
