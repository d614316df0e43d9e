import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { FakeKube } from '../crds/client/fake.ts';
import { KubeError } from '../crds/client/kube.ts';
import { CONFIG_MAPS, DHCP_SERVERS, PDBS, SERVICES } from '../crds/client/resources.ts';
import { Controller } from './controller.ts';
import { server } from './core/testworld.ts';

const LAB = { namespace: 'dhcp', name: 'lab' };
const CHILD = { namespace: 'dhcp', name: 'dhcp-server-lab' };

function controllerOf(kube: FakeKube): Controller {
  const image = {
    image: 'agent:1',
    pullPolicy: 'IfNotPresent',
    pullSecrets: [],
    monitorLabels: {},
    priorityClass: null,
    logLevel: 'info',
  } as const;
  return new Controller({
    kube,
    image,
    log: pino({ level: 'silent' }),
    instance: 'test',
    random: () => 0.5,
    wall: Date.now,
  });
}

async function apply(kube: FakeKube, spec: object = {}): Promise<void> {
  const { apiVersion, kind, spec: whole } = server(spec);
  const object = { apiVersion, kind, metadata: LAB, spec: whole };
  await kube.apply(DHCP_SERVERS, object, { fieldManager: 'user', force: true });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await holds()) return;
    await sleep(5);
  }
  assert.fail(`waited 5 s for ${what}`);
}

/** What has been written, reads and watches left out. */
function writes({ requests }: FakeKube): string[] {
  return requests.filter((one) => /^(apply|create|update|patch|delete) /.test(one));
}

test('who lost the lead writes nothing, and does all that was missed when it leads again', async (t) => {
  const kube = new FakeKube();
  const controller = controllerOf(kube);
  t.after(() => controller.stop());
  await controller.start();
  await apply(kube);
  await until('the children', async () => (await kube.get(CONFIG_MAPS, CHILD)) !== null);
  await until('rest', () => controller.backlog === 0);
  controller.pause();
  await sleep(20);
  const before = writes(kube).length;
  await apply(kube, { leaseTime: '5h' });
  await kube.delete(SERVICES, CHILD);
  await sleep(100);
  assert.equal(writes(kube).length - before, 2, 'what this test itself has written');
  await controller.start();
  const text = async (): Promise<string> =>
    (await kube.get(CONFIG_MAPS, CHILD))?.data?.['manifests.yaml'] ?? '';
  await until('the edit', async () => (await text()).includes('5h'));
  await until('the Service', async () => (await kube.get(SERVICES, CHILD)) !== null);
});

test('the lead lost in the middle of a series of writes, the rest is not written', async (t) => {
  const kube = new FakeKube();
  const controller = controllerOf(kube);
  t.after(() => controller.stop());
  await apply(kube);
  const apply0 = kube.apply.bind(kube);
  const written: string[] = [];
  kube.apply = (resource, object, options) => {
    written.push(resource.kind);
    controller.pause();
    return apply0(resource, object, options);
  };
  await controller.start();
  await until('a write', () => written.length > 0);
  await sleep(50);
  assert.equal(written.length, 1);
  assert.equal(await kube.get(PDBS, CHILD), null);
});

test('a lead that is lost before it has begun never begins', async (t) => {
  const kube = new FakeKube();
  await apply(kube);
  const controller = controllerOf(kube);
  t.after(() => controller.stop());
  const started = controller.start();
  controller.pause();
  await started;
  await sleep(50);
  assert.equal(writes(kube).length, 1, 'what this test itself has written');
});

test('in a storm of 429 the many objects do not each ask', async (t) => {
  const kube = new FakeKube();
  const controller = controllerOf(kube);
  t.after(() => controller.stop());
  for (let n = 0; n < 30; n++) {
    const { apiVersion, kind, spec } = server({ subnets: [{ cidr: `10.0.${n}.0/24` }] });
    const metadata = { namespace: 'dhcp', name: `lab-${n}` };
    await kube.apply(
      DHCP_SERVERS,
      { apiVersion, kind, metadata, spec },
      { fieldManager: 'user', force: true },
    );
  }
  await controller.ready();
  const slow = new KubeError('TooManyRequests', 'slow down', 429, 300);
  const apply0 = kube.apply.bind(kube);
  let rejected = 0;
  let storm = true;
  kube.apply = (resource, object, options) => {
    if (!storm) return apply0(resource, object, options);
    rejected++;
    return Promise.reject(slow);
  };
  await controller.start();
  await sleep(1_000);
  // Four at a time, and 300 ms between.
  assert.ok(rejected > 4 && rejected <= 16, `${rejected} requests`);
  storm = false;
  await until('all', async () => (await kube.list(CONFIG_MAPS)).length === 30);
});
