import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatIpv4 } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { FakeKube } from '../../crds/client/fake.ts';
import { KubeError } from '../../crds/client/kube.ts';
import { DHCP_LEASES, type DhcpLeaseObject } from '../../crds/client/resources.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { IntentConfig } from '../../crds/types/serverconfig.ts';
import type { LeaseOwner } from '../core/lease/object.ts';
import { Leases } from '../core/lease/table.ts';
import type { LeaseObjects as Which } from '../core/publish.ts';
import { address, aLease } from '../store/testleases.ts';
import { LeaseObjects } from './leases.ts';
import { Publisher } from './publisher.ts';

const SERVER = { namespace: 'dhcp', name: 'lab' };

class Bench {
  readonly kube = new FakeKube();
  readonly leases = new Leases({ secret: { low: 1, high: 2 } });
  readonly publisher: Publisher;
  readonly objects: LeaseObjects;
  readonly errors: string[] = [];
  readonly deleted: string[] = [];
  which: Which = 'All';
  intents: IntentConfig[] = [];

  constructor(now: () => number = () => performance.now()) {
    const server: LeaseOwner = {
      server: 'dhcp/lab',
      node: 'n1',
      epoch: 1,
      terms: null,
      wallAt: (time) => time as WallMillis,
    };
    this.objects = new LeaseObjects(this.kube, SERVER, {
      changed: (at) => this.publisher.changed(at),
      intentsChanged: () => {},
      bindingDeleted: (at) => this.deleted.push(formatIpv4(at)),
    });
    this.publisher = new Publisher({
      kube: this.kube,
      leases: this.leases,
      objects: this.objects,
      owner: () => null,
      server: () => server,
      which: () => this.which,
      withheld: () => false,
      intents: (name) => this.intents.filter(({ source }) => source === name),
      leaseNow: () => 0,
      now,
      onError: ({ reason }) => this.errors.push(reason),
    });
  }

  put(n: number, differing: Parameters<typeof aLease>[1] = {}): void {
    this.leases.put(aLease(n, differing));
    this.publisher.changed(address(n));
  }

  async caughtUp(): Promise<void> {
    for (let i = 0; i < 1000 && this.publisher.behind > 0; i++) await sleep(5);
    assert.equal(this.publisher.behind, 0);
    await sleep(10);
  }

  async names(): Promise<string[]> {
    const found = await this.kube.list(DHCP_LEASES);
    return found.map(({ metadata, status }) => `${metadata.name} ${status?.state}`).sort();
  }
}

async function bench(body: (on: Bench) => Promise<void>, now?: () => number): Promise<void> {
  const on = new Bench(now);
  try {
    await on.objects.ready;
    on.publisher.start();
    await body(on);
  } finally {
    on.publisher.stop();
    on.objects.close();
  }
}

test('on a machine so busy that what is due is past by the time it is waited for, nobody complains', async () => {
  const warnings: string[] = [];
  const heard = ({ name }: Error): number => warnings.push(name);
  process.on('warning', heard);
  let calls = 0;
  await bench(
    async (on) => {
      for (let n = 0; n < 300; n++) on.put(n);
      await on.caughtUp();
    },
    () => performance.now() + 3 * calls++,
  ).finally(() => process.off('warning', heard));
  assert.deepEqual(warnings, []);
});

test('every lease has an object, by two requests', () =>
  bench(async (on) => {
    for (let n = 0; n < 50; n++) on.put(n);
    await on.caughtUp();
    assert.equal((await on.names()).length, 50);
    assert.equal((await on.names())[0], 'lab-10.0.0.0 Bound');
    assert.equal(on.publisher.requests, 100);
  }));

test('a renewal that moves the end by little is not told, one by much is, by one request', () =>
  bench(async (on) => {
    on.put(1);
    await on.caughtUp();
    const { lastTransaction, expires } = aLease(1);
    const renewed = (by: number): object => ({
      lastTransaction: lastTransaction + by,
      expires: expires + by,
    });
    on.put(1, renewed(60_000));
    await on.caughtUp();
    assert.equal(on.publisher.requests, 2);
    on.put(1, renewed(1_800_000));
    await on.caughtUp();
    assert.equal(on.publisher.requests, 3);
  }));

test('what ended is told, and what is not known any more has no object', () =>
  bench(async (on) => {
    on.put(1);
    on.put(2);
    await on.caughtUp();
    on.put(1, { state: 'released' });
    on.leases.forget(address(2));
    on.publisher.changed(address(2));
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.1 Released']);
  }));

test('a user’s object gets the status, and keeps its spec', () =>
  bench(async (on) => {
    const spec = {
      serverRef: { name: 'lab' },
      address: '10.0.0.1',
      intent: 'Reserve',
      hardwareAddress: '02:00:00:00:00:09',
    } as const;
    const metadata = { namespace: 'dhcp', name: 'mine' };
    const object = {
      apiVersion: 'dhcp-operator.io/v1alpha1',
      kind: 'DhcpLease',
      metadata,
      spec,
    } as const;
    await on.kube.create(DHCP_LEASES, object, 'user');
    await sleep(20);
    on.put(1);
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['mine Bound']);
    assert.deepEqual((await on.kube.get(DHCP_LEASES, metadata))?.spec, spec);
  }));

