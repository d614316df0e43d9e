import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkQueue } from './queue.ts';

const OPTIONS = { first: 10, last: 40, concurrency: 2, random: () => 1, onError: () => null };

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !what(); i++) await sleep(1);
  assert.ok(what());
}

test('a key that comes again while it waits is done once, while it runs once more', async () => {
  const runs: string[] = [];
  let go: () => void = () => {};
  const queue = new WorkQueue(async (key) => {
    runs.push(key);
    if (runs.length === 1) await new Promise<void>((resolve) => (go = resolve));
    return null;
  }, OPTIONS);
  queue.add('a');
  queue.add('a');
  queue.add('a');
  go();
  await until(() => queue.size === 0);
  await sleep(5);
  assert.deepEqual(runs, ['a', 'a']);
});

test('no key runs twice at a time, and no more keys than allowed', async () => {
  let most = 0;
  const running = new Set<string>();
  const queue = new WorkQueue(async (key) => {
    assert.ok(!running.has(key));
    running.add(key);
    most = Math.max(most, running.size);
    await sleep(2);
    running.delete(key);
    return null;
  }, OPTIONS);
  for (let i = 0; i < 60; i++) queue.add(`${i % 6}`);
  await until(() => queue.size === 0);
  assert.equal(most, 2);
});

test('what fails is tried again, later each time up to a limit, and then as if nothing had been', async () => {
  const at: number[] = [];
  let failing = 5;
  const queue = new WorkQueue(async () => {
    at.push(performance.now());
    if (failing-- > 0) throw new Error('not now');
    return null;
  }, OPTIONS);
  queue.add('a');
  await until(() => at.length === 6);
  const waits = at.slice(1).map((time, i) => time - at[i]!);
  const least = [10, 20, 40, 40, 40];
  for (const [i, wait] of waits.entries())
    assert.ok(wait >= least[i]! - 1.5, `${waits} against ${least}`);
  queue.stop();
});

test('a change does not wait for the next try', async () => {
  let runs = 0;
  const queue = new WorkQueue(
    async () => {
      if (++runs === 1) throw new Error('not now');
      return null;
    },
    { ...OPTIONS, first: 60_000, last: 60_000 },
  );
  queue.add('a');
  await until(() => runs === 1 && queue.size === 0);
  queue.add('a');
  await until(() => runs === 2);
  queue.stop();
});

test('what wants to be looked at again is', async () => {
  let runs = 0;
  const queue = new WorkQueue(async () => (++runs < 3 ? 5 : null), OPTIONS);
  queue.add('a');
  await until(() => runs === 3);
  queue.stop();
});

test('a failure that is not about its key stops all keys for as long as is said', async () => {
  const at: number[] = [];
  const queue = new WorkQueue(
    async () => {
      at.push(performance.now());
      if (at.length <= 2) throw new Error('slow down');
      return null;
    },
    { ...OPTIONS, onError: () => 60 },
  );
  for (let i = 0; i < 20; i++) queue.add(`${i}`);
  await until(() => at.length > 2);
  assert.ok(at[2]! - at[1]! >= 59, 'two were under way, and nobody after them');
  await until(() => queue.size === 0 && at.length === 22);
  queue.stop();
});
