import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCorpus } from '../e2e/corpus.ts';
import { attempt, fuzz, mutant, Random } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const CORPUS = readCorpus();

describe('every message of the corpus, findings of the past among them, through every decoder', () => {
  for (const sample of CORPUS) {
    test(sample.name, () => {
      for (const target of TARGETS) {
        const finding = attempt(target, sample.bytes);
        if (finding !== null) throw finding.error;
      }
    });
  }
});

describe('fuzz', () => {
  test('3,000 mutants find nothing (make fuzz runs for longer)', () => {
    const finding = fuzz(CORPUS, TARGETS, new Random(20240229), 3000);
    if (finding === null) return;
    assert.fail(
      `${finding.target} on ${Buffer.from(finding.bytes).toString('hex')}: ${finding.error}`,
    );
  });

  test('finds what is wrong, and gives the input that shows it', () => {
    const fragile = {
      name: 'fragile',
      run: (bytes: Uint8Array) => {
        if (bytes[243] === 52) throw new Error('overload');
        bytes.fill(0);
      },
    };
    const finding = fuzz(CORPUS, [fragile], new Random(1), 20_000);
    assert.equal(finding?.target, 'fragile');
    assert.equal(finding?.bytes[243], 52);
  });

  test('the same seed gives the same mutants, another one does not', () => {
    const mutants = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => mutant(CORPUS, random));
    };
    assert.deepEqual(mutants(7), mutants(7));
    assert.notDeepEqual(mutants(7), mutants(8));
  });

  test('mutants are messages that are nearly right: most reach the options, many are still whole', () => {
    const random = new Random(3);
    const mutants = Array.from({ length: 1000 }, () => mutant(CORPUS, random));
    assert.ok(mutants.filter((bytes) => bytes.length > 240).length > 500);
    const samples = new Set(CORPUS.map(({ bytes }) => Buffer.from(bytes).toString('hex')));
    const changed = mutants.filter((bytes) => !samples.has(Buffer.from(bytes).toString('hex')));
    assert.ok(changed.length > 900, `${changed.length} of 1000`);
  });
});