test('what somebody changes in our object is put right', () =>
  bench(async (on) => {
    on.put(1);
    await on.caughtUp();
    const key = { namespace: 'dhcp', name: 'lab-10.0.0.1' };
    await on.kube.patch(DHCP_LEASES, key, { status: { state: 'Expired' } }, 'somebody', 'status');
    await sleep(20);
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.1 Bound']);
  }));

test('failures delay it, and nothing is lost', () =>
  bench(async (on) => {
    on.kube.failNext(
      new KubeError('InternalError', 'HTTP status 500', 500),
      new KubeError('TooManyRequests', 'slow down', 429, 50),
      new KubeError('Unreachable', 'ECONNREFUSED'),
    );
    for (let n = 0; n < 5; n++) on.put(n);
    await on.caughtUp();
    assert.equal((await on.names()).length, 5);
    assert.equal(on.errors.length, 3);
  }));

test('while nobody answers one of many tries, and all follow as soon as somebody does', () =>
  bench(async (on) => {
    const away = new KubeError('Unreachable', 'ECONNREFUSED');
    on.kube.failNext(...Array.from({ length: 10 }, () => away));
    const asked = on.kube.requests.length;
    const began = performance.now();
    for (let n = 0; n < 40; n++) on.put(n);
    for (let i = 0; i < 200 && on.publisher.behind > 0; i++) await sleep(50);
    // Eight were under way; then one each after half of 0.5, 1 and 2 s at least.
    assert.ok(performance.now() - began >= 1_750);
    assert.equal(on.publisher.behind, 0, 'none rests by itself');
    assert.equal(on.kube.requests.length - asked, 10 + 2 * 40);
  }));

test('what happened before it began is found by comparing', () =>
  bench(async (on) => {
    on.publisher.stop();
    on.leases.put(aLease(1));
    on.leases.put(aLease(2, { state: 'declined' }));
    on.publisher.start();
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.1 Bound', 'lab-10.0.0.2 Declined']);
  }));

test('leaseObjects: None makes none; the deletion of a binding is told', () =>
  bench(async (on) => {
    on.put(1);
    await on.caughtUp();
    on.which = 'None';
    on.put(2);
    await on.caughtUp();
    assert.equal((await on.names()).length, 1);
    await on.kube.delete(DHCP_LEASES, { namespace: 'dhcp', name: 'lab-10.0.0.1' });
    await sleep(20);
    assert.deepEqual(on.deleted, ['10.0.0.1']);
  }));

test('leaseObjects narrowed takes objects away, which revokes nothing; widened again brings them back', () =>
  bench(async (on) => {
    on.put(1);
    on.put(2, { reserved: true });
    await on.caughtUp();
    const pinned = { namespace: 'dhcp', name: 'lab-10.0.0.3' };
    on.put(3);
    await on.caughtUp();
    await on.kube.patch(DHCP_LEASES, pinned, { spec: { pin: true } }, 'user');
    await sleep(20);
    on.which = 'Reserved';
    on.publisher.everything();
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.2 Bound', 'lab-10.0.0.3 Bound']);
    on.which = 'None';
    on.publisher.everything();
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.3 Bound'], 'a user wants something of it');
    assert.deepEqual(on.deleted, []);
    on.which = 'All';
    on.publisher.everything();
    await on.caughtUp();
    assert.equal((await on.names()).length, 3);
  }));

function wanted(name: string, spec: Partial<DhcpLease['spec']>): DhcpLeaseObject {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { namespace: 'dhcp', name },
    spec: { serverRef: { name: 'lab' }, address: '10.0.0.1', ...spec },
  };
}

test('what a user wants of an address that nobody has is told: reserved, in quarantine', () =>
  bench(async (on) => {
    const match = {
      kind: 'hardwareAddress',
      octets: Uint8Array.of(2, 0, 0, 0, 0, 9),
    } as const;
    const at = { address: address(1), source: 'mine' };
    on.intents = [{ kind: 'Reserve', match, hostname: null, ...at }];
    await on.kube.create(DHCP_LEASES, wanted('mine', {}), 'user');
    await sleep(20);
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['mine Reserved']);
    on.intents = [{ kind: 'Quarantine', until: Number.POSITIVE_INFINITY as WallMillis, ...at }];
    on.publisher.intentsChanged();
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['mine Quarantined']);
    on.intents = [];
    on.publisher.intentsChanged();
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['mine undefined'], 'it is not in force any more');
    const requests = on.publisher.requests;
    on.publisher.everything();
    await on.caughtUp();
    assert.equal(on.publisher.requests, requests, 'the same is not told twice');
  }));

test('a pin of an address that nobody has yet stays', () =>
  bench(async (on) => {
    await on.kube.create(DHCP_LEASES, wanted('pin', { intent: 'Bind', pin: true }), 'user');
    await sleep(20);
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['pin undefined']);
  }));

test('what a server wrote and what a user wrote of one address are both kept up to date', () =>
  bench(async (on) => {
    on.put(1);
    await on.caughtUp();
    await on.kube.create(DHCP_LEASES, wanted('mine', { pin: true }), 'user');
    await sleep(20);
    await on.caughtUp();
    on.put(1, { state: 'released' });
    await on.caughtUp();
    assert.deepEqual(await on.names(), ['lab-10.0.0.1 Released', 'mine Released']);
  }));
