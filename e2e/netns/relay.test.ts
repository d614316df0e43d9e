// Our relay as a program: interfaces that come and go, other relays beside it, few capabilities, edits, HTTP.
// The topology is that of office.ts; what is on the wire is in relaywire.test.ts, who gets a lease in relayclients.test.ts.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { formatIpv4 } from '../../codec/ipv4.ts';
import * as H from '../../codec/v4/header.ts';
import { Capture } from '../lab/capture.ts';
import { eventually, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import {
  AGENT,
  agent,
  ask,
  LAN0,
  LAN1,
  type Office,
  officeTest,
  relay,
  relayManifest,
  SERVER,
  SUBNETS,
  writeManifests,
} from './office.ts';

// They mostly wait for packets.
const TOGETHER = { concurrency: 3 };

describe('our relay and its links', TOGETHER, () => {
  officeTest('a LAN that appears while it runs is served, without restart', async (site) => {
    const subnets = [{ network: LAN0 }, { network: '198.18.7' }];
    await peers.kea(site.server, { ifname: 'eth0', subnets });
    const running = await relay(site);
    const late = site.lab.node('late');
    site.lab.cable([site.node, 'lan7'], [late, 'eth0']);
    site.node.ip('addr add 198.18.7.1/24 dev lan7');
    await running.line(/"interface":"lan7","giaddr":"198\.18\.7\.1"/);
    const { address } = await peers.udhcpc(late, 'eth0').lease();
    assert.match(address, /^198\.18\.7\./);
    site.node.ip('link del lan7');
    await eventually('the interface to be forgotten', () => {
      return !/lan7/.test(running.output.trim().split('\n').at(-1)!);
    });
  });

  officeTest(
    'told no interfaces it serves the LANs, not pods, and never its own output',
    async (site) => {
      await peers.kea(site.server, SUBNETS);
      const pod = site.lab.node('pod');
      site.lab.cable([site.node, 'cni0'], [pod, 'eth0']);
      site.node.ip('addr add 10.244.0.1/24 dev cni0');
      const running = await agent(site.node, [
        relayManifest({ upstreams: [{ address: SERVER }], relayInformation: { mode: 'Always' } }),
      ]);
      assert.match(running.output, /"interface":"lan1"/);
      assert.match(running.output, /"name":"cni0","reason":"/);
      const above = await Capture.start(site.server, 'eth0');
      const refused = peers.udhcpc(pod, 'eth0');
      await peers.udhcpc(site.clients[0], 'eth0').lease();
      await refused.process.line(/broadcasting discover[\s\S]*broadcasting discover/);
      const requests = above.seen().filter(({ message }) => message.op === H.BOOTREQUEST);
      assert.deepEqual(
        requests.map(({ message, type }) => [formatIpv4(message.giaddr), type]),
        [
          [`${LAN0}.1`, H.DHCPDISCOVER],
          [`${LAN0}.1`, H.DHCPREQUEST],
        ],
      );
    },
  );

  for (const offload of ['on', 'off']) {
    officeTest(`checksum offload ${offload} at both ends of the cables`, (site) =>
      offloaded(site, offload),
    );
  }

  for (const order of ['us, then ISC dhcrelay', 'ISC dhcrelay, then us'] as const) {
    officeTest(`relays in a chain: ${order}`, (site) => chain(site, order.startsWith('us')));
  }
});

async function offloaded(site: Office, offload: string): Promise<void> {
  await peers.dhcpd(site.server, SUBNETS);
  for (const [node, ifname] of [
    [site.clients[0], 'eth0'],
    [site.server, 'eth0'],
    [site.node, 'lan0'],
    [site.node, 'up0'],
  ] as const) {
    node.run('ethtool', '-K', ifname, 'tx', offload, 'rx', offload);
  }
  await relay(site);
  const sides = [
    await Capture.start(site.clients[0], 'eth0'),
    await Capture.start(site.server, 'eth0'),
  ];
  for (const client of [peers.dhclient, peers.udhcpc]) {
    const running = client(site.clients[0], 'eth0');
    await running.lease();
    await running.release();
  }
  const macs = [site.node.mac('lan0'), site.node.mac('up0')];
  const seen = sides.flatMap((side) => side.seen()).filter(({ from }) => macs.includes(from));
  const sent = seen.filter(({ source }) => source === `${LAN0}.1:67`);
  assert.equal(sent.length, 8);
  for (const { checksum } of sent) assert.equal(checksum, 'right');
}

//     client0 eth0 ──── lan0 node mid0 ──── eth1 middle eth0 ──── eth0 far
//                    192.0.2.0/24      198.18.1.0/24      198.18.2.0/24
async function chain({ lab, node, clients }: Office, weAreFirst: boolean): Promise<void> {
  const [middle, far] = [lab.node('middle'), lab.node('far')];
  lab.cable([node, 'mid0'], [middle, 'eth1']);
  lab.cable([middle, 'eth0'], [far, 'eth0']);
  node.ip('addr add 198.18.1.1/24 dev mid0\nroute add 198.18.2.0/24 via 198.18.1.2');
  middle.ip(
    'addr add 198.18.1.2/24 dev eth1\naddr add 198.18.2.2/24 dev eth0\nroute add 192.0.2.0/24 via 198.18.1.1',
  );
  far.ip('addr add 198.18.2.1/24 dev eth0\nroute add default via 198.18.2.2');
  middle.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await peers.kea(far, SUBNETS);
  if (weAreFirst) {
    const spec = {
      interfaces: [{ match: 'lan0' }],
      upstreams: [{ address: '198.18.1.2' }],
      replySources: ['198.18.2.0/24'],
    };
    await agent(node, [relayManifest(spec)]);
    await peers.dhcrelay(middle, ['-i', 'eth1', '-i', 'eth0', '198.18.2.1']);
  } else {
    await peers.dhcrelay(node, ['-i', 'lan0', '-i', 'mid0', '198.18.1.2']);
    const spec = { interfaces: [{ match: 'eth1' }], upstreams: [{ address: '198.18.2.1' }] };
    await agent(middle, [relayManifest(spec)]);
  }
  const above = await Capture.start(far, 'eth0', 'dst host 198.18.2.1 and udp dst port 67');
  const { address } = await peers.udhcpc(clients[0], 'eth0').lease();
  assert.match(address, /^192\.0\.2\./);
  const requests = await above.until('two requests', (seen) => seen.length >= 2 && seen);
  for (const { message } of requests) {
    assert.equal(formatIpv4(message.giaddr), `${LAN0}.1`, 'R3: giaddr stays what the first put in');
    assert.ok(message.hops >= 2);
  }
}

/** CAP_NET_RAW is bit 13. */
const NET_RAW_ONLY = /^CapEff:\t0000000000002000$/m;
const AS_ROOT = ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all'];
const AS_NOBODY = [
  ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['--inh-caps=-all,+net_raw', '--ambient-caps=+net_raw', '--bounding-set=-all,+net_raw'],
];

describe('our relay as a program', TOGETHER, () => {
  for (const [uid, command] of [
    ['0', AS_ROOT],
    ['65534', AS_NOBODY],
  ] as const) {
    officeTest(`CAP_NET_RAW suffices, as uid ${uid}`, async (site) => {
      await peers.dnsmasq(site.server, SUBNETS);
      site.lab.open();
      const running = await relay(site, {}, [...command, '--no-new-privs']);
      const status = site.node.run('cat', `/proc/${running.pid}/status`);
      assert.match(status, NET_RAW_ONLY);
      assert.match(status, new RegExp(`^Uid:\\t${uid}\\t`, 'm'));
      await peers.udhcpc(site.clients[0], 'eth0').lease();
    });
  }

  officeTest('UDP port 67 is taken by somebody else: relays all the same', async (site) => {
    await peers.kea(site.server, SUBNETS);
    const squatter = site.node.start('python3', ['-c', SQUATTER]);
    await squatter.line(/bound/);
    const running = await relay(site);
    assert.match(running.output, /EADDRINUSE/);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
  });

  officeTest(
    'an edit of the manifest is applied within a second, a bad one leaves the last good one running',
    edits,
  );

  officeTest('health, readiness, status and metrics tell what happened', async (site) => {
    await peers.kea(site.server, SUBNETS);
    await relay(site);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
    assert.equal(ask(site, '/healthz'), 'ok\n');
    assert.equal(ask(site, '/readyz'), 'ok\n');
    assert.match(ask(site, '/status'), /"interface": "lan0"/);
    const metrics = ask(site, '/metrics');
    for (const line of [
      ...['DISCOVER', 'REQUEST'].map(
        (type) => `interface="lan0",direction="request",type="${type}"} 1`,
      ),
      ...['OFFER', 'ACK'].map((type) => `interface="lan0",direction="reply",type="${type}"} 1`),
      `dhcp_relay_round_trip_seconds_count{relay="office",server="${SERVER}"} 2`,
      'dhcp_relay_kernel_packets_total{relay="office",result="dropped"} 0',
    ]) {
      assert.ok(metrics.includes(line), `${line} in\n${metrics}`);
    }
    assert.match(ask(site, '/debug/heap'), /start the agent with --debug/);
  });
});

const SQUATTER = `import socket, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("", 67)); print("bound", flush=True); time.sleep(60)`;

async function edits(site: Office): Promise<void> {
  await peers.kea(site.server, SUBNETS);
  const spec = { interfaces: [{ match: 'lan1' }], upstreams: [{ address: SERVER }] };
  const file = writeManifests(site.lab, [relayManifest(spec)]);
  const running = await start(site, file);
  writeManifests(site.lab, [relayManifest({ ...spec, interfaces: [{ match: 'lan0' }] })], file);
  await running.line(/"served":\[\{"interface":"lan0"/, 1.5);
  await peers.udhcpc(site.clients[0], 'eth0').lease();
  writeManifests(site.lab, [relayManifest({ ...spec, upstreams: [{ adress: SERVER }] })], file);
  const named = /DhcpRelay\/office spec\.upstreams\[0\]\.adress: .*did you mean [^ ]*address/;
  await running.line(named, 3);
  const again = await peers.udhcpc(site.clients[0], 'eth0').lease();
  assert.ok(!again.address.startsWith(`${LAN1}.`), 'still by way of lan0');
  running.signal('SIGHUP');
  assert.equal(await running.stop('SIGTERM'), 0);
}

async function start(site: Office, file: string): Promise<Process> {
  const files = ['-f', file, '--state-dir', site.lab.folder];
  const started = site.node.start(AGENT, ['run', ...files, '--http', '127.0.0.1:9067']);
  await started.line(/"msg":"running"/);
  return started;
}
