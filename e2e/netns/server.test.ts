// Our server for real clients, directly and through relays, on real packets. tcpdump is the judge of what is on the wire.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { DhcpServerSpec } from '../../crds/types/dhcpserver.ts';
import { eventually, Lab, type Node, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { agent, relayManifest } from './office.ts';

const SERVE = fileURLToPath(new URL('../lab/serve.ts', import.meta.url));
const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

/**
 *     client ── lan ── server (192.0.2.1) ── 203.0.113.1 ── router (203.0.113.2, 198.51.100.1) ── far
 */
interface Site {
  readonly lab: Lab;
  readonly client: Node;
  readonly server: Node;
  readonly router: Node;
  readonly far: Node;
}

const NEAR = {
  cidr: '192.0.2.0/24',
  pools: [{ start: '192.0.2.100', end: '192.0.2.199' }],
  options: { routers: ['192.0.2.1'], domainNameServers: ['192.0.2.53'] },
};
const FAR = {
  cidr: '198.51.100.0/24',
  pools: [{ start: '198.51.100.100', end: '198.51.100.199' }],
  options: { routers: ['198.51.100.1'], domainNameServers: ['192.0.2.53'] },
};
const SPEC: DhcpServerSpec = {
  interfaces: [{ match: 'lan' }],
  subnets: [NEAR, FAR],
  leaseTime: '1h',
};

function lab(name: string, body: (site: Site) => Promise<void>): void {
  test(name, { ...root, timeout: 90_000 }, async () => {
    const made = new Lab('server');
    try {
      await body(site(made));
    } finally {
      await made.close();
    }
  });
}

function site(made: Lab): Site {
  const [client, server, router, far] = ['client', 'server', 'router', 'far'].map((n) =>
    made.node(n),
  ) as [Node, Node, Node, Node];
  made.cable([client, 'eth0'], [server, 'lan']);
  made.cable([server, 'wan'], [router, 'wan']);
  made.cable([router, 'lan'], [far, 'eth0']);
  server.ip(
    'address add 192.0.2.1/24 broadcast 192.0.2.255 dev lan\naddress add 203.0.113.1/24 dev wan\nroute add 198.51.100.0/24 via 203.0.113.2',
  );
  router.ip(
    'address add 203.0.113.2/24 dev wan\naddress add 198.51.100.1/24 broadcast 198.51.100.255 dev lan',
  );
  router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  router.ip('route add 192.0.2.0/24 via 203.0.113.1');
  return { lab: made, client, server, router, far };
}

async function serve(
  { lab: made, server }: Site,
  spec: Partial<DhcpServerSpec> = {},
): Promise<Process> {
  const file = join(made.folder, 'server.yaml');
  writeFileSync(file, manifest(spec));
  const process = server.start('node', [SERVE, file]);
  await process.line(/"msg":"started"/);
  return process;
}

function manifest(spec: Partial<DhcpServerSpec>): string {
  return stringify({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    metadata: { name: 'lab' },
    spec: { ...SPEC, ...spec },
  });
}

async function capture(node: Node, ifname: string, filter: string): Promise<Process> {
  const options = ['-nn', '-e', '-vvv', '-l', '-U', '--immediate-mode'];
  const process = node.start('tcpdump', ['-i', ifname, ...options, filter]);
  await process.line(/listening on/);
  return process;
}

/** The packets that a capture holds, each as all of its lines. */
function packets(of: Process): string[] {
  return of.output.split(/^(?=\d\d:\d\d:\d\d\.\d+ )/m).filter((text) => /^\d\d:/.test(text));
}

for (const [name, client] of Object.entries(peers.ALL_CLIENTS)) {
  lab(`${name} gets a lease on our link, and gives it back`, async (where) => {
    const server = await serve(where);
    const running = client(where.client, 'eth0');
    const { address, router, names } = await running.lease();
    assert.match(address, /^192\.0\.2\.1\d\d$/);
    assert.equal(router, '192.0.2.1');
    assert.equal(names, '192.0.2.53');
    await running.release();
    await eventually('the release', async () => /"bound":0/.test(await statusOf(server)));
  });

  lab(
    `${name} gets a lease through ISC dhcrelay, and gives it back past the relay`,
    async (where) => {
      const server = await serve(where);
      await peers.dhcrelay(where.router, ['-a', '-i', 'lan', '-i', 'wan', '203.0.113.1']);
      const running = client(where.far, 'eth0');
      const { address, router } = await running.lease();
      assert.match(address, /^198\.51\.100\.1\d\d$/);
      assert.equal(router, '198.51.100.1');
      await running.release();
      await eventually('the release', async () =>
        /"name":"198.51.100.0\/24".*"bound":0/.test(await statusOf(server)),
      );
    },
  );
}

async function statusOf(server: Process): Promise<string> {
  server.signal('SIGUSR2');
  const line = /.*"subnets":.*\n/g;
  await eventually('a status', () => (server.output.match(line)?.length ?? 0) >= 1);
  return server.output.match(line)!.at(-1)!;
}

lab('a renewal is answered by unicast, on our link and past the relay', async (where) => {
  await serve(where);
  await peers.dhcrelay(where.router, ['-a', '-i', 'lan', '-i', 'wan', '203.0.113.1']);
  for (const node of [where.client, where.far]) {
    const running = peers.udhcpc(node, 'eth0');
    const first = await running.lease();
    running.renew();
    const second = await running.lease();
    assert.equal(second.reason, 'renew');
    assert.equal(second.address, first.address);
    await running.process.stop('SIGKILL');
  }
});

lab(
  'what is on the wire: unicast to the new address, whole checksums, an ARP probe before the first offer',
  async (where) => {
    await serve(where);
    const wire = await capture(where.client, 'eth0', 'arp or udp port 67 or udp port 68');
    const running = peers.udhcpc(where.client, 'eth0');
    const { address } = await running.lease();
    await eventually(
      'all packets',
      () => packets(wire).filter((p) => p.includes('BOOTP/DHCP')).length >= 4,
    );
    const seen = packets(wire);
    const probe = seen.findIndex(
      (p) => p.includes(`who-has ${address}`) && p.includes('tell 0.0.0.0'),
    );
    const offer = seen.findIndex((p) => /DHCP-Message \(53\), length 1: Offer/.test(p));
    assert.ok(probe >= 0 && probe < offer, 'the probe comes first');
    for (const reply of seen.filter((p) => p.includes('BOOTP/DHCP, Reply'))) {
      assert.match(reply, /udp sum ok/);
      assert.match(
        reply,
        new RegExp(`192\\.0\\.2\\.1\\.67 > ${address.replaceAll('.', '\\.')}\\.68`),
      );
      assert.match(reply, new RegExp(`> ${where.client.mac('eth0')},`));
    }
  },
);

lab(
  'an address that somebody uses is not offered: ARP on our link, ICMP beyond a relay',
  async (where) => {
    const server = await serve(where);
    await peers.dhcrelay(where.router, ['-a', '-i', 'lan', '-i', 'wan', '203.0.113.1']);
    where.client.ip('address add 192.0.2.100/24 dev eth0');
    // What has an address answers for it; another interface of the same host asks.
    where.client.ip('link add mac0 link eth0 type macvlan mode bridge');
    where.client.ip('link set mac0 up');
    const near = await peers.udhcpc(where.client, 'mac0').lease();
    assert.notEqual(near.address, '192.0.2.100');
    where.router.ip('address add 198.51.100.100/24 dev lan');
    const far = await peers.udhcpc(where.far, 'eth0').lease();
    assert.notEqual(far.address, '198.51.100.100');
    assert.match(await statusOf(server), /"conflicts":2/);
  },
);

lab('an edit reaches the client at its next renewal, without a restart', async (where) => {
  const server = await serve(where);
  const running = peers.udhcpc(where.client, 'eth0');
  await running.lease();
  const subnets = [{ ...NEAR, options: { ...NEAR.options, domainNameServers: ['192.0.2.99'] } }];
  writeFileSync(join(where.lab.folder, 'server.yaml'), manifest({ subnets }));
  server.signal('SIGHUP');
  await server.line(/reconfigured/);
  running.renew();
  assert.equal((await running.lease()).names, '192.0.2.99');
});

lab('another server on the link is noticed', async (where) => {
  const server = await serve(where, { foreignServers: { mode: 'Probe', interval: '200ms' } });
  where.client.ip('address add 192.0.2.2/24 dev eth0');
  await peers.dnsmasq(where.client, { ifname: 'eth0', subnets: [{ network: '192.0.2' }] });
  await server.line(/"server":"192\.0\.2\.2".*another DHCP server answers here/);
});

lab('a server that was there before is noticed at the start', async (where) => {
  where.client.ip('address add 192.0.2.2/24 dev eth0');
  await peers.dnsmasq(where.client, { ifname: 'eth0', subnets: [{ network: '192.0.2' }] });
  const server = await serve(where, { foreignServers: { mode: 'Probe', interval: '1h' } });
  await server.line(/"server":"192\.0\.2\.2".*another DHCP server answers here/);
});

lab('an interface and an address that come later are served', async (where) => {
  const { server, lab: made } = where;
  const late = made.node('late');
  const process = await serve(where, { interfaces: [{ match: 'lan*' }] });
  made.cable([server, 'lan7'], [late, 'eth0']);
  const subnets = [NEAR, FAR, { cidr: '10.7.0.0/24', pools: [{ cidr: '10.7.0.128/25' }] }];
  writeFileSync(
    join(made.folder, 'server.yaml'),
    manifest({ interfaces: [{ match: 'lan*' }], subnets }),
  );
  process.signal('SIGHUP');
  server.ip('address add 10.7.0.1/24 dev lan7');
  await process.line(/"interface":"lan7","address":"10\.7\.0\.1"/);
  assert.match((await peers.udhcpc(late, 'eth0').lease()).address, /^10\.7\.0\./);
});

lab(
  'it works with UDP port 67 taken by another program, and with no capability but NET_RAW',
  async (where) => {
    where.server.start('python3', [
      '-c',
      'import socket,time; s=socket.socket(2,2); s.bind(("",67)); time.sleep(60)',
    ]);
    const file = join(where.lab.folder, 'server.yaml');
    writeFileSync(file, manifest({}));
    const drop = ['--bounding-set', '-all,+net_raw', '--inh-caps', '-all,+net_raw'];
    const process = where.server.start('setpriv', [...drop, 'node', SERVE, file]);
    await process.line(/"msg":"started"/);
    assert.match((await peers.udhcpc(where.client, 'eth0').lease()).address, /^192\.0\.2\.1\d\d$/);
  },
);

lab(
  'a lease, its renewal and its release through our own relay and through dnsmasq as a relay',
  async (where) => {
    const server = await serve(where);
    const spec = { interfaces: [{ match: 'lan' }], upstreams: [{ address: '203.0.113.1' }] };
    const dnsmasq = ['-d', '--port=0', '-C', '/dev/null', '--dhcp-relay=198.51.100.1,203.0.113.1'];
    for (const start of [
      () => agent(where.router, [relayManifest(spec)]),
      async () => where.router.start('dnsmasq', dnsmasq),
    ]) {
      const relay = await start();
      const running = peers.udhcpc(where.far, 'eth0');
      const first = await running.lease();
      assert.match(first.address, /^198\.51\.100\.1\d\d$/);
      running.renew();
      assert.equal((await running.lease()).address, first.address);
      await running.release();
      await eventually('the release', async () =>
        /"name":"198.51.100.0\/24"[^}]*"bound":0/.test(await statusOf(server)),
      );
      await relay.stop();
    }
  },
);

