/** Milliseconds since an arbitrary start, never going back. */
export type Millis = number;

/** What a timer can wait for: one that is set for longer fires at once. */
export const TIMER_MAX: Millis = 0x7fffffff;

/** Milliseconds since the Unix epoch; it may be stepped by an administrator, so nothing is timed by it. */
export type WallMillis = number & { readonly __wall: never };

/**
 * The one shape of every stateful core here: it does no I/O and reads no clock, is told what happened
 * and when, and answers with what must be done, in order.
 */
export interface Machine<Event, Action> {
  handle(now: Millis, event: Event): readonly Action[];
  /** When `tick` is next wanted, or null. The driver keeps exactly one timer per machine. */
  deadline(): Millis | null;
  tick(now: Millis): readonly Action[];
}
