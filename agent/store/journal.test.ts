import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WallMillis } from '../../codec/machine.ts';
import type { WriteDurably } from './durable.ts';
import { Journal, type JournalHost } from './journal.ts';
import { aLease, NEW_YEAR, withDirectory } from './testleases.ts';

const HOST: JournalHost = {
  clock: () => ({
    bootId: new Uint8Array(16),
    boot: 0,
    wall: NEW_YEAR as WallMillis,
    lease: NEW_YEAR,
  }),
  durable: () => {},
  failed: (error) => {
    throw error;
  },
};

test('a file that cannot be cut to its length, as on a disk that has become read-only, is closed all the same', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'journal');
    writeFileSync(path, '');
    const write: WriteDurably = (_fd, _bytes, _start, _end, _position, done) =>
      setImmediate(done, null);
    const journal = new Journal({ low: 1, high: 2 }, write, (_fd, _start, _end, done) =>
      setImmediate(done, null),
    );
    const handle = await open(path, 'r');
    await assert.rejects(handle.truncate(0), { code: 'EINVAL' });
    journal.start({ handle, number: 1, seed: 7 }, HOST);
    assert.ok(journal.leases.put(aLease(1)) > 0);
    while (!journal.idle) await new Promise(setImmediate);
    await journal.close();
    assert.equal(handle.fd, -1);
  }));
