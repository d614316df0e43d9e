import { addon, type SystemError } from '../net/addon.ts';

/**
 * Writes `bytes[start..end)` at `position` of a file off the main thread; they are durable when `done` is called without
 * an error, and must stay as they are until then.
 */
export type WriteDurably = (
  fd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  position: number,
  done: (error: SystemError | null) => void,
) => void;

/** The disk's. */
export const writeDurably: WriteDurably = (...write) => addon().writeDurably(...write);

/** Writes zeros to `[start..end)` of a file, likewise. */
export type ClearDurably = (
  fd: number,
  start: number,
  end: number,
  done: (error: SystemError | null) => void,
) => void;

/** The disk's. */
export const clearDurably: ClearDurably = (...clear) => addon().clearDurably(...clear);

/** As a promise, where time does not matter. */
export function written(
  write: WriteDurably,
  fd: number,
  bytes: Uint8Array,
  end: number,
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, end, position, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
