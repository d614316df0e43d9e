import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import { FakeKube } from '../../crds/client/fake.ts';
import { DHCP_LEASES, type DhcpLeaseObject } from '../../crds/client/resources.ts';
import type { DhcpLeaseSpec } from '../../crds/types/dhcplease.ts';
import { LeaseObjects } from './leases.ts';

const ip = (text: string): Ipv4 => parseIpv4(text)!;

function lease(name: string, address: string, more: Partial<DhcpLeaseSpec> = {}): DhcpLeaseObject {
  const metadata = { name, namespace: 'dhcp' };
  const spec = { serverRef: { name: 'lab' }, address, intent: 'Bind', ...more } as const;
  return { apiVersion: 'dhcp-operator.io/v1alpha1', kind: 'DhcpLease', metadata, spec };
}

const reserve = { intent: 'Reserve', hardwareAddress: '02:00:00:00:00:01' } as const;

/** The objects of dhcp/lab, and what their listener is told of. */
async function scene(...objects: readonly DhcpLeaseObject[]) {
  const kube = new FakeKube();
  for (const object of objects) await kube.create(DHCP_LEASES, object, 'test');
  const told: string[] = [];
  const leases = new LeaseObjects(
    kube,
    { namespace: 'dhcp', name: 'lab' },
    {
      changed: (address) => told.push(`changed ${formatIpv4(address)}`),
      intentsChanged: () => told.push('intents'),
      bindingDeleted: (address) => told.push(`deleted ${formatIpv4(address)}`),
    },
  );
  await leases.ready;
  told.length = 0;
  const turn = async (act: () => Promise<unknown>): Promise<string[]> => {
    await act();
    await new Promise(setImmediate);
    return told.splice(0);
  };
  const put = (object: DhcpLeaseObject) => turn(() => kube.update(DHCP_LEASES, object, 'test'));
  const remove = (name: string) =>
    turn(() => kube.delete(DHCP_LEASES, { namespace: 'dhcp', name }));
  return { kube, leases, put, remove, turn };
}

const addressesOf = (leases: LeaseObjects): string[] => [...leases.addresses()].map(formatIpv4);

test('an object that a user has be about another address says nothing of the first any more', async () => {
  const { leases, put, remove } = await scene(lease('printer', '192.0.2.10', reserve));
  const moved = await put(lease('printer', '192.0.2.20', reserve));
  assert.deepEqual(moved, ['intents', 'changed 192.0.2.10', 'changed 192.0.2.20']);
  assert.deepEqual(leases.ofAddress(ip('192.0.2.10')), []);
  assert.equal(leases.ofAddress(ip('192.0.2.20'))[0]?.metadata.name, 'printer');
  assert.deepEqual(await remove('printer'), ['intents', 'changed 192.0.2.20']);
  assert.deepEqual(addressesOf(leases), []);
});

test('what a user wrote of an address comes before what a server did', async () => {
  const { leases } = await scene(
    lease('lab-192.0.2.10', '192.0.2.10'),
    lease('printer', '192.0.2.10', reserve),
  );
  assert.equal(leases.ofAddress(ip('192.0.2.10'))[0]?.metadata.name, 'printer');
  assert.deepEqual(
    leases.intents().map(({ metadata }) => metadata.name),
    ['printer'],
  );
});

test('a binding is deleted when nobody has written another object of its address', async () => {
  const { remove } = await scene(
    lease('lab-192.0.2.10', '192.0.2.10'),
    lease('lab-192.0.2.11', '192.0.2.11'),
    lease('printer', '192.0.2.11', reserve),
  );
  assert.deepEqual(await remove('lab-192.0.2.10'), ['deleted 192.0.2.10', 'changed 192.0.2.10']);
  assert.deepEqual(await remove('lab-192.0.2.11'), ['changed 192.0.2.11']);
});

test('a binding that is pinned, and one that is not any more, are news for what is wanted', async () => {
  const { leases, put } = await scene(lease('lab-192.0.2.10', '192.0.2.10'));
  const pinned = lease('lab-192.0.2.10', '192.0.2.10', { pin: true });
  assert.deepEqual(await put(pinned), ['intents', 'changed 192.0.2.10']);
  assert.equal(leases.intents().length, 1);
  assert.deepEqual(await put(lease('lab-192.0.2.10', '192.0.2.10')), [
    'intents',
    'changed 192.0.2.10',
  ]);
  assert.deepEqual(leases.intents(), []);
});

test('what became of a wish is no other wish', async () => {
  const { kube, turn } = await scene(lease('printer', '192.0.2.10', reserve));
  const key = { namespace: 'dhcp', name: 'printer' };
  const status = { state: 'Reserved' };
  assert.deepEqual(await turn(() => kube.patch(DHCP_LEASES, key, { status }, 'agent', 'status')), [
    'changed 192.0.2.10',
  ]);
});

test('what we delete ourselves is nobody’s wish', async () => {
  const { kube, leases, remove } = await scene(lease('lab-192.0.2.10', '192.0.2.10'));
  const made = await kube.get(DHCP_LEASES, { namespace: 'dhcp', name: 'lab-192.0.2.10' });
  leases.going(made?.metadata.uid).undo();
  leases.going(made?.metadata.uid);
  assert.deepEqual(await remove('lab-192.0.2.10'), ['changed 192.0.2.10']);
});

test('of two that want the same the older comes first, of one second by name', async () => {
  const { kube, leases } = await scene(
    lease('b', '192.0.2.10', reserve),
    lease('a', '192.0.2.10', reserve),
  );
  const all = await kube.list(DHCP_LEASES);
  const sorted = all.map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`).sort();
  assert.deepEqual(
    leases.intents().map(({ metadata }) => metadata.name),
    sorted.map((one) => one.split(' ')[1]),
  );
});
