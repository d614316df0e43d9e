import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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
