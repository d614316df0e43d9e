// Our relay between real clients and real servers, on real packets. tcpdump is the judge of what is on the wire.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, type Node, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import {
  AGENT,
  agent,
  LAN0,
  LAN1,
  type Office,
  office,
  relay,
  relayManifest,
  SERVER,
  writeManifests,
} from './office.ts';

const SUBNETS = { ifname: 'eth0', subnets: [{ network: LAN0 }, { network: LAN1 }] };
const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

function lab(name: string, body: (site: Office) => Promise<void>): void {
  test(name, { ...root, timeout: 90_000 }, async () => {
    const site = office('relay');
    try {
      await body(site);
    } finally {
      await site.lab.close();
    }
  });
}

/** tcpdump on an interface, started and listening. */
async function capture(
  node: Node,
  ifname: string,
  filter = 'udp port 67 or udp port 68',
): Promise<Process> {
  const process = node.start('tcpdump', [
    '-i',
    ifname,
    '-nn',
    '-e',
    '-vvv',
    '-l',
    '-U',
    '--immediate-mode',
    filter,
  ]);
  await process.line(/listening on/);
  return process;
}

/** The packets that a capture holds, each as all of its lines. */
function packets(of: Process): string[] {
  return of.output.split(/^(?=\d\d:\d\d:\d\d\.\d+ )/m).filter((text) => /^\d\d:/.test(text));
}

for (const [name, server] of Object.entries(peers.SERVERS)) {
  lab(
    `udhcpc, dhclient and dhcpcd on two LANs get leases from ${name}, and give them back`,
    async (site) => {
      await server(site.server, SUBNETS);
      await relay(site);
      for (const [kind, client] of Object.entries(peers.CLIENTS)) {
        for (const [i, network] of [LAN0, LAN1].entries()) {
          const running = client(site.clients[i]!, 'eth0');
          const { address, router } = await running.lease();
          assert.ok(address.startsWith(`${network}.`), `${kind} got ${address} on ${network}`);
          assert.equal(router, `${network}.1`);
          await running.release();
        }
      }
    },
  );
}

lab(
  'what is on the wire: option 82 last, giaddr, hops, sources, checksums, and nothing of it at the client',
  async (site) => {
    await peers.kea(site.server, SUBNETS);
    await relay(site, {
      relayInformation: { mode: 'Always', circuitId: '{interface}', remoteId: '{node}' },
    });
    const [below, above] = [
      await capture(site.clients[0], 'eth0'),
      await capture(site.server, 'eth0'),
    ];
    const client = peers.udhcpc(site.clients[0], 'eth0');
    const { address } = await client.lease();
    await eventually(
      'four packets on both sides',
      () => packets(below).length >= 4 && packets(above).length >= 4,
    );

    const requests = packets(above).filter((p) => p.includes('Request from'));
    for (const packet of requests) {
      assert.match(packet, /udp sum ok/);
      assert.match(packet, /192\.0\.2\.1\.67 > 203\.0\.113\.1\.67/);
      assert.match(packet, /hops 1/);
      assert.match(packet, /Gateway-IP 192\.0\.2\.1/);
      assert.match(
        packet,
        /Agent-Information \(82\), length \d+: *\n\s+Circuit-ID SubOption 1, length 4: lan0\n[\s\S]*$/,
      );
      const codes = [...packet.matchAll(/\((\d+)\), length/g)]
        .map((match) => Number(match[1]))
        .filter((code) => code !== 0 && code !== 255);
      assert.equal(codes.at(-1), 82, 'option 82 is the last');
    }
    const replies = packets(below).filter((p) => p.includes('Reply'));
    assert.equal(replies.length, 2, 'nothing is sent twice');
    for (const packet of replies) {
      assert.match(packet, /udp sum ok/);
      assert.match(
        packet,
        new RegExp(`192\\.0\\.2\\.1\\.67 > ${address.replaceAll('.', '\\.')}\\.68`),
      );
      assert.match(packet, new RegExp(`> ${site.clients[0].mac('eth0')},`), 'to the client alone');
      assert.doesNotMatch(packet, /Agent-Information/);
    }
    assert.doesNotMatch(above.output, /0\.0\.0\.0\.\d+ >/, 'nothing goes up from 0.0.0.0');
  },
);

