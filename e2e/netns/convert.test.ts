// Moving from the other servers to ours: their own files are converted, and their clients keep their addresses.
import assert from 'node:assert/strict';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab, type Node, type Process } from '../lab/lab.ts';
import { udhcpc } from '../lab/peers.ts';
import { AGENT } from './office.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };
const TESTDATA = fileURLToPath(new URL('../../agent/convert/testdata/', import.meta.url));

/**
 *     first  ── eth0 ┐
 *                    lan (192.0.2.1) server
 *     second ── eth0 ┘
 */
interface Site {
  readonly lab: Lab;
  readonly first: Node;
  readonly second: Node;
  readonly server: Node;
}

function lab(name: string, body: (site: Site) => Promise<void>): void {
  test(name, { ...root, timeout: 120_000 }, async () => {
    const made = new Lab('convert');
    try {
      const [first, second, server] = ['first', 'second', 'server'].map((n) => made.node(n)) as [
        Node,
        Node,
        Node,
      ];
      server.ip('link add lan type bridge\nlink set lan up\naddr add 192.0.2.1/24 dev lan');
      for (const [node, port] of [
        [first, 'port0'],
        [second, 'port1'],
      ] as const) {
        made.cable([server, port], [node, 'eth0']);
        server.ip(`link set ${port} master lan`);
      }
      made.open();
      await body({ lab: made, first, second, server });
    } finally {
      await made.close();
    }
  });
}

/** Another server at work, with its files in the lab's folder. */
interface Old {
  readonly conf: string;
  readonly leases: string;
  readonly process: Process;
}

// One address is all that they have to give, so that it is clear who has it.
const SERVERS: { readonly [name: string]: (node: Node) => Promise<Old> } = {
  dhcpd: async (node) => {
    const { folder } = node.lab;
    const [conf, leases] = [join(folder, 'dhcpd.conf'), join(folder, 'dhcpd.leases')];
    writeFileSync(
      conf,
      'authoritative; ping-check false; default-lease-time 600; ddns-update-style none;\nsubnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.77; option routers 192.0.2.1; option domain-name-servers 192.0.2.53; }\n',
    );
    writeFileSync(leases, '');
    const files = ['-cf', conf, '-lf', leases, '-pf', join(folder, 'pid')];
    const process = node.start('/usr/sbin/dhcpd', ['-4', '-d', '-f', ...files, 'lan']);
    await process.line(/Server starting service/);
    return { conf, leases, process };
  },
  kea: async (node) => {
    const { folder } = node.lab;
    const [conf, leases] = [join(folder, 'kea.conf'), join(folder, 'leases.csv')];
    const config = {
      'interfaces-config': { interfaces: ['lan'] },
      'lease-database': { type: 'memfile', name: leases },
      'valid-lifetime': 600,
      authoritative: true,
      subnet4: [
        {
          id: 1,
          subnet: '192.0.2.0/24',
          pools: [{ pool: '192.0.2.77 - 192.0.2.77' }],
          'option-data': [
            { name: 'routers', data: '192.0.2.1' },
            { name: 'domain-name-servers', data: '192.0.2.53' },
          ],
        },
      ],
    };
    writeFileSync(conf, `// the one network\n${JSON.stringify({ Dhcp4: config }, null, 2)}`);
    const env = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder };
    const process = node.start('kea-dhcp4', ['-c', conf], { env });
    await process.line(/DHCP4_STARTED/);
    return { conf, leases, process };
  },
  dnsmasq: async (node) => {
    const { folder } = node.lab;
    const [conf, leases] = [join(folder, 'dnsmasq.conf'), join(folder, 'dnsmasq.leases')];
    writeFileSync(
      conf,
      `port=0\ninterface=lan\nno-ping\ndhcp-authoritative\ndhcp-leasefile=${leases}\ndhcp-range=192.0.2.77,192.0.2.77,255.255.255.0,10m\ndhcp-option=option:router,192.0.2.1\ndhcp-option=option:dns-server,192.0.2.53\n`,
    );
    const own = [`--pid-file=${join(folder, 'pid')}`, '--log-facility=-', '--user=root'];
    const process = node.start('dnsmasq', ['-d', '-C', conf, ...own]);
    await process.line(/DHCP, IP range/);
    return { conf, leases, process };
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  for (const way of ['the lease store', 'DhcpLeases'] as const) {
    lab(`a client of ${name} keeps its address when ${way} take over`, async (site) => {
      const { first, second, server } = site;
      const old = await start(server);
      const client = udhcpc(first, 'eth0');
      const before = await client.lease();
      assert.equal(before.address, '192.0.2.77');
      await old.process.stop();
      first.ip('link set eth0 down');

      const manifest = convert(site, old, way);
      const ours = await run(server, manifest);
      // Nobody is to be found at the address now, and still it is not for another.
      const other = second.start('busybox', [
        'udhcpc',
        '-i',
        'eth0',
        '-f',
        '-n',
        '-q',
        '-t',
        '3',
        '-T',
        '1',
        '-s',
        '/bin/true',
      ]);
      assert.notEqual(await other.end(), 0, other.output);

      first.ip('link set eth0 up');
      client.renew();
      const after = await client.lease();
      assert.deepEqual(
        [after.address, after.router, after.names, after.server, after.seconds],
        ['192.0.2.77', '192.0.2.1', '192.0.2.53', '192.0.2.1', 600],
      );
      await ours.stop();
    });
  }
}

