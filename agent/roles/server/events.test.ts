import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'pino';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import { ServerEvents } from './events.ts';

/** Events of a server whose clock only the test moves, and what they wrote down. */
function scene() {
  const clock = { now: 0 };
  const lines: { readonly message: string; readonly notShown?: number }[] = [];
  const log = {
    warn: (facts: object, message: string) => lines.push({ ...facts, message }),
  } as unknown as Logger;
  return {
    clock,
    lines,
    events: new ServerEvents(
      log,
      () => clock.now,
      () => {},
    ),
  };
}

const server = (n: number): Ipv4 => (0xc0000200 + n) as Ipv4;

test('another server is told of once, however often it is heard', () => {
  const { events, lines, clock } = scene();
  for (let i = 0; i < 3; i++) {
    events.foreignServer(server(1), 'eth0');
    clock.now += 60_000;
  }
  assert.equal(lines.length, 1);
  assert.equal(events.foreignServers.get(server(1)), 3);
});

test('who forges answers of thousands of servers fills neither the log nor the memory', () => {
  const { events, lines } = scene();
  for (let i = 0; i < 10_000; i++) events.foreignServer(server(i), 'eth0');
  assert.equal(events.foreignServers.size, 64);
  assert.equal(lines.length, 64);
});

test('a storm of conflicts is one line a second, the next of which says how many were left out', () => {
  const { events, lines, clock } = scene();
  for (let i = 0; i < 100; i++) events.conflict(server(i), null);
  assert.equal(lines.length, 1);
  assert.equal(events.conflicts, 100);
  clock.now += 1_000;
  events.conflict(server(1), null);
  assert.deepEqual(
    lines.map(({ notShown }) => notShown),
    [undefined, 99],
  );
  clock.now += 1_000;
  events.conflict(server(1), null);
  assert.equal(lines[2]?.notShown, undefined, 'said once');
});
