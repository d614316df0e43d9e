// Runs in a mount namespace of its own (disk.test.ts): a store on a small disk that fills, or that is read-only.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { LeaseStore } from './store.ts';
import { address, aLease, written } from './testleases.ts';

const disk = mkdtempSync(join(tmpdir(), 'dhcp-disk-'));
const directory = join(disk, 'leases');
const ballast = join(disk, 'ballast');

/** What a server would have told clients, and what the table says of it. */
class Told {
  private readonly waiting: { ticket: number; address: Ipv4; text: string }[] = [];
  readonly leases = new Map<Ipv4, string>();

  constructor(store: LeaseStore) {
    store.onDurable((ticket) => {
      while (this.waiting[0] !== undefined && this.waiting[0].ticket <= ticket) {
        const { address: of, text } = this.waiting.shift()!;
        this.leases.set(of, text);
      }
    });
    store.onFailed(() => this.waiting.splice(0));
  }

  put(store: LeaseStore, n: number, hostname: string): boolean {
    const lease = aLease(n, { hostname, expires: Number.POSITIVE_INFINITY });
    const ticket = store.leases.put(lease);
    if (ticket !== 0) this.waiting.push({ ticket, address: lease.address, text: written(lease) });
    return ticket !== 0;
  }
}

async function full(): Promise<void> {
  mount('size=24m');
  const store = await LeaseStore.open({ directory });
  const told = new Told(store);
  for (let n = 0; n < 1000; n++) assert.ok(told.put(store, n, 'early'));
  await store.sync();
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 200_000));
  let taken = 0;
  for (; store.state.kind === 'ready' && taken < 200_000; taken++) {
    told.put(store, taken % 5000, `late ${taken}`);
    if (taken % 64 === 0) await sleep(0);
  }
  assert.ok(store.state.kind === 'degraded');
  assert.equal(store.state.code, 'ENOSPC');
  assert.match(store.state.reason, /no space left on device/);
  compare(store, told.leases, 'what the table has is what is durable');
  assert.ok(!told.put(store, 9000, 'new'), 'nothing new is taken');
  assert.ok(store.leases.put(aLease(3, { state: 'released' })) > 0, 'but a release is');
  await sleep(1500);
  assert.equal(store.state.kind, 'degraded', 'as long as it is full');
  rmSync(ballast);
  while (store.state.kind === 'degraded') await sleep(50);
  assert.ok(told.put(store, 9000, 'after'));
  await store.sync();
  told.leases.set(address(3), written(aLease(3, { state: 'released' })));
  compare(store, told.leases, 'it goes on by itself');
  await store.close();
  await reopened(told.leases);
}

/** Opening a store on a disk that is full already. */
async function fullAtOpening(): Promise<void> {
  mount('size=8m');
  const leases = await filled();
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  const store = await LeaseStore.open({ directory });
  assert.ok(store.state.kind === 'degraded' && store.state.code === 'ENOSPC');
  compare(store, leases, 'all leases are there, so that renewals can be answered');
  rmSync(ballast);
  while (store.state.kind === 'degraded') await sleep(50);
  await store.close();
  await reopened(leases);
}

async function readOnly(): Promise<void> {
  mount('size=8m');
  const leases = await filled();
  remount('ro');
  const store = await LeaseStore.open({ directory });
  assert.ok(store.state.kind === 'degraded');
  assert.equal(store.state.code, 'EROFS');
  compare(store, leases, 'all leases are there');
  assert.equal(store.leases.put(aLease(9)), 0);
  await assert.rejects(LeaseStore.open({ directory }), { code: 'ELOCKED' }, 'it is locked even so');
  remount('rw');
  while (store.state.kind === 'degraded') await sleep(50);
  store.leases.forget(address(1));
  leases.delete(address(1));
  await store.close();
  await reopened(leases);
}

async function filled(): Promise<Map<Ipv4, string>> {
  const store = await LeaseStore.open({ directory });
  const told = new Told(store);
  for (let n = 0; n < 50; n++) told.put(store, n, 'first');
  await store.sync();
  await store.close();
  return told.leases;
}

async function reopened(leases: Map<Ipv4, string>): Promise<void> {
  const store = await LeaseStore.open({ directory });
  assert.deepEqual(store.report.damage, []);
  compare(store, leases, 'and after a restart');
  await store.close();
}

function compare(store: LeaseStore, want: Map<Ipv4, string>, why: string): void {
  const found = new Map([...store.leases.entries()].map((l) => [l.address, written(l)]));
  assert.deepEqual([...found.values()].sort(), [...want.values()].sort(), why);
}

function mount(options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
}

function remount(how: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${how}`, disk]);
}

const scenarios = { full, fullAtOpening, readOnly };
try {
  await scenarios[process.argv[2] as keyof typeof scenarios]();
} finally {
  // The mount goes with the namespace; this is the directory underneath, which is empty.
  execFileSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true });
}
