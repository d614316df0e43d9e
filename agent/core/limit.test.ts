import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashBytes, RateLimit } from './limit.ts';

test('a burst passes, then the rate', () => {
  const limit = new RateLimit(10, 3, 16);
  const passed = (now: number): number =>
    Array.from({ length: 5 }, () => limit.take(now, 7)).filter(Boolean).length;
  assert.equal(passed(0), 3);
  assert.equal(passed(99), 0);
  assert.equal(passed(100), 1);
  assert.equal(passed(10_000), 3, 'no more than the burst, however long it was quiet');
});

test('keys in different buckets do not touch each other', () => {
  const limit = new RateLimit(1, 1, 16);
  assert.ok(limit.take(0, 1));
  assert.ok(!limit.take(0, 1));
  assert.ok(limit.take(0, 2));
});

test('hashes of neighbouring hardware addresses spread over the low bits', () => {
  const buckets = new Set<number>();
  for (let i = 0; i < 4096; i++) {
    buckets.add(hashBytes(Uint8Array.of(2, 0, 0, 0, i >> 8, i), 0, 6, 42) & 0xffff);
  }
  // 4,096 balls in 65,536 buckets leave 3,970 occupied when they fall at random.
  assert.ok(buckets.size > 3_850, `${buckets.size} buckets`);
});

test('another seed is another hash, so that buckets cannot be aimed at', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.notEqual(hashBytes(bytes, 0, 3, 1), hashBytes(bytes, 0, 3, 2));
});