lab('the BROADCAST bit is honoured with IP and link-layer broadcast', async (site) => {
  await peers.kea(site.server, SUBNETS);
  await relay(site);
  const below = await capture(site.clients[0], 'eth0');
  await peers.udhcpc(site.clients[0], 'eth0', ['-B']).lease();
  await eventually(
    'the replies',
    () => packets(below).filter((p) => p.includes('Reply')).length === 2,
  );
  for (const packet of packets(below).filter((p) => p.includes('Reply'))) {
    assert.match(packet, /> ff:ff:ff:ff:ff:ff, [\s\S]*192\.0\.2\.1\.67 > 255\.255\.255\.255\.68/);
  }
});

lab(
  'a lease is renewed by unicast past the relay, and rebound through it when that way is blocked',
  async (site) => {
    await peers.kea(
      site.server,
      { ...SUBNETS, leaseSeconds: 16 },
      { 'renew-timer': 2, 'rebind-timer': 5 },
    );
    await relay(site);
    const client = peers.dhclient(site.clients[0], 'eth0');
    const { address } = await client.lease();
    const renewed = await client.lease();
    assert.deepEqual([renewed.reason, renewed.address], ['RENEW', address]);
    // What is routed through the node is lost from now on; what its relay sends is not.
    site.node.run('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    await client.process.line(
      /from 203\.0\.113\.1\n[\s\S]*to 255\.255\.255\.255 port 67\nDHCPACK of \S+ from 192\.0\.2\.1\n/,
    );
  },
);

lab(
  'a NAK reaches a client whose lease the server has forgotten, and it starts over',
  async (site) => {
    const first = await peers.dnsmasq(site.server, SUBNETS);
    await relay(site);
    const client = peers.udhcpc(site.clients[0], 'eth0');
    await client.lease();
    await first.stop();
    // Another pool: what the client has is wrong now.
    await peers.dhcpd(
      site.server,
      { ifname: 'eth0', subnets: [{ network: LAN1 }] },
      `subnet ${LAN0}.0 netmask 255.255.255.0 { range ${LAN0}.10 ${LAN0}.20; }`,
    );
    const below = await capture(site.clients[0], 'eth0');
    client.renew();
    const { address } = await client.lease(40);
    assert.match(address, /^192\.0\.2\.(1\d|20)$/);
    const nak = packets(below).find((packet) => /DHCP-Message \(53\), length 1: NACK/.test(packet));
    if (nak !== undefined) assert.match(nak, /> ff:ff:ff:ff:ff:ff,|> 192\.0\.2\.\d+\.68/);
  },
);

lab('an INFORM is answered through the relay to the address that asked', async (site) => {
  await peers.dnsmasq(site.server, SUBNETS);
  await relay(site);
  site.clients[0].ip('addr add 192.0.2.7/24 dev eth0');
  const asked = peers.inform(site.clients[0], 'eth0', '192.0.2.7');
  await asked.line(/ANSWER type 5 yiaddr 0\.0\.0\.0 from 192\.0\.2\.1/);
});

lab('a LAN that appears while the relay runs is served, without restart', async (site) => {
  await peers.kea(site.server, {
    ifname: 'eth0',
    subnets: [{ network: LAN0 }, { network: '198.18.7' }],
  });
  const running = await relay(site);
  const late = site.lab.node('late');
  site.lab.cable([site.node, 'lan7'], [late, 'eth0']);
  site.node.ip('addr add 198.18.7.1/24 dev lan7');
  await running.line(/"interface":"lan7","giaddr":"198\.18\.7\.1"/);
  const { address } = await peers.udhcpc(late, 'eth0').lease();
  assert.match(address, /^198\.18\.7\./);
  site.node.ip('link del lan7');
  await eventually(
    'the interface to be forgotten',
    () => !/lan7/.test(running.output.trim().split('\n').at(-1)!),
  );
});

