import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WallMillis } from '../../codec/machine.ts';
import { Contender } from './elect.ts';
import { FakeKube } from './fake.ts';
import { KubeError, type KubeObject, type Resource } from './kube.ts';
import { COORDINATION_LEASES } from './resources.ts';

/** Loses what a request or its answer says, without a sign, as a connection does that a firewall has forgotten. */
class LossyKube extends FakeKube {
  lose: 'request' | 'answer' | null = null;
  lost = 0;

  override async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    manager: string,
  ): Promise<T> {
    const { lose } = this;
    this.lose = null;
    if (lose === null) return super.update(resource, object, manager);
    this.lost++;
    if (lose === 'answer') await super.update(resource, object, manager);
    return new Promise(() => {});
  }
}

// Long enough that a machine under load renews in time.
const TERM = 1000;
const KEY = { namespace: 'dhcp', name: 'dhcp-server-lan' };
const OWNER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'lan', uid: 'u1' };

async function until(is: () => boolean): Promise<void> {
  const end = performance.now() + 10 * TERM;
  while (!is()) {
    assert.ok(performance.now() < end, 'in time');
    await sleep(5);
  }
}

async function contend(
  use: (kube: LossyKube, contender: Contender, said: string[]) => Promise<void>,
) {
  const kube = new LossyKube();
  const said: string[] = [];
  const contender = new Contender({
    kube,
    lease: { namespace: 'dhcp', name: 'dhcp-server-lan' },
    fieldManager: 'test',
    owner: () => OWNER,
    options: { identity: 'a', duration: 2 * TERM, renewWithin: TERM, retry: 0.4 * TERM },
    now: () => performance.now(),
    wall: () => Date.now() as WallMillis,
    onLead: (epoch) => said.push(`lead ${epoch}`),
    onFollow: () => said.push('follow'),
    onError: ({ reason }) => said.push(reason),
  });
  try {
    await until(() => said.length > 0);
    await use(kube, contender, said);
  } finally {
    kube.lose = null;
    // A request that was lost is not waited for.
    await Promise.race([contender.resign(), sleep(TERM)]);
  }
}

// Each waits for terms of its own, so all do at a time.
describe('a contender', { concurrency: true }, () => {
  for (const lose of ['request', 'answer'] as const) {
    test(`one ${lose} that is lost without a sign does not cost the Lease`, () =>
      contend(async (kube, contender, said) => {
        kube.lose = lose;
        const until = performance.now() + 3 * TERM;
        while (performance.now() < until) {
          assert.ok(contender.holds());
          await sleep(5);
        }
        assert.equal(kube.lost, 1);
        assert.deepEqual(said, ['lead 1']);
      }));
  }

  test('an error is not final while the same is being asked once more', () =>
    contend(async (kube, contender, said) => {
      kube.lose = 'request';
      await until(() => kube.lost > 0);
      // The second attempt meets this, and the first one never ends: the term does.
      kube.failNext(new KubeError('Unreachable', 'ECONNREFUSED'));
      await until(() => said.length >= 3);
      assert.deepEqual(said.slice(0, 3), ['lead 1', 'Unreachable', 'follow']);
      await until(() => contender.holds());
    }));

  test('the Lease goes with its owner, and what others write of it stays', () =>
    contend(async (kube, contender) => {
      const made = await kube.get(COORDINATION_LEASES, KEY);
      assert.deepEqual(made?.metadata.ownerReferences, [OWNER]);
      const labels = { team: 'network' };
      await kube.patch(COORDINATION_LEASES, KEY, { metadata: { labels } }, 'somebody');
      await sleep(3 * TERM);
      assert.ok(contender.holds());
      const renewed = await kube.get(COORDINATION_LEASES, KEY);
      assert.notEqual(renewed?.spec?.renewTime, made?.spec?.renewTime);
      assert.deepEqual(renewed?.metadata.labels, labels);
      assert.deepEqual(renewed?.metadata.ownerReferences, [OWNER]);
    }));
});
