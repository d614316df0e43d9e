import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import { Aged } from './aged.ts';
import { Pool } from './pool.ts';

const ip = (n: number): Ipv4 => n as Ipv4;

test('a pool gives each address once, in order, over ranges', () => {
  const pool = new Pool([
    { start: ip(10), end: ip(12) },
    { start: ip(100), end: ip(101) },
  ]);
  const given: (Ipv4 | null)[] = [];
  for (let i = 0; i < 6; i++) {
    const address = pool.next();
    given.push(address);
    if (address !== null) assert.equal(pool.take(address), true);
  }
  assert.deepEqual(given, [10, 11, 12, 100, 101, null]);
  assert.equal(pool.free, 0);
});

test('an address given back is not the next one: others have their turn first', () => {
  const pool = new Pool([{ start: ip(1), end: ip(3) }]);
  pool.take(pool.next()!);
  pool.give(ip(1));
  assert.equal(pool.next(), 2);
});

test('after the last address it is the turn of the first', () => {
  const pool = new Pool([{ start: ip(1), end: ip(3) }]);
  for (let i = 0; i < 3; i++) pool.take(pool.next()!);
  pool.give(ip(2));
  pool.give(ip(1));
  assert.equal(pool.next(), 1);
});

test('an address taken out of turn changes no turn', () => {
  const pool = new Pool([{ start: ip(1), end: ip(9) }]);
  pool.take(ip(5));
  assert.equal(pool.next(), 1);
});

test('asking for the next address takes nothing', () => {
  const pool = new Pool([{ start: ip(1), end: ip(3) }]);
  assert.equal(pool.next(), 1);
  assert.equal(pool.next(), 1);
  assert.equal(pool.free, 3);
});

test('an address outside the pool can be neither taken nor given', () => {
  const pool = new Pool([{ start: ip(5), end: ip(6) }]);
  assert.equal(pool.take(ip(4)), false);
  pool.give(ip(7));
  assert.equal(pool.free, 2);
  assert.equal(pool.has(ip(7)), false);
  assert.equal(pool.isFree(ip(7)), false);
});

test('an empty pool gives nothing', () => {
  assert.equal(new Pool([]).next(), null);
});

test('the last free address of 250,000 is found', () => {
  const pool = new Pool([{ start: ip(0x0a000100), end: ip(0x0a03fffe) }]);
  for (let a = 0x0a000100; a <= 0x0a03fffe; a++) if (a !== 0x0a020304) pool.take(ip(a));
  assert.equal(pool.free, 1);
  assert.equal(pool.next(), 0x0a020304);
});

test('a pool agrees with a set, whatever is done to it', () => {
  const ranges = [
    { start: ip(3), end: ip(70) },
    { start: ip(80), end: ip(80) },
    { start: ip(96), end: ip(1200) },
  ];
  const command = fc.record({
    kind: fc.constantFrom('take', 'give', 'next'),
    address: fc.nat(1300),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
      const pool = new Pool(ranges);
      const model = new Set(
        ranges.flatMap(({ start, end }) =>
          Array.from({ length: end - start + 1 }, (_, i) => start + i),
        ),
      );
      const all = new Set(model);
      for (const { kind, address } of commands) {
        if (kind === 'take') assert.equal(pool.take(ip(address)), model.delete(address));
        else if (kind === 'give') {
          pool.give(ip(address));
          if (all.has(address)) model.add(address);
        } else {
          const next = pool.next()!;
          assert.ok(model.has(next));
          pool.take(next);
          model.delete(next);
        }
        assert.equal(pool.free, model.size);
      }
      for (const address of all) assert.equal(pool.isFree(ip(address)), model.has(address));
    }),
  );
});

test('the address left longest ago comes first', () => {
  const left = new Map<number, number>();
  const aged = new Aged(10, (address, at) => left.get(address) === at);
  for (const [address, at] of [
    [1, 100],
    [2, 200],
    [3, 300],
  ] as const) {
    left.set(address, at);
    aged.push(ip(address), at);
  }
  left.delete(1);
  assert.equal(aged.first(), 2);
  assert.equal(aged.firstLeftAt(), 200);
  aged.drop();
  aged.unshift(ip(2), 200);
  assert.equal(aged.first(), 2);
  left.set(2, 400);
  aged.push(ip(2), 400);
  assert.equal(aged.first(), 3, 'a client came back to 2 and left again');
});

test('an aged queue does not grow with clients that come and go', () => {
  const left = new Map<number, number>();
  const aged = new Aged(4, (address, at) => left.get(address) === at);
  for (let at = 0; at < 100_000; at++) {
    left.set(at % 4, at);
    aged.push(ip(at % 4), at);
  }
  assert.equal(aged.first(), 0);
  assert.equal(aged.firstLeftAt(), 99_996);
  assert.ok((aged as unknown as { addresses: Uint32Array }).addresses.length <= 128);
});
