import type { Logger } from 'pino';
import type { Outbox } from '../core/outbox.ts';
import { ENTRY } from '../core/ring.ts';
import { errnoName } from '../net/packet.ts';

/** Where failed transmissions are counted, by errno name. */
export interface SendErrors {
  readonly sendErrors: ReadonlyMap<string, number>;
  sendError(errno: string): void;
}

/** Counts what of an outbox could not be sent; an errno is written down when it comes for the first time. */
export function countSendErrors(outbox: Outbox, counters: SendErrors, log: Logger): void {
  for (let i = 0; i < outbox.count; i++) {
    const errno = outbox.entries[i * ENTRY.WORDS + ENTRY.ERROR]!;
    if (errno === 0) continue;
    const name = errnoName(errno);
    if (!counters.sendErrors.has(name)) log.warn({ errno: name }, 'sending failed');
    counters.sendError(name);
  }
}
