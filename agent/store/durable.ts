import { addon, type SystemError } from '../net/addon.ts';

/**
 * Writes `bytes[start..end)` at `position` of a file, whose blocks up to `reserve` it asks for first, and syncs it, off the
 * main thread. The octets must stay as they are until `done`.
 */
export type WriteDurably = (
  fd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  position: number,
  reserve: number,
  done: (error: SystemError | null) => void,
) => void;

/** The disk's. */
export const writeDurably: WriteDurably = (...write) => addon().writeDurably(...write);

/** As a promise, where time does not matter. */
export function written(
  write: WriteDurably,
  fd: number,
  bytes: Uint8Array,
  end: number,
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, end, position, 0, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
