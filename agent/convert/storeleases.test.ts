import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatIpv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { LeaseStore } from '../store/store.ts';
import { convert } from './convert.ts';
import { storeLeases } from './storeleases.ts';
import { filesOf, testFile } from './testfiles.ts';

const NOW = Date.now();
const HOUR = 3_600_000;

/** A record as dhcpd writes it, that begins an hour ago. */
function record(end: string, state: string, ends: number): string {
  const time = (at: number): string => `epoch ${Math.round(at / 1000)}`;
  return `lease 10.2.0.${end} { starts ${time(NOW - HOUR)}; ends ${time(ends)}; cltt ${time(NOW - HOUR)};
    binding state ${state}; hardware ethernet 02:00:00:00:00:${end}; }\n`;
}

function placed(text: string) {
  const { placed } = convert({
    config: testFile('dhcpd.conf'),
    from: 'dhcpd',
    leases: [{ path: 'dhcpd.leases', text }],
    naming: {},
    interfaces: ['eth0'],
    files: filesOf({}),
    leasesAsObjects: false,
    now: NOW as WallMillis,
  });
  return placed;
}

const LEASES =
  record('20', 'active', NOW + HOUR) +
  record('21', 'abandoned', NOW + HOUR) +
  record('22', 'free', NOW + HOUR) +
  record('23', 'active', NOW - 1000);

async function inStore<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'convert-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('leases go into the store as the server would have written them', async () => {
  await inStore(async (directory) => {
    assert.deepEqual(await storeLeases(directory, placed(LEASES)), { written: 4, older: 0 });
    const store = await LeaseStore.open({ directory });
    try {
      const states = [...store.leases.entries()].map(({ address, state }) => [
        formatIpv4(address),
        state,
      ]);
      assert.deepEqual(states.sort(), [
        ['10.2.0.20', 'bound'],
        ['10.2.0.21', 'declined'],
        ['10.2.0.22', 'expired'],
        ['10.2.0.23', 'expired'],
      ]);
      const lease = store.leases.get(parseIpv4('10.2.0.20')!)!;
      assert.equal(lease.subnet, '10.2.0.0/23');
      assert.equal(lease.leaseSeconds, 7200);
      // To the second, as dhcpd writes it.
      assert.ok(Math.abs(store.wallAt(lease.expires) - (NOW + HOUR)) < 2000);
      const address = Uint8Array.of(2, 0, 0, 0, 0, 0x20);
      assert.deepEqual(store.leases.byHardwareAddress(1, address), [lease.address]);
    } finally {
      await store.close();
    }
  });
});

test('more leases than the store writes at a time are all written', async () => {
  let text = '';
  for (let i = 0; i < 80_000; i++) {
    const address = `10.${2 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`;
    const mac = [i >>> 16, i >>> 8, i].map((octet) => (octet & 255).toString(16)).join(':');
    text += `lease ${address} { ends epoch ${Math.round((NOW + HOUR) / 1000)}; binding state active; hardware ethernet 2:0:0:${mac}; client-hostname "${'x'.repeat(60)}"; }\n`;
  }
  await inStore(async (directory) => {
    const { placed } = convert({
      config: { path: 'dhcpd.conf', text: 'subnet 10.0.0.0 netmask 255.0.0.0 {}' },
      from: 'dhcpd',
      leases: [{ path: 'dhcpd.leases', text }],
      naming: {},
      interfaces: ['eth0'],
      files: filesOf({}),
      leasesAsObjects: false,
      now: NOW as WallMillis,
    });
    assert.deepEqual(await storeLeases(directory, placed), { written: 80_000, older: 0 });
  });
});

test('what the store knows more recent things of stays as it is', async () => {
  await inStore(async (directory) => {
    await storeLeases(directory, placed(LEASES));
    assert.deepEqual(await storeLeases(directory, placed(LEASES)), { written: 0, older: 4 });
  });
});

test('the store of a running server is refused', async () => {
  await inStore(async (directory) => {
    const store = await LeaseStore.open({ directory });
    try {
      await assert.rejects(storeLeases(directory, placed(LEASES)), { code: 'ELOCKED' });
    } finally {
      await store.close();
    }
  });
});
