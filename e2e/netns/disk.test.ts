// Our server as a program on a disk that is full: who has a lease keeps it, nobody new gets one, everybody who asks is told why, and
// it goes on by itself when there is room again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, Lab, type Node, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { AGENT, manifest, writeManifests } from './office.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

const SPEC = {
  interfaces: [{ match: 'eth0' }],
  leaseTime: '1h',
  conflictDetection: { mode: 'Off' },
  subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.100', end: '192.0.2.199' }] }],
};

/** Takes all the room there is. */
function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize));
}

function readiness(server: Node): string {
  return server.run('curl', '-s', 'http://127.0.0.1:9067/readyz');
}

async function start(server: Node, disk: string, file: string): Promise<Process> {
  const agent = server.start(AGENT, ['run', '-f', file, '--state-dir', disk]);
  await agent.line(/"msg":"running"/, 30);
  return agent;
}

test('a disk that is full: renewals are answered, nothing new is given, and it says why', {
  ...root,
  timeout: 120_000,
}, async () => {
  const lab = new Lab('disk');
  // Not in the lab's folder, which goes while this is still there.
  const disk = mkdtempSync(join(tmpdir(), 'lab-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk]);
  try {
    const hub = lab.node('server');
    const [old, late] = [lab.node('old'), lab.node('late')];
    lab.cable([hub, 'p0'], [old, 'eth0']);
    lab.cable([hub, 'p1'], [late, 'eth0']);
    hub.ip(
      'link add eth0 type bridge\nlink set eth0 up\nlink set p0 master eth0\nlink set p1 master eth0\naddr add 192.0.2.1/24 broadcast 192.0.2.255 dev eth0',
    );
    const file = writeManifests(lab, [manifest('DhcpServer', 'lab', SPEC)]);
    const first = await start(hub, disk, file);
    const client = peers.udhcpc(old, 'eth0');
    const { address } = await client.lease();
    assert.equal(await first.stop(), 0);

    fill(disk);
    const second = await start(hub, disk, file);
    await second.line(/leases cannot be written, nothing new is given: ENOSPC/);
    await eventually('it to be not ready', () => /cannot write leases/.test(readiness(hub)), 20);
    assert.match(readiness(hub), /^DhcpServer lab cannot write leases: .*\n$/, 'said once');
    client.renew();
    const renewed = await client.lease(30);
    assert.equal(renewed.address, address);
    const refused = peers.udhcpc(late, 'eth0');
    await refused.process.line(/LEASE leasefail/, 30);
    const metrics = hub.run('curl', '-s', 'http://127.0.0.1:9067/metrics');
    assert.match(metrics, /reason="storeUnavailable"[^}]*\} [1-9]/);

    rmSync(join(disk, 'ballast'));
    await eventually('it to be ready', () => readiness(hub) === 'ok\n', 20);
    const given = await refused.lease(30);
    assert.notEqual(given.address, address);
    assert.equal(await second.stop(), 0);
  } finally {
    await lab.close();
    execFileSync('umount', ['-l', disk], { stdio: 'ignore' });
    rmSync(disk, { recursive: true });
  }
});
