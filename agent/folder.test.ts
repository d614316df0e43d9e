import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './folder.ts';
import { withDirectory } from './store/testleases.ts';

test('a folder is made with those above it, for one user alone, and may be there', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a', 'b');
    makeFolder(path);
    makeFolder(path);
    makeFolder(`${path}/`);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, 'a')).mode & 0o777, 0o700);
  }));

test('where none can be made that is said', () =>
  withDirectory(async (directory) => {
    writeFileSync(join(directory, 'file'), '');
    for (const path of [join(directory, 'file'), join(directory, 'file', 'a'), '/proc/leases'])
      assert.throws(() => makeFolder(path), /EEXIST|ENOTDIR|ENOENT/);
  }));
