import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the patterns of classes (`matches` in CEL) from taking all the time there is for a text that somebody made up for
 * that: after so many steps back V8 goes on with its engine that takes none, as CEL's definition wants. Patterns that look
 * around or back, which CEL has not, are left as they are.
 */
export function boundPatterns(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}
