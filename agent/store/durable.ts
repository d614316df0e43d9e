import { addon } from '../net/addon.ts';

/** Writes `bytes[0..end)` at `position` of a file and syncs it, off the main thread. */
export function writeDurably(
  fd: number,
  bytes: Uint8Array,
  end: number,
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    addon().writeDurably(fd, bytes, 0, end, position, 0, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
