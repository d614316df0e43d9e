import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CoordinationLease } from '../../crds/client/resources.ts';
import { formerHolder, standByInVain } from './orphaned.ts';
import { pod, says, server } from './testworld.ts';

const FOR_GOOD = 2_147_483_647;

function lease(holderIdentity: string, leaseDurationSeconds = FOR_GOOD): CoordinationLease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'x' },
    spec: { holderIdentity, leaseDurationSeconds },
  };
}

describe('who holds a Lease for good without an agent', () => {
  test('whose pod is gone', () => assert.equal(formerHolder(lease('a'), [pod('b')]), 'a'));
  test('not who has a pod, ready or not', () =>
    assert.equal(formerHolder(lease('a'), [pod('a', false), pod('b')]), null));
  test('not who has to renew it', () => assert.equal(formerHolder(lease('a', 8), []), null));
  test('not nobody', () => assert.equal(formerHolder(lease(''), []), null));
});

describe('whether agents stand by in vain', () => {
  const of = (...nodes: ReturnType<typeof says>[]): boolean =>
    standByInVain(server({}, {}, { nodes }), [pod('b'), pod('c')]);
  test('those that have a pod', () =>
    assert.equal(of(says('a', 'Active'), says('b', 'Standby')), true));
  test('also when another has failed', () =>
    assert.equal(of(says('b', 'Standby'), says('c', 'Failed')), true));
  test('not when one answers', () =>
    assert.equal(of(says('b', 'Standby'), says('c', 'Active')), false));
  test('not when nobody has said anything', () => assert.equal(of(), false));
});
