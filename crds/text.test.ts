import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { covers } from './compile/glob.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';
import { formatPath, parsePath } from './path.ts';

for (const [text, ms] of [
  ['300ms', 300],
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1d12h', 129_600_000],
  ['0s', 0],
  ['1m1m', 120_000],
  ['', null],
  ['90', null],
  ['1.5h', null],
  ['-1s', null],
  ['1 h', null],
  ['1w', null],
  ['1H', null],
  ['99999999999999d', null],
] as const) {
  test(`the duration "${text}" is ${ms === null ? 'none' : `${ms} ms`}`, () => {
    assert.equal(parseDuration(text), ms);
  });
}

test('a duration that is written is read as the same', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
  );
  assert.equal(formatDuration(5_400_000), '1h30m');
});

test('a path that is written is read as the same', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(), fc.string({ minLength: 1 }))), (path) => {
      assert.deepEqual(parsePath(formatPath(path)), path);
    }),
  );
  assert.equal(
    formatPath(['spec', 'placement', 'nodeSelector', 'kubernetes.io/os']),
    'spec.placement.nodeSelector["kubernetes.io/os"]',
  );
});

for (const [word, want] of [
  ['adress', 'address'],
  ['Address', 'address'],
  ['hostnames', 'hostname'],
  ['hsotname', 'hostname'],
  ['host', 'hostname'],
  ['port', null],
  ['x', null],
  ['', null],
] as const) {
  test(`"${word}" was probably meant to be ${want}`, () => {
    assert.equal(nearest(word, ['address', 'hostname', 'serviceRef']), want);
  });
}

for (const [glob, other, want] of [
  ['eth*', 'eth0', true],
  ['eth*', 'eth?', true],
  ['eth*', 'eth*', true],
  ['*', 'eth*', true],
  ['*', '', true],
  ['eth?', 'eth0', true],
  ['eth?', 'eth*', false],
  ['eth0', 'eth*', false],
  ['*1', 'eth*', false],
  ['e*0', 'eth*0', true],
  ['eth', 'eth0', false],
  ['a*b*c', 'a*c*b*c', true],
] as const) {
  test(`${glob} ${want ? 'takes' : 'does not take'} all that ${other || 'nothing'} takes`, () => {
    assert.equal(covers(glob, other), want);
  });
}

test('a glob that covers another matches whatever that matches', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 6 })
    .map((all) => all.join(''));
  const name = fc.array(fc.constantFrom('a', 'b'), { maxLength: 6 }).map((all) => all.join(''));
  const expression = (text: string): RegExp =>
    new RegExp(`^${text.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  let covered = 0;
  fc.assert(
    fc.property(glob, glob, name, (wide, narrow, text) => {
      assert.equal(covers(wide, text), expression(wide).test(text));
      if (!covers(wide, narrow)) return;
      covered++;
      if (expression(narrow).test(text)) assert.match(text, expression(wide));
    }),
    { numRuns: 5000 },
  );
  assert.ok(covered > 100);
});
