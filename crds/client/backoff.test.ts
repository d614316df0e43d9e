import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';
import { KubeError } from './kube.ts';

const AWAY = new KubeError('Unreachable', 'ECONNREFUSED');
const BROKEN = new KubeError('InternalError', 'etcd is not there', 500);

function waits(backoff: Backoff, error: KubeError, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next(error));
}

function backoff(random = 1): Backoff {
  return new Backoff({ first: 500, last: 30_000, random: () => random });
}

test('waits double up to a limit, and begin anew after a success', () => {
  const one = backoff();
  assert.deepEqual(
    waits(one, BROKEN, 8),
    [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  );
  one.reset();
  assert.deepEqual(waits(one, BROKEN, 1), [500]);
});

test('they are spread over their second half', () => {
  assert.deepEqual(waits(backoff(0), BROKEN, 2), [250, 500]);
});

test('where nobody answers they stay short', () => {
  const one = backoff();
  const timeout = new KubeError('Timeout', 'no answer');
  assert.deepEqual(waits(one, AWAY, 6), [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  assert.deepEqual(waits(one, timeout, 1), [5_000]);
});

test('the first errors of a server that is back are forgiven', () => {
  const one = backoff();
  waits(one, AWAY, 50);
  assert.deepEqual(waits(one, BROKEN, 3), [500, 1_000, 2_000]);
});

test('what the server asks for is kept, also when it is more', () => {
  const one = backoff();
  const storm = new KubeError('TooManyRequests', 'slow down', 429, 3_000);
  assert.deepEqual(waits(one, storm, 4), [3_000, 3_000, 3_000, 4_000]);
});
