import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { aLease, withDirectory } from '../store/testleases.ts';
import { LocalCopy } from './copy.ts';
import { judge, Revocations, SETTLE } from './revocations.ts';

const addresses = (count: number): Ipv4[] => Array.from({ length: count }, (_, i) => i as Ipv4);

test('deleting the objects of a few bindings revokes them', () => {
  assert.equal(judge(addresses(1), 1, true).kind, 'revoke');
  assert.equal(judge(addresses(10), 10, true).kind, 'revoke');
  assert.equal(judge(addresses(100), 1000, true).kind, 'revoke');
});

test('deleting more than a tenth of many at once does not, and says how it is done', () => {
  const verdict = judge(addresses(101), 1000, true);
  assert.equal(verdict.kind, 'restore');
  assert.match(verdict.kind === 'restore' ? verdict.reason : '', /101 at once.*spec\.revoke/);
});

test('objects that went with their server revoke nothing', () => {
  assert.equal(judge(addresses(1), 1, false).kind, 'restore');
});

test('the object of a binding that somebody deleted does not come back while that is judged', () =>
  withDirectory(async (directory) => {
    const lease = aLease(7);
    let answer = (_isThere: boolean): void => {};
    const copy = new LocalCopy(directory, 'revoked.json', assert.ifError);
    mock.timers.enable({ apis: ['setTimeout'] });
    const revocations = new Revocations({
      server: 'dhcp/lab',
      copy,
      log: pino({ level: 'silent' }),
      isThere: () => new Promise((resolve) => (answer = resolve)),
      bound: () => 0,
      lease: () => lease,
      isBack: () => false,
      restore: () => assert.fail('restored'),
      changed: () => {},
    });
    revocations.deleted(lease.address);
    assert.ok(revocations.has(lease.address), 'while others may be deleted with it');
    mock.timers.tick(SETTLE);
    mock.timers.reset();
    assert.ok(revocations.has(lease.address), 'while the API server is asked');
    assert.deepEqual(revocations.documents(), []);
    answer(true);
    await turn();
    assert.ok(revocations.has(lease.address), 'once it is revoked');
    assert.equal(revocations.documents().length, 1);
    await copy.written();
  }));
