import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SystemError } from '../net/addon.ts';
import { Ahead } from './ahead.ts';

const PIECE = 64 * 1024;

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

function pieces(disk: Disk, count: number): void {
  for (let i = 0; i < count; i++) disk.finish();
}

test('zeros begin where the changes that are being written end, and end 4 MiB later', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 256);
  assert.ok(ahead.admits(1000), 'nothing is on its way');
  ahead.follow(1000, ignore);
  pieces(disk, 100);
  assert.deepEqual(disk.cleared[0], [1000, 1000 + PIECE]);
  assert.deepEqual(disk.cleared.at(-1), [1000 + 63 * PIECE, 1000 + 64 * PIECE]);
});

test('more follow when half of them are used', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  ahead.follow(0, ignore);
  pieces(disk, 64);
  ahead.follow(32 * PIECE - 1, ignore);
  assert.equal(disk.cleared.length, 64);
  ahead.follow(32 * PIECE, ignore);
  pieces(disk, 100);
  assert.deepEqual(disk.cleared.at(-1), [95 * PIECE, 96 * PIECE]);
});

test('changes that reach into a piece on its way wait for it, and are told when it is there', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  let told = 0;
  ahead.follow(100, () => told++);
  assert.ok(!ahead.admits(101));
  assert.equal(told, 0);
  disk.finish();
  assert.equal(told, 1);
  assert.ok(ahead.admits(100 + PIECE), 'though the next piece is on its way');
  assert.ok(!ahead.admits(101 + PIECE));
});

test('changes longer than what is there are written between two pieces, and the next begins after them', () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  const long = 10 * PIECE;
  let written = false;
  ahead.follow(0, () => {
    if (written) return;
    written = true;
    assert.ok(ahead.admits(long));
    ahead.follow(long, ignore);
  });
  disk.finish();
  assert.deepEqual(disk.cleared, [
    [0, PIECE],
    [long, long + PIECE],
  ]);
});

test('without space for zeros changes are written all the same, and it is not tried again', async () => {
  const disk = new Disk();
  const ahead = new Ahead(disk.clear, 3, 0);
  ahead.follow(100, ignore);
  disk.finish(Object.assign(new Error('full'), { code: 'ENOSPC' }) as SystemError);
  assert.ok(ahead.admits(100 * PIECE));
  ahead.follow(100 * PIECE, ignore);
  assert.equal(disk.cleared.length, 1);
  await ahead.ended();
});

test('it ends with the piece that is on its way, and then the file can be closed', async () => {
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
  assert.equal(disk.cleared.length, 1);
});
