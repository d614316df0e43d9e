// `dhcp-agent leases` and `explain` as an administrator runs them, beside an agent that serves a real client.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import { validateSpec } from '../../crds/validate.ts';
import { eventually, Lab, type Node } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { AGENT, agent, manifest, writeManifests } from './office.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

/** client eth0 ──── eth0 server 192.0.2.1 */
interface Site {
  readonly lab: Lab;
  readonly client: Node;
  readonly server: Node;
}

const SPEC = {
  interfaces: [{ match: 'eth0' }],
  leaseTime: '8h',
  conflictDetection: { timeout: '100ms' },
  classes: [{ name: 'phones', match: "packet.vendorClass.startsWith('phone')", leaseTime: '1h' }],
  subnets: [
    {
      cidr: '192.0.2.0/24',
      pools: [{ start: '192.0.2.100', end: '192.0.2.199' }],
      options: { routers: ['192.0.2.1'], domainNameServers: ['192.0.2.53'] },
    },
  ],
};
const MANIFEST = manifest('DhcpServer', 'lab', SPEC);

function lab(name: string, body: (site: Site) => Promise<void>): void {
  test(name, { ...root, timeout: 240_000 }, async () => {
    const built = new Lab('commands');
    try {
      const [client, server] = [built.node('client'), built.node('server')];
      built.cable([server, 'eth0'], [client, 'eth0']);
      server.ip('addr add 192.0.2.1/24 dev eth0');
      await body({ lab: built, client, server });
    } finally {
      await built.close();
    }
  });
}

