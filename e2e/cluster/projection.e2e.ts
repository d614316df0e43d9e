// How long it takes, and how many requests, until a cluster knows of ten thousand leases; and that a second look costs none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Leases } from '../../agent/core/lease/table.ts';
import { LeaseObjects } from '../../agent/kubernetes/leases.ts';
import { Publisher } from '../../agent/kubernetes/publisher.ts';
import { aLease } from '../../agent/store/testleases.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { type Cluster, openCluster } from '../../crds/client/cluster.ts';
import { eventually } from '../lab/lab.ts';
import { ControlPlane } from './controlplane.ts';

const LEASES = 10_000;
let controlPlane: ControlPlane;
let kube: Cluster;

before(async () => {
  controlPlane = await ControlPlane.start();
  const crds = new URL('../../crds', import.meta.url).pathname;
  controlPlane.kubectl('apply', '--server-side', '-f', `${crds}/dhcpleases.yaml`);
  await eventually('the kind to be known', () => {
    try {
      return controlPlane.kubectl('get', 'dhcpleases', '-A') !== null;
    } catch {
      return false;
    }
  });
  kube = await openCluster(controlPlane.kubeconfig, { failed: () => {}, threw: () => {} });
});
after(() => controlPlane?.stop());

async function project(leases: Leases): Promise<{ seconds: number; requests: number }> {
  const server = {
    server: 'default/lab',
    node: 'n1',
    epoch: 1,
    terms: null,
    wallAt: (time: number) => time as WallMillis,
  };
  const objects = new LeaseObjects(
    kube,
    { namespace: 'default', name: 'lab' },
    { changed: () => {}, intentsChanged: () => {}, bindingDeleted: () => {} },
  );
  await objects.ready;
  const publisher = new Publisher({
    kube,
    leases,
    objects,
    owner: () => null,
    server: () => server,
    which: () => 'All',
    withheld: () => false,
    intents: () => [],
    leaseNow: () => 0,
    now: () => performance.now(),
    onError: (error) => assert.fail(error),
  });
  const started = performance.now();
  publisher.start();
  while (publisher.behind > 0) await sleep(100);
  const seconds = (performance.now() - started) / 1000;
  publisher.stop();
  objects.close();
  return { seconds, requests: publisher.requests };
}

test(`${LEASES} leases become objects by two requests each, a hundred a second`, {
  timeout: 600_000,
}, async (t) => {
  const leases = new Leases({ secret: { low: 1, high: 2 } });
  for (let n = 0; n < LEASES; n++) leases.put(aLease(n));
  const { seconds, requests } = await project(leases);
  assert.equal(requests, 2 * LEASES);
  const rows = controlPlane.kubectl('get', 'dhcpleases', '--no-headers').trim().split('\n');
  assert.equal(rows.filter((row) => row.includes('Bound')).length, LEASES);
  t.diagnostic(`${LEASES} leases in ${seconds.toFixed(0)} s, ${requests} requests`);
  const again = await project(leases);
  assert.equal(again.requests, 0, 'a restart compares, and writes nothing');
  t.diagnostic(`compared again in ${again.seconds.toFixed(1)} s, ${again.requests} requests`);
});
