import type { Millis } from '../../codec/machine.ts';

/** Something that will happen; it is forgotten when `cancelled` is set before. */
export interface Appointment {
  readonly at: Millis;
  readonly order: number;
  readonly happen: () => void;
  cancelled: boolean;
}

/** The virtual clock and what is to happen when, in order; what is due at the same moment happens in the order it was entered. */
export class Agenda {
  now: Millis = 0;
  /** How much has happened. */
  happened = 0;
  private readonly heap: Appointment[] = [];
  private entered = 0;

  after(delay: Millis, happen: () => void): Appointment {
    return this.at(this.now + delay, happen);
  }

  at(time: Millis, happen: () => void): Appointment {
    const at = Math.max(time, this.now);
    const entry = { at, order: this.entered++, happen, cancelled: false };
    this.heap.push(entry);
    this.rise(this.heap.length - 1);
    return entry;
  }

  /** Lets the next thing happen; false when nothing is due by `end`. */
  step(end: Millis): boolean {
    const next = this.heap[0];
    if (next === undefined || next.at > end) return false;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink();
    }
    if (next.cancelled) return true;
    this.now = next.at;
    this.happened++;
    next.happen();
    return true;
  }

  private rise(from: number): void {
    const { heap } = this;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!earlier(heap[at]!, heap[parent]!)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(): void {
    const { heap } = this;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && earlier(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }
}

function earlier(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
