import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SystemError } from '../net/addon.ts';
import { Ahead } from './ahead.ts';

const MIB = 1024 * 1024;

/** A disk whose zeros arrive when the test says so. */
class Disk {
  readonly cleared: (readonly [number, number])[] = [];
  private done: ((error: SystemError | null) => void) | null = null;

  readonly clear = (
    _fd: number,
    start: number,
    end: number,
    done: (error: SystemError | null) => void,
  ): void => {
    assert.equal(this.done, null, 'one at a time');
    this.cleared.push([start, end]);
    this.done = done;
  };

  finish(error: SystemError | null = null): void {
    const { done } = this;
    this.done = null;
    done?.(error);
  }
}

const ignore = (): void => {};

test('zeros begin where the changes that are being written end, and more follow when half are used', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 256);
  assert.ok(ahead.admits(1000), 'nothing is on its way');
  ahead.follow(1000, ignore);
  disk.finish();
  ahead.follow(1000 + MIB, ignore);
  assert.deepEqual(disk.cleared, [[1000, 1000 + 4 * MIB]]);
  ahead.follow(1000 + 2 * MIB, ignore);
  assert.deepEqual(disk.cleared[1], [1000 + 4 * MIB, 1000 + 8 * MIB]);
});

test('changes that reach into zeros on their way wait for them, and are told when they are there', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  let told = 0;
  ahead.follow(100, () => told++);
  assert.ok(!ahead.admits(101));
  assert.equal(told, 0);
  disk.finish();
  assert.equal(told, 1);
  assert.ok(ahead.admits(4 * MIB));
  ahead.follow(3 * MIB, ignore);
  assert.ok(ahead.admits(4 * MIB), 'what is there already can be written to');
  assert.ok(!ahead.admits(100 + 4 * MIB + 1));
});

test('without space for zeros changes are written all the same, and it is not tried again', async () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  ahead.follow(100, ignore);
  disk.finish(Object.assign(new Error('full'), { code: 'ENOSPC' }) as SystemError);
  assert.ok(ahead.admits(10 * MIB));
  ahead.follow(10 * MIB, ignore);
  assert.equal(disk.cleared.length, 1);
  await ahead.ended();
});

test('it has ended when the last zeros have been written, so that the file can be closed', async () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  ahead.follow(100, ignore);
  let ended = false;
  const ending = ahead.ended().then(() => {
    ended = true;
  });
  await Promise.resolve();
  assert.ok(!ended);
  disk.finish();
  await ending;
});
