import type { Place } from './report.ts';

/** A file that cannot be read as what it should be; the message is one line that names the place. */
export class ConvertError extends Error {
  readonly place: Place;
  readonly reason: string;

  constructor(place: Place, message: string) {
    const { file, line } = place;
    const text = `${file}${line === 0 ? '' : `:${line}`}: ${message}`;
    super(text.replace(/[\p{C}\s]+/gu, ' '));
    this.place = place;
    this.reason = message;
  }
}

/** Blocks, lists and expressions inside each other; what people write has less than a tenth of it. */
export const DEPTH_MAX = 60;
