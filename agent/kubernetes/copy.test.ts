import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LocalCopy } from './copy.ts';
import { readTerm, writeTerm } from './term.ts';

test('a copy is what was written last, also to who comes later, and damage is no term', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'copy-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const errors: Error[] = [];
  const copy = new LocalCopy(join(directory, 'sub'), 'term.json', (error) => errors.push(error));
  assert.equal(readTerm(copy), null);
  for (let epoch = 1; epoch <= 20; epoch++) writeTerm(copy, { epoch, sole: true });
  await copy.written();
  const later = new LocalCopy(join(directory, 'sub'), 'term.json', (error) => errors.push(error));
  assert.deepEqual(readTerm(later), { epoch: 20, sole: true });
  for (const damage of ['', '{', '[]', '{"epoch":"x"}', 'null']) {
    writeFileSync(join(directory, 'sub', 'term.json'), damage);
    assert.equal(readTerm(later), null);
  }
  assert.deepEqual(errors, []);
});

test('a copy that cannot be written is reported, and nothing is thrown', async () => {
  const errors: Error[] = [];
  const copy = new LocalCopy(import.meta.filename, 'x', (error) => errors.push(error));
  copy.write('text');
  await copy.written();
  assert.equal(errors.length, 1);
});