lab('nmap discovers it, and what it finds is what is configured', async (where) => {
  await serve(where);
  // It looks only at interfaces that have an address.
  where.client.ip('address add 192.0.2.50/24 dev eth0');
  const nmap = where.client.start('nmap', [
    '--script',
    'broadcast-dhcp-discover',
    '--script-args',
    'broadcast-dhcp-discover.timeout=2s',
    '-e',
    'eth0',
  ]);
  await nmap.end(30);
  assert.match(nmap.output, /DHCP Message Type: DHCPOFFER/);
  assert.match(nmap.output, /Server Identifier: 192\.0\.2\.1/);
  assert.match(nmap.output, /Subnet Mask: 255\.255\.255\.0/);
});

lab(
  'a client that asks for another’s address, or is on the wrong network, is refused at once',
  async (where) => {
    await serve(where, { authoritative: true });
    await peers.udhcpc(where.client, 'eth0').lease();
    const wire = await capture(where.client, 'eth0', 'udp port 67 or udp port 68');
    // A lease file from elsewhere makes dhclient ask for an address there.
    const stale = join(where.lab.folder, 'stale.leases');
    writeFileSync(
      stale,
      'lease {\n interface "eth0";\n fixed-address 10.9.9.9;\n option subnet-mask 255.255.255.0;\n option dhcp-lease-time 99999;\n option dhcp-server-identifier 10.9.9.1;\n renew 6 2037/01/01 00:00:00;\n rebind 6 2037/01/01 00:00:00;\n expire 6 2037/01/01 00:00:00;\n}\n',
    );
    const conf = join(where.lab.folder, 'stale.conf');
    writeFileSync(conf, 'initial-interval 1;\ntimeout 20;\n');
    const files = ['-lf', stale, '-cf', conf, '-pf', `${stale}.pid`, '-sf', '/bin/true'];
    where.client.start('dhclient', ['-4', '-d', '-v', ...files, 'eth0']);
    await eventually('a NAK and a new lease', () =>
      /Message \(53\), length 1: NACK[\s\S]*length 1: ACK/.test(wire.output),
    );
    const nak = packets(wire).find((packet) => packet.includes('NACK'))!;
    assert.match(nak, /> 255\.255\.255\.255\.68/);
    assert.match(nak, /> ff:ff:ff:ff:ff:ff/);
    assert.match(nak, /udp sum ok/);
  },
);

// perfdhcp poses as a relay whose giaddr is its own address.
lab('perfdhcp passes: all of its exchanges are answered', async (where) => {
  const subnets = [{ cidr: '203.0.0.0/16', pools: [{ start: '203.0.0.1', end: '203.0.99.254' }] }];
  await serve(where, { subnets, conflictDetection: { mode: 'Off' }, limits: { perClient: 0 } });
  // A rate that a machine busy with other tests can keep up with; how fast it can be is a matter for the bench.
  const load = ['-r', '100', '-R', '1000', '-p', '4', '-s', '1', '-W', '5000000'];
  const perf = where.router.start('perfdhcp', ['-4', '-l', 'wan', ...load, '203.0.113.1']);
  await perf.end(60);
  const numbers = (of: RegExp): number[] => [...perf.output.matchAll(of)].map((m) => Number(m[1]));
  assert.deepEqual(numbers(/drops: (\d+)/g), [0, 0], perf.output);
  assert.ok(
    numbers(/received packets: (\d+)/g).every((received) => received > 100),
    perf.output,
  );
});
