import type { Millis } from '../../codec/machine.ts';

/**
 * Token buckets for any number of keys in a fixed amount of memory: one number a bucket, the time at which it is
 * full again (the generic cell rate algorithm). Keys whose hashes meet share a bucket; nothing is ever evicted.
 */
export class RateLimit {
  private readonly fullAt: Float64Array;
  private readonly interval: Millis;
  private readonly tolerance: Millis;

  /** `rate` events a second with a burst of `burst`; `buckets` is a power of two, 8 octets each. */
  constructor(rate: number, burst: number, buckets: number) {
    this.fullAt = new Float64Array(buckets);
    this.interval = 1000 / rate;
    this.tolerance = this.interval * (burst - 1);
  }

  /** Takes a token for the key with this hash; false when there is none. */
  take(now: Millis, hash: number): boolean {
    const bucket = hash & (this.fullAt.length - 1);
    const fullAt = Math.max(this.fullAt[bucket]!, now);
    if (fullAt - now > this.tolerance) return false;
    this.fullAt[bucket] = fullAt + this.interval;
    return true;
  }
}

/** A 32-bit hash of `length` octets, well mixed in its low bits (FNV-1a with a final avalanche). */
export function hashBytes(bytes: Uint8Array, at: number, length: number, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}