lab(
  'secondary addresses: one request out per request in, with the primary address',
  async (site) => {
    await peers.kea(site.server, SUBNETS);
    site.node.ip(
      'addr add 192.0.2.250/24 dev lan0\naddr add 10.99.0.1/16 dev lan0\naddr add 192.0.2.99/32 dev lan0',
    );
    await relay(site);
    const above = await capture(site.server, 'eth0', `udp dst port 67 and dst host ${SERVER}`);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
    const requests = packets(above);
    assert.equal(requests.length, 2, requests.join(''));
    for (const packet of requests) assert.match(packet, /Gateway-IP 192\.0\.2\.1\n/);
  },
);

lab('a bridge with ports: each request is relayed once, from the bridge', async (site) => {
  await peers.kea(site.server, SUBNETS);
  site.node.ip(
    'addr flush dev lan0\naddr flush dev lan1\nlink add br0 type bridge forward_delay 0\nlink set lan0 master br0\nlink set lan1 master br0\naddr add 192.0.2.1/24 dev br0\nlink set br0 up',
  );
  await relay(site, { interfaces: [{ match: '*' }], excludeInterfaces: ['up0'] });
  const above = await capture(site.server, 'eth0', `udp dst port 67 and dst host ${SERVER}`);
  for (const client of site.clients) await peers.udhcpc(client, 'eth0').lease();
  assert.equal(packets(above).length, 4);
});

lab(
  'a server that does not echo option 82 is understood by giaddr; a shared giaddr by the request that waits',
  async (site) => {
    site.node.ip('addr add 10.255.0.1/32 dev lo');
    site.server.ip('route add 10.255.0.1/32 via 203.0.113.2');
    await peers.deafServer(site.server, {
      [`${LAN0}.1`]: `${LAN0}.60`,
      [`${LAN1}.1`]: `${LAN1}.60`,
    });
    await relay(site, { interfaces: [{ match: 'lan*', giaddr: '10.255.0.1' }] });
    for (const [i, network] of [LAN0, LAN1].entries()) {
      const { address } = await peers.udhcpc(site.clients[i]!, 'eth0').lease();
      assert.equal(address, `${network}.60`);
    }
  },
);

for (const order of ['us, then ISC dhcrelay', 'ISC dhcrelay, then us'] as const) {
  lab(`relays in a chain: ${order}`, async (site) => {
    // client0 ── lan0 node up0 ── eth1 middle eth0 ── eth0 server2
    const { lab: all, node } = site;
    const [middle, far] = [all.node('middle'), all.node('far')];
    all.cable([node, 'mid0'], [middle, 'eth1']);
    all.cable([middle, 'eth0'], [far, 'eth0']);
    node.ip('addr add 198.18.1.1/24 dev mid0\nroute add 198.18.2.0/24 via 198.18.1.2');
    middle.ip(
      'addr add 198.18.1.2/24 dev eth1\naddr add 198.18.2.2/24 dev eth0\nroute add 192.0.2.0/24 via 198.18.1.1',
    );
    far.ip('addr add 198.18.2.1/24 dev eth0\nroute add default via 198.18.2.2');
    middle.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    await peers.kea(far, SUBNETS);
    if (order.startsWith('us')) {
      await relay(site, {
        interfaces: [{ match: 'lan0' }],
        upstreams: [{ address: '198.18.1.2' }],
        replySources: ['198.18.2.0/24'],
      });
      await peers.dhcrelay(middle, ['-i', 'eth1', '-i', 'eth0', '198.18.2.1']);
    } else {
      await peers.dhcrelay(node, ['-i', 'lan0', '-i', 'mid0', '198.18.1.2']);
      await agent(middle, [
        relayManifest({ interfaces: [{ match: 'eth1' }], upstreams: [{ address: '198.18.2.1' }] }),
      ]);
    }
    const above = await capture(far, 'eth0', 'udp dst port 67 and dst host 198.18.2.1');
    const { address } = await peers.udhcpc(site.clients[0], 'eth0').lease();
    assert.match(address, /^192\.0\.2\./);
    await eventually('two requests', () => packets(above).length >= 2);
    for (const packet of packets(above))
      assert.match(packet, /hops ([2-9]|10)[\s\S]*Gateway-IP 192\.0\.2\.1/);
  });
}

