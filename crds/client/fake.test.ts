import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RULES } from './conformance.ts';
import { FakeKube } from './fake.ts';
import { KubeError } from './kube.ts';
import { CONFIG_MAPS } from './resources.ts';

for (const [name, body] of RULES) test(name, () => body(new FakeKube(), 'ns'));

const MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name: 'a' } };

test('it can be as ill-mannered as a real one, and following survives that', async () => {
  const kube = new FakeKube();
  kube.failNext(new KubeError('InternalError', 'HTTP status 500', 500));
  const told: string[] = [];
  const following = kube.follow(CONFIG_MAPS, {}, ({ kind, object }) => {
    told.push(`${kind} ${object.metadata.name}`);
  });
  await following.ready;
  kube.cutWatches();
  await kube.create(CONFIG_MAPS, MAP, 'me');
  await sleep(20);
  kube.forgetHistory();
  await kube.delete(CONFIG_MAPS, { namespace: 'ns', name: 'a' });
  await sleep(40);
  assert.deepEqual(told, ['added a', 'deleted a']);
  kube.failNext(new KubeError('TooManyRequests', 'slow down', 429, 1000));
  await assert.rejects(kube.get(CONFIG_MAPS, MAP.metadata), { reason: 'TooManyRequests' });
  following.close();
});

test('what one is given nobody else changes', async () => {
  const kube = new FakeKube();
  const made = await kube.create(CONFIG_MAPS, { ...MAP, data: { x: '1' } }, 'me');
  (made.data as Record<string, string>).x = '2';
  assert.deepEqual((await kube.get(CONFIG_MAPS, MAP.metadata))?.data, { x: '1' });
});
