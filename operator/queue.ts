import type { Millis } from '../codec/machine.ts';

/** How long is waited after failures. */
export interface QueueOptions {
  readonly first: Millis;
  readonly last: Millis;
  /** Keys worked on at a time. */
  readonly concurrency: number;
  /** A number in [0, 1). */
  random(): number;
  /** Is told of every failure; may answer for how long all keys are to wait, because it was not this one's fault. */
  onError(key: string, error: unknown): Millis | null;
}

/** Does the work of keys: each one at a time, what comes meanwhile once more afterwards, what fails later and later. */
export class WorkQueue {
  private readonly options: QueueOptions;
  private readonly work: (key: string) => Promise<Millis | null>;
  private readonly waiting = new Set<string>();
  private readonly running = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private pause: NodeJS.Timeout | null = null;
  private stopped = false;

  /** `work` resolves with after how long the key wants to be looked at again, or null. */
  constructor(work: (key: string) => Promise<Millis | null>, options: QueueOptions) {
    this.work = work;
    this.options = options;
  }

  add(key: string): void {
    this.clear(key);
    this.waiting.add(key);
    this.pump();
  }

  /** Keys that have yet to be done. */
  get size(): number {
    return this.waiting.size + this.running.size;
  }

  stop(): void {
    this.stopped = true;
    for (const key of [...this.timers.keys()]) this.clear(key);
    if (this.pause !== null) clearTimeout(this.pause);
  }

  private pump(): void {
    for (const key of this.waiting) {
      if (this.stopped || this.pause !== null || this.running.size >= this.options.concurrency)
        return;
      if (this.running.has(key)) continue;
      this.waiting.delete(key);
      this.running.add(key);
      void this.run(key);
    }
  }

  private async run(key: string): Promise<void> {
    try {
      const again = await this.work(key);
      this.failures.delete(key);
      if (again !== null) this.later(key, again);
    } catch (error) {
      const pause = this.options.onError(key, error);
      if (pause !== null) this.rest(pause);
      const before = this.failures.get(key) ?? 0;
      this.failures.set(key, before + 1);
      const { first, last, random } = this.options;
      this.later(key, Math.min(first * 2 ** before, last) * (0.5 + random() / 2));
    } finally {
      this.running.delete(key);
      this.pump();
    }
  }

  private rest(wait: Millis): void {
    if (this.stopped) return;
    if (this.pause !== null) clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.pause = null;
      this.pump();
    }, wait);
  }

  private later(key: string, wait: Millis): void {
    if (this.stopped || this.waiting.has(key)) return;
    this.clear(key);
    this.timers.set(
      key,
      setTimeout(() => this.add(key), wait),
    );
  }

  private clear(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }
}
