import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readManifestFiles, watchManifestFiles } from './files.ts';

let top = '';
before(() => {
  top = mkdtempSync(join(tmpdir(), 'manifests-'));
});
after(() => rmSync(top, { recursive: true }));

function folder(name: string, files: Record<string, string>): string {
  const path = join(top, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

/** Resolves when the watcher calls back; rejects after two seconds. */
function nextChange(paths: string[], act: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error('no change seen'))), 2_000);
    const stop = watchManifestFiles(paths, () => finish(resolve));
    const finish = (then: () => void): void => {
      clearTimeout(timer);
      stop();
      then();
    };
    act();
  });
}

test('of a folder, manifests are read in order of name, and nothing else', () => {
  const path = folder('mixed', {
    'b.yml': 'b',
    'a.yaml': 'a',
    'c.json': 'c',
    'notes.txt': 'n',
    '.swp.yaml': 's',
  });
  assert.deepEqual(
    readManifestFiles([path]).map((f) => f.text),
    ['a', 'b', 'c'],
  );
});

test('a file that is named is read whatever it is called', () => {
  const path = folder('odd', { manifest: 'm' });
  assert.deepEqual(readManifestFiles([join(path, 'manifest')]), [
    { file: join(path, 'manifest'), text: 'm' },
  ]);
});

test('what is not there is one line', () => {
  assert.throws(() => readManifestFiles([join(top, 'nowhere')]), {
    message: `${join(top, 'nowhere')}: no such file or folder`,
  });
  const empty = folder('empty', {});
  assert.throws(() => readManifestFiles([empty]), {
    message: `${empty}: no .yaml, .yml or .json file in this folder`,
  });
});

test('an edit in place is seen', async () => {
  const path = folder('edited', { 'a.yaml': '1' });
  await nextChange([join(path, 'a.yaml')], () => writeFileSync(join(path, 'a.yaml'), '2'));
});

test('a file that an editor replaces is seen', async () => {
  const path = folder('replaced', { 'a.yaml': '1', '4913': '2' });
  await nextChange([join(path, 'a.yaml')], () =>
    renameSync(join(path, '4913'), join(path, 'a.yaml')),
  );
});

test('a new file in a folder is seen', async () => {
  const path = folder('grown', { 'a.yaml': '1' });
  await nextChange([path], () => writeFileSync(join(path, 'b.yaml'), '2'));
});

test('a ConfigMap volume that turns its link is seen', async () => {
  const path = folder('volume', {});
  for (const generation of ['..1', '..2']) {
    mkdirSync(join(path, generation));
    writeFileSync(join(path, generation, 'a.yaml'), generation);
  }
  symlinkSync('..1', join(path, '..data'));
  symlinkSync('..data/a.yaml', join(path, 'a.yaml'));
  await nextChange([join(path, 'a.yaml')], () => {
    symlinkSync('..2', join(path, '..data_tmp'));
    renameSync(join(path, '..data_tmp'), join(path, '..data'));
  });
  assert.equal(readManifestFiles([join(path, 'a.yaml')])[0]?.text, '..2');
});