for (const offload of ['on', 'off']) {
  lab(`checksum offload ${offload} at both ends of the cable`, async (site) => {
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
    for (const client of [peers.dhclient, peers.udhcpc]) {
      const running = client(site.clients[0], 'eth0');
      await running.lease();
      await running.release();
    }
  });
}

for (const [as, command] of [
  [
    'uid 0 with CAP_NET_RAW alone',
    ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all', '--no-new-privs'],
  ],
  [
    'uid 65534 with CAP_NET_RAW alone',
    [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--inh-caps=-all,+net_raw',
      '--ambient-caps=+net_raw',
      '--bounding-set=-all,+net_raw',
      '--no-new-privs',
    ],
  ],
] as const) {
  lab(`CAP_NET_RAW suffices: ${as}`, async (site) => {
    await peers.dnsmasq(site.server, SUBNETS);
    site.lab.open();
    const running = await relay(site, {}, command);
    const status = site.node.run('cat', `/proc/${running.pid}/status`);
    assert.match(status, /^CapEff:\t0000000000002000$/m);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
  });
}

lab('UDP port 67 is taken by somebody else: relays all the same', async (site) => {
  await peers.kea(site.server, SUBNETS);
  const squatter = site.node.start('python3', [
    '-c',
    "import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('',67))\nprint('bound',flush=True)\ntime.sleep(60)",
  ]);
  await squatter.line(/bound/);
  const running = await relay(site);
  assert.match(running.output, /EADDRINUSE/);
  await peers.udhcpc(site.clients[0], 'eth0').lease();
});

lab(
  'an edit of the manifest is applied within a second, a bad one leaves the last good one running',
  async (site) => {
    await peers.kea(site.server, SUBNETS);
    const spec = { interfaces: [{ match: 'lan1' }], upstreams: [{ address: SERVER }] };
    const file = writeManifests(site.lab, [relayManifest(spec)]);
    const running = await start(site, file);
    writeManifests(site.lab, [relayManifest({ ...spec, interfaces: [{ match: 'lan0' }] })], file);
    await running.line(/"served":\[\{"interface":"lan0"/, 1.5);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
    writeManifests(site.lab, [relayManifest({ ...spec, upstreams: [{ adress: SERVER }] })], file);
    await running.line(
      /DhcpRelay\/office spec\.upstreams\[0\]\.adress: .*did you mean [^ ]*address/,
      3,
    );
    await peers.udhcpc(site.clients[0], 'eth0').lease();
    running.signal('SIGHUP');
    assert.equal(await running.stop('SIGTERM'), 0);
  },
);

lab('health, readiness, status and metrics tell what happened', async (site) => {
  await peers.kea(site.server, SUBNETS);
  await relay(site);
  await peers.udhcpc(site.clients[0], 'eth0').lease();
  const get = (path: string): string => site.node.run('curl', '-s', `http://127.0.0.1:9067${path}`);
  assert.equal(get('/healthz'), 'ok\n');
  assert.equal(get('/readyz'), 'ok\n');
  assert.match(get('/status'), /"interface": "lan0"/);
  const metrics = get('/metrics');
  for (const type of ['DISCOVER', 'REQUEST'])
    assert.match(
      metrics,
      new RegExp(
        `dhcp_relay_messages_total\\{relay="office",interface="lan0",direction="request",type="${type}"\\} 1`,
      ),
    );
  for (const type of ['OFFER', 'ACK'])
    assert.match(metrics, new RegExp(`direction="reply",type="${type}"\\} 1`));
  assert.match(
    metrics,
    /dhcp_relay_round_trip_seconds_count\{relay="office",server="203\.0\.113\.1"\} 2/,
  );
  assert.match(metrics, /dhcp_relay_kernel_packets_total\{relay="office",result="dropped"\} 0/);
  assert.match(get('/debug/heap'), /start the agent with --debug/);
});

async function start(site: Office, file: string): Promise<Process> {
  const started = site.node.start(AGENT, [
    'run',
    '-f',
    file,
    '--state-dir',
    site.lab.folder,
    '--http',
    '127.0.0.1:9067',
  ]);
  await started.line(/"msg":"running"/);
  return started;
}
