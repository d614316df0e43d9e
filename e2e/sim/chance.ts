import { Random } from '../../codec/fuzz.ts';
import type { Millis } from '../../codec/machine.ts';

const STEPS = 0x100000000;

/** All the luck of a run, from one seed: the same seed, the same luck. */
export class Chance {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return this.random.below(limit);
  }

  /** Any number of 32 bits. */
  word(): number {
    return this.random.below(STEPS);
  }

  /** Whether something of this probability happens. */
  happens(probability: number): boolean {
    return this.random.below(STEPS) < probability * STEPS;
  }

  between(least: Millis, most: Millis): Millis {
    return least + this.random.below(most - least + 1);
  }

  /** When the next of events happens that come at random, so far apart on average. */
  wait(mean: Millis): Millis {
    return Math.ceil(-mean * Math.log((this.random.below(STEPS) + 1) / STEPS)) + 1;
  }

  pick<T>(all: readonly T[]): T {
    const one = all[this.random.below(all.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }
}
