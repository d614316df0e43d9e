import type { Millis } from '../codec/machine.ts';

/** How long is waited after failures. */
export interface QueueOptions {
  readonly first: Millis;
  readonly last: Millis;
  /** Keys worked on at a time. */
  readonly concurrency: number;
  /** A number in [0, 1). */
  random(): number;
  onError(key: string, error: unknown): void;
}

/** Does the work of keys: each one at a time, what comes meanwhile once more afterwards, what fails later and later. */
export class WorkQueue {
  private readonly options: QueueOptions;
  private readonly work: (key: string) => Promise<Millis | null>;
  private readonly waiting = new Set<string>();
  private readonly running = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
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
  }

  private pump(): void {
    for (const key of this.waiting) {
      if (this.stopped || this.running.size >= this.options.concurrency) return;
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
      this.options.onError(key, error);
      const before = this.failures.get(key) ?? 0;
      this.failures.set(key, before + 1);
      const { first, last, random } = this.options;
      this.later(key, Math.min(first * 2 ** before, last) * (0.5 + random() / 2));
    } finally {
      this.running.delete(key);
      this.pump();
    }
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
