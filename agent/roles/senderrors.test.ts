import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import type { Logger } from 'pino';
import { HEADERS_LENGTH } from '../../codec/link/datagram.ts';
import { Outbox } from '../core/outbox.ts';
import { RelayCounters } from '../core/relay/counters.ts';
import { ENTRY } from '../core/ring.ts';
import { countSendErrors } from './senderrors.ts';

const { ENETUNREACH, EPERM } = constants.errno;

test('what could not be sent is counted by errno, each of which is written down once', () => {
  const outbox = new Outbox(Buffer.alloc(4 * HEADERS_LENGTH), 0, 4);
  for (let i = 0; i < 4; i++) outbox.route(0 as never, 67, 0 as never, 67, 0, 0);
  [ENETUNREACH, 0, EPERM, ENETUNREACH].forEach((errno, i) => {
    outbox.entries[i * ENTRY.WORDS + ENTRY.ERROR] = errno;
  });
  const counters = new RelayCounters();
  const said: unknown[] = [];
  const log = { warn: (facts: object) => said.push(facts) } as unknown as Logger;
  countSendErrors(outbox, counters, log);
  countSendErrors(outbox, counters, log);
  assert.deepEqual(Object.fromEntries(counters.sendErrors), { ENETUNREACH: 4, EPERM: 2 });
  assert.deepEqual(said, [{ errno: 'ENETUNREACH' }, { errno: 'EPERM' }]);
  outbox.clear();
  countSendErrors(outbox, counters, log);
  assert.equal(counters.sendErrors.get('EPERM'), 2, 'what was sent before does not count again');
});
