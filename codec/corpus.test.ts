import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { formatSample, parseSample } from './corpus.ts';
import { describeBytes } from './v4/describe.ts';

const CORPUS = `${import.meta.dirname}/corpus`;
const UPDATE = process.env.UPDATE === '1';

describe('corpus: each message is described as its golden line says (UPDATE=1 rewrites)', () => {
  for (const file of globSync('*.hex', { cwd: CORPUS }).sort()) {
    test(file.replace(/\.hex$/, ''), () => {
      const sample = parseSample(readFileSync(`${CORPUS}/${file}`, 'utf8'));
      assert.ok(sample !== null, 'a comment line that names client and message, then hex');
      const golden = `${CORPUS}/${file.replace(/\.hex$/, '.txt')}`;
      const line = `${describeBytes(sample.bytes)}\n`;
      if (UPDATE) writeFileSync(golden, line);
      assert.equal(line, readFileSync(golden, 'utf8'));
      assert.equal(line.indexOf('\n'), line.length - 1);
    });
  }

  test('no golden line has lost its message', () => {
    const names = (ending: string) =>
      globSync(`*.${ending}`, { cwd: CORPUS }).map((file) => file.slice(0, -ending.length - 1));
    assert.deepEqual(names('txt').sort(), names('hex').sort());
    assert.ok(names('hex').length > 10);
  });
});

describe('a file of the corpus', () => {
  for (const [rule, text, want] of [
    ['hex with any white space', '# udhcpc DISCOVER\n01 02\n\n0a0b\n', '01020a0b'],
    ['more comments', '# a b\n# c\n01\n# d\n02\n', '0102'],
    ['no comment line', '0102\n', null],
    ['an empty comment line', '#\n0102\n', null],
    ['no hex', '# a b\n01 0x\n', null],
  ] as const) {
    test(rule, () => {
      const sample = parseSample(text);
      assert.equal(sample && Buffer.from(sample.bytes).toString('hex'), want);
    });
  }

  test('parse undoes format', () => {
    const sample = {
      title: 'dhclient REQUEST',
      bytes: Uint8Array.from({ length: 70 }, (_, i) => i),
    };
    assert.deepEqual(parseSample(formatSample(sample)), sample);
  });
});
