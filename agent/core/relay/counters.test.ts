import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import { RelayCounters, ROUND_TRIP_BOUNDS } from './counters.ts';
import type { ServedLink } from './plan.ts';

const ETH0 = { link: { name: 'eth0' } } as ServedLink;
const SERVER = 0xc0000201 as Ipv4;
const OFFER = 2;

/** The round trips of each server: how many are within each bound that has any, and their sum. */
function roundTrips(counters: RelayCounters): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  counters.eachRoundTrip((server, { counts, sum }) => {
    const buckets = [...counts].flatMap((n, i) =>
      n === 0 ? [] : [[ROUND_TRIP_BOUNDS[i] ?? 'more', n]],
    );
    found[server] = { buckets, sum };
  });
  return found;
}

test('a round trip is counted under the lowest bound that is not below it', () => {
  const counters = new RelayCounters();
  for (const age of [0, 0.1, 0.11, 0.5, 5000, 5001]) counters.reply(ETH0, OFFER, SERVER, age);
  const buckets = [
    [0.1, 2],
    [0.25, 1],
    [0.5, 1],
    [5000, 1],
    ['more', 1],
  ];
  assert.deepEqual(roundTrips(counters), { '192.0.2.1': { buckets, sum: 10_001.71 } });
});

test('a reply whose request is not known is counted, and has no round trip', () => {
  const counters = new RelayCounters();
  counters.request(ETH0, 1);
  counters.reply(ETH0, OFFER, SERVER, -1);
  assert.deepEqual(roundTrips(counters), {});
  const seen: string[] = [];
  counters.eachMessage((direction, ifname, type, n) =>
    seen.push(`${direction} ${ifname} ${type} ${n}`),
  );
  assert.deepEqual(seen, ['request eth0 DISCOVER 1', 'reply eth0 OFFER 1']);
});

test('however many addresses answer over the months, those of 64 are kept, the newest', () => {
  const counters = new RelayCounters();
  for (let i = 0; i < 1000; i++) counters.reply(ETH0, OFFER, (SERVER + i) as Ipv4, 1);
  counters.reply(ETH0, OFFER, (SERVER + 999) as Ipv4, 1);
  const servers = Object.keys(roundTrips(counters));
  assert.equal(servers.length, 64);
  assert.deepEqual([servers[0], servers.at(-1)], ['192.0.5.169', '192.0.5.232']);
});

test('drops and failed transmissions are counted by their names', () => {
  const counters = new RelayCounters();
  for (let i = 0; i < 3; i++) counters.drop('notServed');
  counters.drop('short');
  for (let i = 0; i < 2; i++) counters.sendError('ENETUNREACH');
  assert.deepEqual(Object.fromEntries(counters.drops), { notServed: 3, short: 1 });
  assert.deepEqual(Object.fromEntries(counters.sendErrors), { ENETUNREACH: 2 });
});