/** Converts, and returns the manifest; what is not carried over would be printed, and is none of what these files have. */
function convert({ lab: made, server }: Site, old: Old, way: string): string {
  const manifest = join(made.folder, 'converted.yaml');
  const state = way === 'DhcpLeases' ? '' : `--state-dir ${made.folder}`;
  const command = `${AGENT} convert ${old.conf} --leases ${old.leases} --interface lan --name lab ${state} > ${manifest}`;
  server.run('sh', '-c', command);
  return manifest;
}

async function run(node: Node, manifest: string): Promise<Process> {
  const options = ['--state-dir', node.lab.folder, '--http', 'off'];
  const process = node.start(AGENT, ['run', '-f', manifest, ...options]);
  await process.line(/"msg":"running"/);
  return process;
}

/** Files that the packages of the other servers bring along, as far as they are installed. */
const PACKAGED = globSync([
  '/etc/dhcp/dhcpd.conf',
  '/etc/kea/kea-dhcp4.conf',
  '/etc/dnsmasq.conf',
  '/usr/share/doc/isc-dhcp-server/examples/dhcpd.conf*',
  '/usr/share/doc/dnsmasq-base/examples/dnsmasq.conf*',
  '/usr/share/doc/kea/examples/kea4/*.json',
]);

/** Their examples are comments for the most part; this makes statements of them. */
const SWITCHED_ON: readonly (readonly [RegExp, (text: string) => string])[] = [
  [/dhcpd\.conf/, (text) => text.replace(/^#(?=[^ #]| {2,}[a-z}])/gm, '')],
  [
    /dnsmasq\.conf/,
    (text) =>
      text
        .match(/^#?[a-z][a-z0-9-]*(=.*)?$/gm)!
        .join('\n')
        .replace(/^#/gm, ''),
  ],
];

test('the files of the other packages convert, as they are and with their examples switched on', {
  ...root,
  timeout: 120_000,
}, async () => {
  assert.ok(
    PACKAGED.some((file) => file.includes('dhcpd')),
    'isc-dhcp-server is installed',
  );
  assert.ok(
    PACKAGED.some((file) => file.includes('kea')),
    'kea-dhcp4-server is installed',
  );
  const made = new Lab('packaged');
  try {
    const node = made.node('one');
    for (const file of PACKAGED) {
      tryFile(node, file);
      const [, switchOn] = SWITCHED_ON.find(([name]) => name.test(file)) ?? [];
      if (switchOn === undefined) continue;
      const changed = join(made.folder, basename(file));
      writeFileSync(changed, switchOn(readFileSync(file, 'utf8')));
      const outcome = tryFile(node, changed);
      if (file.includes('examples')) assert.equal(outcome, 'valid', file);
    }
  } finally {
    await made.close();
  }
});

/** Converts a file; a manifest has to be valid, and where there is none, one line says why. */
function tryFile(node: Node, file: string): 'valid' | 'nothing' {
  const manifest = join(node.lab.folder, 'packaged.yaml');
  const script = `${AGENT} convert "$0" > ${manifest} 2> ${manifest}.report; status=$?
    if [ $status = 1 ]; then [ $(wc -l < ${manifest}.report) = 1 ] && grep -q 'has no subnet' ${manifest}.report && echo nothing; exit; fi
    [ $status = 0 ] || [ $status = 2 ] || exit 3
    ${AGENT} validate -f ${manifest} > /dev/null && echo valid`;
  const outcome = node.run('sh', '-c', script, file).trim();
  const report = existsSync(`${manifest}.report`) ? readFileSync(`${manifest}.report`, 'utf8') : '';
  assert.match(outcome, /^(valid|nothing)$/, `${file}\n${report}`);
  return outcome as 'valid' | 'nothing';
}

test('the files of our tests are such as the other servers take', {
  ...root,
  timeout: 60_000,
}, async () => {
  const made = new Lab('testdata');
  try {
    const node = made.node('one');
    node.ip(
      'link add eth0 type veth peer name eth1\nlink set eth0 up\nlink set eth1 up\naddr add 192.0.2.1/24 dev eth1',
    );
    const folder = join(made.folder, 'testdata');
    mkdirSync(folder);
    cpSync(TESTDATA, folder, { recursive: true });
    const inFolder = (command: string): string =>
      node.run('sh', '-c', `cd ${folder} && KEA_PIDFILE_DIR=. ${command} 1>&2`);
    inFolder('/usr/sbin/dhcpd -t -cf dhcpd.conf');
    inFolder('kea-dhcp4 -t kea.conf');
    inFolder('dnsmasq --test -C dnsmasq.conf');
  } finally {
    await made.close();
  }
});
