// Our relay and our server together, as `dhcp-agent run` starts them, with leases on disk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capture } from '../lab/capture.ts';
import { eventually } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import {
  AGENT,
  agent,
  LAN0,
  LAN1,
  manifest,
  type Office,
  office,
  relay,
  relayManifest,
  writeManifests,
} from './office.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

const subnet = (network: string): object => ({
  cidr: `${network}.0/24`,
  pools: [{ start: `${network}.100`, end: `${network}.199` }],
  options: { routers: [`${network}.1`] },
});
const SERVER = manifest('DhcpServer', 'campus', {
  interfaces: [{ match: 'eth0' }],
  leaseTime: '1h',
  authoritative: true,
  subnets: [subnet(LAN0), subnet(LAN1)],
});

function lab(name: string, body: (site: Office) => Promise<void>): void {
  test(name, { ...root, timeout: 90_000 }, async () => {
    const site = office('agent');
    try {
      await body(site);
    } finally {
      await site.lab.close();
    }
  });
}

lab('every client on both LANs gets, renews and gives back a lease', async (site) => {
  await agent(site.server, [SERVER]);
  await relay(site);
  for (const client of Object.values(peers.CLIENTS)) {
    for (const [i, network] of [LAN0, LAN1].entries()) {
      const running = client(site.clients[i]!, 'eth0');
      const { address, router } = await running.lease();
      assert.ok(address.startsWith(`${network}.`), address);
      assert.equal(router, `${network}.1`);
      await running.release();
    }
  }
});

lab('a relay and a server on one node answer a renewal at the relay once', async (site) => {
  const upstreams = [{ address: '203.0.113.2' }];
  const relayInformation = { serverIdOverride: true };
  const spec = { interfaces: [{ match: 'lan0' }], upstreams, relayInformation };
  const server = manifest('DhcpServer', 'campus', { subnets: [subnet(LAN0)] });
  await agent(site.node, [server, relayManifest(spec)]);
  const [client] = site.clients;
  const capture = await Capture.start(client, 'eth0');
  const running = peers.udhcpc(client, 'eth0');
  await running.lease();
  for (let renewals = 1; renewals <= 2; renewals++) {
    running.renew();
    await running.lease();
  }
  const requests = capture.seen().filter(({ type }) => type === 3);
  const acks = capture.seen().filter(({ type }) => type === 5);
  assert.equal(requests.filter(({ destination }) => destination === `${LAN0}.1:67`).length, 2);
  assert.equal(acks.length, requests.length);
});

lab('a server that is killed comes back with its leases, and renews them', async (site) => {
  const first = await agent(site.server, [SERVER]);
  await relay(site);
  const client = peers.udhcpc(site.clients[0], 'eth0');
  const { address } = await client.lease();
  await first.stop('SIGKILL');
  const second = await agent(site.server, [SERVER]);
  assert.match(second.output, /"leases":1,/);
  client.renew();
  assert.equal((await client.lease()).address, address);
  const metrics = site.server.run('curl', '-s', 'http://127.0.0.1:9067/metrics');
  assert.doesNotMatch(metrics, /type="NAK"\} [1-9]/);
});

lab(
  'a second agent on the same state is refused with a line that says who has it',
  async (site) => {
    await agent(site.server, [SERVER]);
    const second = site.lab.node('second');
    const refused = agent(second, [SERVER]);
    await assert.rejects(refused, /DhcpServer campus: .*(lock|pid|another|in use)/i);
  },
);

lab(
  'an agent that cannot listen where it is asked to ends, and leaves nothing behind',
  async (site) => {
    await agent(site.server, [SERVER]);
    const other = writeManifests(site.lab, [
      relayManifest({ upstreams: [{ address: '192.0.2.9' }] }),
    ]);
    const args = ['run', '-f', other, '--state-dir', site.lab.folder, '--http', '127.0.0.1:9067'];
    const late = site.server.start(AGENT, args);
    assert.equal(await late.end(), 64);
    assert.match(late.output, /--http 127\.0\.0\.1:9067: EADDRINUSE; name another address, or off/);
  },
);

lab('manifests that cannot be used are told in the order in which they are found', async (site) => {
  const file = writeManifests(site.lab, [relayManifest({ upstream: [] })]);
  const agent = site.server.start(AGENT, ['run', '-f', file, '--http', 'off']);
  assert.equal(await agent.end(), 1);
  const lines = agent.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.match(lines[0].msg, /spec\.upstreams: is missing/);
  assert.match(lines.at(-1).msg, /^nothing to run: /);
  for (const { level, time } of lines) {
    assert.equal(level, 'error');
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

lab('a reservation made by a DhcpLease is given from then on', async (site) => {
  const mac = site.clients[0].mac('eth0');
  const lease = manifest('DhcpLease', 'campus-door', {
    serverRef: { name: 'campus' },
    address: `${LAN0}.12`,
    hardwareAddress: mac,
    hostname: 'door',
    intent: 'Reserve',
  });
  const running = await agent(site.server, [SERVER, lease]);
  await relay(site);
  assert.equal((await peers.udhcpc(site.clients[0], 'eth0').lease()).address, `${LAN0}.12`);
  await eventually('the lease in the status', () => {
    const status = site.server.run('curl', '-s', 'http://127.0.0.1:9067/status');
    return /"bound": 1/.test(status);
  });
  assert.equal(await running.stop(), 0);
});
