import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SystemError } from '../net/addon.ts';
import { clearDurably, writeDurably } from './durable.ts';

/** Runs something with a new file, and returns what is in it afterwards. */
async function withFile(use: (fd: number) => Promise<void>): Promise<Buffer> {
  const path = join(tmpdir(), `durable-${process.pid}`);
  const fd = openSync(path, 'w+');
  try {
    await use(fd);
    return readFileSync(path);
  } finally {
    closeSync(fd);
    rmSync(path);
  }
}

function done(start: (done: (error: SystemError | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });
}

test('octets arrive where they belong', async () => {
  const octets = Buffer.from('abcdef');
  const content = await withFile(async (fd) => {
    await done((told) => writeDurably(fd, octets, 1, 4, 2, told));
    await done((told) => writeDurably(fd, octets, 4, 6, 5, told));
  });
  assert.equal(content.toString(), '\0\0bcdef');
});

test('zeros take the place of what was there, pieces and all, and nothing beside it', async () => {
  const length = 600_000;
  const content = await withFile(async (fd) => {
    writeSync(fd, Buffer.alloc(length + 10, 'x'));
    await done((told) => clearDurably(fd, 5, length, told));
  });
  assert.equal(content.length, length + 10);
  assert.equal(content.subarray(0, 6).toString(), 'xxxxx\0');
  assert.ok(content.subarray(5, length).every((octet) => octet === 0));
  assert.equal(content.subarray(length - 1).toString(), `\0${'x'.repeat(10)}`);
});

test('a write that the system refuses is an error with its code, not an exception', async () => {
  const fd = openSync('/dev/null', 'r');
  const octets = Buffer.alloc(10);
  try {
    const refused = { code: 'EBADF', operation: 'write to the lease journal' };
    await assert.rejects(
      done((told) => writeDurably(fd, octets, 0, 10, 0, told)),
      refused,
    );
    await assert.rejects(
      done((told) => clearDurably(fd, 0, 10, told)),
      refused,
    );
  } finally {
    closeSync(fd);
  }
});

test('misuse is an exception', () => {
  const ignore = (): void => {};
  assert.throws(() => clearDurably(3, 10, 9, ignore), /end must not be before start/);
  assert.throws(() => clearDurably(3, -1, 9, ignore), RangeError);
  assert.throws(() => clearDurably(3, 0, 2 ** 53, ignore), RangeError);
  assert.throws(() => writeDurably(3, Buffer.alloc(4), 2, 5, 0, ignore), RangeError);
  assert.throws(() => writeDurably(3, Buffer.alloc(4), 0, 4, 0.5, ignore), RangeError);
});