interface Said {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs a command of the agent's to its end, with the state of the lab. */
function run({ server, lab: { folder } }: Site, ...args: string[]): Said {
  const enter = [`--net=/run/netns/${server.namespace}`, AGENT, ...args, '--state-dir', folder];
  const { status, stdout, stderr } = spawnSync('nsenter', enter, { encoding: 'utf8' });
  return { status, out: stdout, error: stderr };
}

/** As `run`, for what must succeed. */
function good(site: Site, ...args: string[]): string {
  const { status, out, error } = run(site, ...args);
  assert.equal(status, 0, `${args.join(' ')}: ${error}`);
  return out;
}

function oneLine({ status, out, error }: Said, wanted: number, message: RegExp): void {
  assert.equal(status, wanted, error);
  assert.equal(out, '');
  assert.match(error, message);
  assert.equal(error.trimEnd().split('\n').length, 1, error);
}

function start({ server, lab: { folder } }: Site, ...args: string[]) {
  return server.start(AGENT, [...args, '--state-dir', folder]);
}

lab('a lease is seen in every form, as soon as a client has it', async (site) => {
  const { server, client } = site;
  await agent(server, [MANIFEST]);
  assert.equal(statSync(join(site.lab.folder, 'agent.sock')).mode & 0o777, 0o600);
  const empty = run(site, 'leases');
  assert.deepEqual([empty.status, empty.out, empty.error], [0, '', 'No leases found.\n']);
  const watch = start(site, 'leases', '--watch');
  const objects = start(site, 'leases', '-w', '-o', 'json');
  const running = peers.udhcpc(client, 'eth0', ['-x', 'hostname:pc']);
  const { address } = await running.lease();
  const mac = client.mac('eth0');
  const row = `${address} +${mac} +pc +Bound +(7h59m|8h) +lab +<none>\n`;
  await watch.line(new RegExp(`^IP +MAC +HOSTNAME +STATE +EXPIRES +SERVER +RELAY\n${row}`));
  assert.match(good(site, 'leases'), new RegExp(`RELAY\n${row}$`));
  assert.match(
    good(site, 'leases', '-o', 'wide', '--no-headers'),
    new RegExp(` 01${mac.replaceAll(':', '')} +192.0.2.0/24 +udhcp \\S+ +eth0 +\\d+s +Bind\n$`),
  );
  const list = JSON.parse(good(site, 'leases', '-o', 'json')) as { items: DhcpLease[] };
  const lease = parse(good(site, 'leases', address, '-o', 'yaml')) as DhcpLease;
  assert.deepEqual(list, { apiVersion: 'v1', kind: 'List', items: [lease] });
  assert.deepEqual(validateSpec('DhcpLease', lease.spec), []);
  const { status } = lease;
  assert.deepEqual(
    [
      status?.state,
      status?.hardwareAddress,
      status?.hostname,
      status?.interface,
      status?.prefixLength,
    ],
    ['Bound', mac, 'pc', 'eth0', 24],
  );
  const [line] = await objects.line(/^\{.*\}\n/m);
  assert.deepEqual(JSON.parse(line), lease);
  const named = `dhcplease.dhcp-operator.io/lab-${address}\n`;
  assert.equal(good(site, 'leases', '-o', 'name', '--mac', mac, '--server', 'lab'), named);
  assert.equal(good(site, 'leases', '-o', 'name', '--state', 'Released'), '');
  oneLine(run(site, 'leases', '192.0.2.7'), 1, /^No lease of 192.0.2.7 found.$/m);
  await running.release();
  await watch.line(new RegExp(`\n${address} +${mac} +pc +Released +<none> `));
});

lab('a lease that is released by command is over, also after a kill', async (site) => {
  const { server, client } = site;
  const first = await agent(server, [MANIFEST]);
  const { address } = await peers.udhcpc(client, 'eth0').lease();
  const watch = start(site, 'leases', '--watch');
  await watch.line(/ Bound /);
  assert.match(good(site, 'leases', 'release', address), new RegExp(`^${address} is released\n`));
  await first.stop('SIGKILL');
  // Until another agent runs, the store says it.
  const alone = run(site, 'leases');
  assert.match(alone.out, new RegExp(`^${address} .* Released `, 'm'));
  assert.match(alone.error, /^no agent answers at .*agent.sock; this is what .* holds\n$/);
  oneLine(run(site, 'leases', 'release', address), 1, /^dhcp-agent: no agent answers at /);
  oneLine(run(site, 'explain', '--mac', client.mac('eth0')), 1, /^dhcp-agent: no agent answers/);
  await watch.line(/the agent is gone; waiting for one to come back\n/);
  // The socket of the killed one is replaced, and who watched is told what happened meanwhile, once.
  await agent(server, [MANIFEST]);
  oneLine(run(site, 'leases', 'release', address), 1, /nobody holds/);
  good(site, 'leases', 'quarantine', '192.0.2.150');
  await watch.line(/192.0.2.150 .* Quarantined /);
  assert.equal(watch.output.match(/the agent is gone/g)?.length, 1);
  assert.equal(watch.output.match(/ Released /g)?.length, 1);
});

lab(
  'a reservation by command is what its client gets, over restarts, until it is deleted',
  async (site) => {
    const { server, client } = site;
    const first = await agent(server, [MANIFEST]);
    const mac = client.mac('eth0');
    const said = good(site, 'leases', 'reserve', '192.0.2.42', '--mac', mac, '--hostname', 'desk');
    assert.match(
      said,
      new RegExp(`^192.0.2.42 is reserved for ${mac}: \\S+/intents/lab-192.0.2.42.yaml\n`),
    );
    assert.match(said, /^to undo: dhcp-agent leases delete 192.0.2.42 --state-dir \S+\n$/m);
    assert.match(good(site, 'leases'), new RegExp(`192.0.2.42 +${mac} +desk +Reserved `));
    assert.equal(await first.stop(), 0);
    assert.match(run(site, 'leases').out, /192.0.2.42 .* Reserved /);
    await agent(server, [MANIFEST]);
    const running = peers.udhcpc(client, 'eth0', ['-C']);
    assert.equal((await running.lease()).address, '192.0.2.42');
    const lease = JSON.parse(good(site, 'leases', '192.0.2.42', '-o', 'json')) as DhcpLease;
    assert.deepEqual([lease.spec.intent, lease.status?.state], ['Reserve', 'Bound']);
    oneLine(
      run(site, 'leases', 'reserve', '203.0.113.7', '--mac', mac),
      1,
      /203.0.113.7 is in no subnet of DhcpServer lab/,
    );
    oneLine(run(site, 'leases', 'reserve', '192.0.2.43'), 64, /nobody has had the address/);
    assert.match(
      good(site, 'leases', 'delete', '192.0.2.42'),
      /^nothing is wanted of 192.0.2.42 any more/,
    );
    // It lies outside the pools, so that at the next renewal its client has to let it go.
    running.renew();
    const { address } = await running.lease();
    assert.match(address, /^192.0.2.1\d\d$/);
  },
);

lab('a quarantine by command is kept by all, and ends by itself', async (site) => {
  const { server, client } = site;
  await agent(server, [MANIFEST]);
  const running = peers.udhcpc(client, 'eth0');
  const { address } = await running.lease();
  const said = good(site, 'leases', 'quarantine', address);
  assert.match(said, /^\S+ has it, and is refused at its next renewal$/m);
  running.renew();
  assert.notEqual((await running.lease()).address, address);
  assert.match(good(site, 'leases', address), / Quarantined +never /);
  const brief = good(site, 'leases', 'quarantine', '192.0.2.170', '--for', '1s');
  assert.match(brief, /^192.0.2.170 is given to nobody until 20\S+Z: /);
  await eventually(
    'the end of the quarantine',
    () => run(site, 'leases', '192.0.2.170').status === 1,
  );
  // A file that is deleted by hand is as good as the command.
  good(site, 'leases', 'quarantine', '192.0.2.160');
  server.run('rm', join(site.lab.folder, 'intents/lab-192.0.2.160.yaml'));
  await eventually('the edit', () => run(site, 'leases', '192.0.2.160').status === 1);
  assert.match(
    readFileSync(join(site.lab.folder, `intents/lab-${address}.yaml`), 'utf8'),
    /Quarantine/,
  );
});

lab('explain says what a client would get, and then it gets that', async (site) => {
  const { server, client } = site;
  const file = writeManifests(site.lab, [MANIFEST]);
  const mac = client.mac('eth0');
  const phone = ['--mac', mac, '--client-id', `01:${mac}`, '--vendor-class', 'phone 7'];
  const offline = run(site, 'explain', ...phone, '-f', file);
  assert.equal(offline.status, 0, offline.error);
  assert.match(
    offline.error,
    /^by these manifests, the interfaces of this machine and no leases\n$/,
  );
  await agent(server, [MANIFEST]);
  const said = good(site, 'explain', ...phone);
  assert.equal(offline.out, said);
  for (const line of [
    /^server +lab$/m,
    /^identity +the client identifier$/m,
    /^subnet +192.0.2.0\/24, by interface eth0$/m,
    /^classes +phones$/m,
    /^reservation +none for this client$/m,
    /^address +192.0.2.100: the next that nobody has had$/m,
    /^probe +ARP on eth0 for 100 ms first, as nobody looked lately$/m,
    /^lease time +3600 s, by class phones$/m,
    /^option +3 routers +192.0.2.1 +\(subnet 192.0.2.0\/24\)$/m,
    /^option +28 broadcastAddress +192.0.2.255 +\(the subnet's cidr; not asked for, so not sent\)$/m,
  ]) {
    assert.match(said, line);
  }
  assert.equal(good(site, 'explain', ...phone), said, 'asking changes nothing');
  assert.equal(run(site, 'leases').out, '');
  const { offer } = JSON.parse(good(site, 'explain', ...phone, '-o', 'json')) as {
    offer: { address: string; leaseSeconds: number };
  };
  const given = await peers.udhcpc(client, 'eth0', ['-V', 'phone 7']).lease();
  assert.deepEqual([given.address, given.seconds], [offer.address, offer.leaseSeconds]);
  assert.match(good(site, 'explain', ...phone), /^address +192.0.2.100: the client has it$/m);
  assert.match(
    good(site, 'explain', '--mac', mac),
    new RegExp(`^note +it sent a client identifier .* add --client-id 01:${mac}$`, 'm'),
  );
  const silent = good(site, 'explain', '--mac', mac, '--giaddr', '198.51.100.1');
  assert.match(silent, /^no answer +noSubnet: no subnet is configured for where the client is$/m);
  const tftp = ['--arch', 'x64-uefi', '--interface', 'eth7'];
  oneLine(run(site, 'explain', '--mac', mac, ...tftp), 64, /there is no such interface here, but/);
  oneLine(run(site, 'explain', '--mac', 'nobody'), 64, /--mac nobody: write a hardware address/);
  oneLine(run(site, 'explain', '--mac', mac, '--arch', 'vax'), 64, /--arch vax/);
});
