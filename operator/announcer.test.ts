import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { FakeKube } from '../crds/client/fake.ts';
import { KubeError, type KubeObject } from '../crds/client/kube.ts';
import { EVENTS } from '../crds/client/resources.ts';
import { Announcer } from './announcer.ts';
import type { Finding } from './core/conditions.ts';

const REFUSED: Finding = {
  type: 'Accepted',
  status: 'False',
  reason: 'Invalid',
  message: 'spec.subnets[0].cidr: InvalidCidr',
};

function scene() {
  const kube = new FakeKube();
  const clock = { now: 1_769_860_800_000 };
  const log = pino({ level: 'silent' });
  const wall = (): number => clock.now;
  return { kube, clock, announcer: new Announcer({ kube, log, instance: 'operator-0', wall }) };
}

function lab(uid = 'a'): KubeObject {
  const metadata = { name: 'lab', namespace: 'dhcp', uid };
  return { apiVersion: 'dhcp-operator.io/v1alpha1', kind: 'DhcpServer', metadata };
}

test('an Event is about the object, and a Warning when it is bad news', async () => {
  const { kube, announcer } = scene();
  const good: Finding = { ...REFUSED, status: 'True', reason: 'Valid', message: 'in order' };
  await announcer.announce(lab(), [REFUSED, good]);
  const events = await kube.list(EVENTS, { namespace: 'dhcp' });
  assert.deepEqual(
    events.map(({ type, reason, note, action }) => [type, reason, note, action]),
    [
      ['Warning', 'Invalid', REFUSED.message, 'Accepted'],
      ['Normal', 'Valid', 'in order', 'Accepted'],
    ],
  );
  assert.deepEqual(events[0]?.regarding, {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    name: 'lab',
    namespace: 'dhcp',
    uid: 'a',
  });
});

test('an object that turns without rest gets ten Events a minute, and keeps no other from its own', async () => {
  const { kube, clock, announcer } = scene();
  const count = async (): Promise<number> => (await kube.list(EVENTS)).length;
  for (let i = 0; i < 30; i++) await announcer.announce(lab(), [REFUSED]);
  assert.equal(await count(), 10);
  await announcer.announce(lab('b'), [REFUSED]);
  assert.equal(await count(), 11);
  clock.now += 60_001;
  await announcer.announce(lab(), [REFUSED]);
  assert.equal(await count(), 12);
});

test('objects that were spoken of more than a minute ago are forgotten', async () => {
  const { clock, announcer } = scene();
  for (let i = 0; i < 500; i++) {
    await announcer.announce(lab(`uid-${i}`), [REFUSED]);
    clock.now += 1_000;
  }
  assert.ok(announcer.remembered <= 61, `${announcer.remembered}`);
});

test('an Event that the API server does not take holds nothing up; a mistake of ours does', async () => {
  const { kube, announcer } = scene();
  kube.failNext(new KubeError('Forbidden', 'the namespace is being terminated', 403));
  await announcer.announce(lab(), [REFUSED, REFUSED]);
  assert.equal((await kube.list(EVENTS)).length, 1, 'the second one');
  Object.assign(kube, { create: () => Promise.reject(new TypeError('a mistake')) });
  await assert.rejects(announcer.announce(lab(), [REFUSED]), TypeError);
});
