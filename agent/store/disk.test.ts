import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

// A user namespace gives what a user lacks; root needs none.
const unshare = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const possible = spawnSync('unshare', [...unshare, 'true']).status === 0;
const skip = possible ? false : 'needs root or user namespaces to mount a small disk';

for (const [scenario, name] of [
  [
    'full',
    'a disk that fills up: what is durable stays, nothing new is taken, and it goes on by itself',
  ],
  ['fullAtOpening', 'a disk that is full when the server starts: renewals can be answered'],
  ['readOnly', 'a disk that is read-only when the server starts, until it is not'],
] as const) {
  test(name, { skip }, () => {
    const file = join(import.meta.dirname, 'testdisk.ts');
    const run = spawnSync('unshare', [...unshare, process.execPath, file, scenario], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(run.status, 0, run.stderr);
  });
}
