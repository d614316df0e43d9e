import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import { UsageError } from '../cli.ts';
import type { Lease } from '../core/lease.ts';
import { ServerMachine } from '../core/server/machine.ts';
import { questionMessage } from '../core/server/question.ts';
import { ETH0, link, SERVER } from '../core/server/testbed.ts';
import { serveSocket } from '../http.ts';
import type { RunningServer, Servers, ServersListener } from '../servers.ts';
import { Standalone } from '../standalone.ts';
import { storeDirectory } from '../store/files.ts';
import { LeaseStore } from '../store/store.ts';
import { aLease } from '../store/testleases.ts';
import { ask, lines, NoAgentError, RefusedError, socketPath } from './client.ts';
import { Door } from './door.ts';
import { Intents } from './intents.ts';
import { IntentKeeper } from './keeper.ts';
import { runLeases } from './leases.ts';
import { storedLeases } from './offline.ts';
import type { LeaseEvent } from './watching.ts';

const MANIFEST = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: lab }
spec:
  interfaces: [{ match: eth0 }]
  conflictDetection: { mode: "Off" }
  subnets:
    - cidr: 192.0.2.0/24
      pools: [{ start: 192.0.2.10, end: 192.0.2.20 }]
---
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpLease
metadata: { name: printer }
spec: { serverRef: { name: lab }, address: 192.0.2.50, hardwareAddress: "02:00:00:00:00:50" }
`;

/** An agent without sockets: real leases, real manifests, a core that nobody talks to but the door. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'commands-'));
  readonly path = socketPath(this.folder);
  store!: LeaseStore;
  private machine!: ServerMachine;
  private config!: ServerConfig;
  private listener: ServersListener | null = null;
  private door!: Door;
  private server!: Server;

  async open(): Promise<void> {
    const manifest = join(this.folder, 'lab.yaml');
    writeFileSync(manifest, MANIFEST);
    const intents = new Intents(this.folder);
    const standalone = new Standalone(
      [manifest],
      pino({ level: 'silent' }),
      ({ servers }) => this.apply(servers[0]!),
      () => intents.read(),
    );
    this.store = await LeaseStore.open({ directory: storeDirectory(this.folder, 'lab') });
    standalone.reload();
    const keeper = new IntentKeeper(intents, {
      tryOut: (file) => standalone.tryOut(file),
      follow: async () => {
        standalone.reload();
      },
    });
    const servers: Pick<Servers, 'all' | 'listen'> = {
      all: () => [this.running()],
      listen: (listener) => {
        this.listener = listener;
        return () => {};
      },
    };
    this.door = new Door({ node: 'n1', servers, keeper });
    const agent = { notReady: () => [], status: () => ({}) };
    const answers = { agent, registry: new Registry(), debug: false };
    this.server = await serveSocket({ path: this.path, door: this.door, ...answers });
  }

  async close(): Promise<void> {
    this.door.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.store.close();
  }

  put(n: number, differing: Partial<Lease> = {}): void {
    const now = this.store.now();
    const times = { starts: now, lastTransaction: now, expires: now + 3_600_000 };
    const lease = aLease(n, { ...times, address: at(n), subnet: '192.0.2.0/24', ...differing });
    this.store.leases.put(lease);
    this.listener?.leaseChanged('lab', lease.address);
  }

  serversChanged(): void {
    this.listener?.serversChanged();
  }

  private apply(config: ServerConfig): void {
    const before = this.config;
    this.config = config;
    this.machine = new ServerMachine({
      config,
      links: [link(ETH0, 'eth0', SERVER)],
      leases: this.store.leases,
      keys: [
        { low: 1, high: 2 },
        { low: 3, high: 4 },
      ],
      observer: { ...SILENT, lease: ({ address }) => this.listener?.leaseChanged('lab', address) },
    });
    if (before !== undefined) this.listener?.reconfigured(before, config);
  }

  private running(): RunningServer {
    const { config, store } = this;
    const { core } = this.machine;
    const role = {
      links: core.links,
      explain: (question: Parameters<typeof questionMessage>[0], ifindex: number) =>
        core.explain(store.now(), questionMessage(question), ifindex),
      release: (address: Ipv4) => core.release(store.now(), address),
    } as unknown as RunningServer['role'];
    return { config, store, role };
  }
}

const nothing = (): void => {};
const SILENT = {
  request: nothing,
  reply: nothing,
  conflict: nothing,
  declined: nothing,
  clone: nothing,
  probeSkipped: nothing,
  informationOmitted: nothing,
  foreignServer: nothing,
};

function at(n: number): Ipv4 {
  return (0xc0000200 + n) as Ipv4;
}

const bench = new Bench();
before(() => bench.open());
after(async () => {
  await bench.close();
  rmSync(bench.folder, { recursive: true });
});

async function listed(query: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(bench.path, '/leases', new URLSearchParams(query))) {
    const event = JSON.parse(line) as LeaseEvent;
    if (event.type === 'BOOKMARK') continue;
    found.push(`${event.object.spec.address} ${event.object.status?.state}`);
  }
  return found.sort();
}

async function post(command: string, query: string): Promise<{ done: string[]; undo?: string[] }> {
  const answer = ask(bench.path, 'POST', `/leases/${command}`, new URLSearchParams(query));
  return JSON.parse(await answer) as { done: string[]; undo?: string[] };
}

function stateOf(address: string): Promise<string[]> {
  return listed(`address=${address}`);
}

/** What is thrown says no more than one line. */
async function refused(act: Promise<unknown>, status: number, message: RegExp): Promise<void> {
  await assert.rejects(act, (error: RefusedError) => {
    assert.ok(error instanceof RefusedError, String(error));
    assert.equal(error.status, status);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

test('leases are listed with what is wanted, and filtered', async () => {
  bench.put(10);
  bench.put(11, { state: 'released' });
  bench.put(12, { state: 'declined', hardwareAddress: new Uint8Array(), clientId: null });
  const reserved = '192.0.2.50 Reserved';
  const all = ['192.0.2.10 Bound', '192.0.2.11 Released', '192.0.2.12 Declined', reserved];
  assert.deepEqual(await listed(''), all);
  assert.deepEqual(await listed('address=192.0.2.11'), ['192.0.2.11 Released']);
  assert.deepEqual(await listed('state=bound,reserved'), ['192.0.2.10 Bound', reserved]);
  assert.deepEqual(await listed('mac=02:00:00:00:00:0b'), ['192.0.2.11 Released']);
  assert.deepEqual(await listed('mac=02:00:00:00:00:50'), [reserved]);
  assert.deepEqual(await listed('server=lab&state=declined'), ['192.0.2.12 Declined']);
  assert.deepEqual(await listed('address=192.0.2.99'), []);
  await refused(listed('server=lap'), 400, /^there is no DhcpServer lap here, only lab$/);
  await refused(listed('state=offered'), 400, /^--state offered/);
});

test('a lease is released durably, and a declined address is given back', async () => {
  bench.put(10);
  bench.put(12, { state: 'declined' });
  const { done, undo } = await post('release', 'address=192.0.2.10');
  assert.equal(done[0], '192.0.2.10 is released');
  assert.match(done[1]!, /^02:00:00:00:00:0a \(workstation-10\) is not told/);
  assert.equal(undo, undefined);
  assert.deepEqual(await stateOf('192.0.2.10'), ['192.0.2.10 Released']);
  const [source] = await storedLeases(bench.folder);
  assert.equal(source?.leases.get(at(10))?.state, 'released', 'it is on disk');
  assert.match((await post('release', 'address=192.0.2.12')).done[0]!, /is free again/);
  await refused(post('release', 'address=192.0.2.10'), 409, /^nobody holds 192.0.2.10$/);
  await refused(post('release', 'address=10.0.0.1'), 409, /^10.0.0.1 is in no subnet of/);
  await refused(post('release', 'address=x'), 400, /^x is not an IPv4 address/);
});

test('a reservation is a manifest, is in force at once, and can be taken back', async () => {
  const mac = '02:00:00:00:00:77';
  const { done, undo } = await post('reserve', `address=192.0.2.77&mac=${mac}&hostname=desk`);
  const file = join(bench.folder, 'intents', 'lab-192.0.2.77.yaml');
  assert.deepEqual(done, [`192.0.2.77 is reserved for ${mac}: ${file}`]);
  assert.deepEqual(undo, ['leases', 'delete', '192.0.2.77']);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /intent: Reserve/);
  assert.deepEqual(await stateOf('192.0.2.77'), ['192.0.2.77 Reserved']);
  const query = new URLSearchParams({ mac, interface: 'eth0' });
  const explained = JSON.parse(await ask(bench.path, 'GET', '/explain', query));
  assert.equal(explained.offer.address, '192.0.2.77');
  await post('delete', 'address=192.0.2.77');
  assert.deepEqual(readdirSync(join(bench.folder, 'intents')), []);
  assert.deepEqual(await stateOf('192.0.2.77'), []);
});

test('a reservation is for who has the address, unless somebody is named', async () => {
  bench.put(13);
  bench.put(14, { clientId: null });
  const forHolder = await post('reserve', 'address=192.0.2.13');
  assert.match(forHolder.done[0]!, /reserved for client identifier 0102000000000d/);
  assert.equal(forHolder.done.length, 1);
  assert.match((await post('reserve', 'address=192.0.2.14')).done[0]!, /for 02:00:00:00:00:0e/);
  const other = await post('reserve', 'address=192.0.2.13&client-id=desk');
  assert.match(other.done[0]!, /reserved for client identifier desk/);
  assert.match(other.done[1]!, /^02:00:00:00:00:0d .* is refused at its next renewal$/);
  for (const n of [13, 14]) await post('delete', `address=192.0.2.${n}`);
});

test('a quarantine has an end or none, and replaces a reservation', async () => {
  await post('reserve', 'address=192.0.2.78&mac=02:00:00:00:00:78');
  const { done } = await post('quarantine', 'address=192.0.2.78&for=2h');
  assert.match(done[0]!, /^192.0.2.78 is given to nobody until 20\d\d-.*Z: /);
  assert.deepEqual(await stateOf('192.0.2.78'), ['192.0.2.78 Quarantined']);
  const forEver = await post('quarantine', 'address=192.0.2.78');
  assert.match(forEver.done[0]!, /given to nobody until that is taken back/);
  await post('quarantine', 'address=192.0.2.78&for=1ms');
  const deadline = Date.now() + 20_000;
  while ((await stateOf('192.0.2.78')).length > 0) {
    assert.ok(Date.now() < deadline, 'it ends by itself');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await post('delete', 'address=192.0.2.78');
});

for (const [command, query, status, message] of [
  ['reserve', 'address=192.0.2.99', 400, /^nobody has had the address: say for whom/],
  ['reserve', 'address=192.0.2.99&mac=1', 400, /^--mac 1/],
  ['reserve', 'address=192.0.2.99&mac=02:00:00:00:00:01&client-id=a', 400, /one of the two/],
  ['reserve', 'address=192.0.2.99&mac=02:00:00:00:00:01&for=2h', 400, /^--for is for quarantine/],
  ['reserve', 'address=192.0.2.99&mac=02:00:00:00:00:01&hostname=', 409, /hostname/],
  ['reserve', 'address=192.0.2.50&mac=02:00:00:00:00:01', 409, /DhcpLease\/printer's already/],
  ['quarantine', 'address=192.0.2.99&for=soon', 400, /^--for soon: write a duration/],
  ['quarantine', 'address=192.0.2.99&for=0s', 400, /^--for 0s: write a duration/],
  ['quarantine', 'address=192.0.2.99&mac=02:00:00:00:00:01', 400, /^--mac is for reserve/],
  ['delete', 'address=192.0.2.99', 409, /^nothing is wanted of 192.0.2.99$/],
  ['delete', 'address=192.0.2.50', 409, /^DhcpLease\/printer in your manifests .* delete it there/],
] as const) {
  test(`${command} ${query} is refused, and nothing is written`, async () => {
    await refused(post(command, query), status, message);
    assert.deepEqual(await stateOf('192.0.2.99'), []);
  });
}

test('a question about a client is answered, or what is missing is named', async () => {
  const explain = async (query: string) =>
    JSON.parse(await ask(bench.path, 'GET', '/explain', new URLSearchParams(query)));
  bench.put(15);
  const { server, steps, silence } = await explain('mac=02:00:00:00:00:0f&giaddr=10.9.9.9');
  assert.deepEqual([server, silence], ['lab', 'noSubnet']);
  assert.match(
    steps[0].because,
    /sent a client identifier for 192.0.2.15: .* 01:02:00:00:00:00:0f$/,
  );
  const known = await explain('mac=02:00:00:00:00:0f&client-id=01:02:00:00:00:00:0f');
  assert.equal(known.offer.address, '192.0.2.15');
  await refused(explain('giaddr=10.9.9.9'), 400, /^say which client/);
  await refused(
    explain('mac=02:00:00:00:00:0f&interface=eth9'),
    400,
    /no such interface here, but eth0/,
  );
  await refused(explain('mac=02:00:00:00:00:0f&server=x'), 400, /no DhcpServer x here/);
});

test('who watches is told what there is and then what changes, and asks anew when servers change', async () => {
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const watching = (async () => {
    const query = new URLSearchParams({ watch: 'true', state: 'bound,reserved,quarantined' });
    for await (const line of lines(bench.path, '/leases', query)) {
      const event = JSON.parse(line) as LeaseEvent;
      const what = event.type === 'BOOKMARK' ? '' : event.object.spec.address;
      const state = event.type === 'BOOKMARK' ? '' : String(event.object.status?.state);
      seen.push(`${event.type} ${what} ${state}`.trim());
      for (const wake of waiting.splice(0)) wake();
    }
  })();
  const until = async (wanted: string): Promise<void> => {
    while (!seen.includes(wanted)) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  await until('BOOKMARK');
  assert.ok(seen.includes('ADDED 192.0.2.50 Reserved'));
  for (let i = 0; i < 100; i++) bench.put(16);
  await until('MODIFIED 192.0.2.16 Bound');
  await post('release', 'address=192.0.2.16');
  await until('DELETED 192.0.2.16 Released');
  await post('quarantine', 'address=192.0.2.17');
  await until('MODIFIED 192.0.2.17 Quarantined');
  await post('delete', 'address=192.0.2.17');
  await until('DELETED 192.0.2.17 undefined');
  await post('quarantine', 'address=192.0.2.18&for=1ms');
  await until('DELETED 192.0.2.18 undefined');
  await post('delete', 'address=192.0.2.18');
  const told = seen.filter((line) => line === 'MODIFIED 192.0.2.16 Bound').length;
  assert.ok(told < 10, `100 changes at once were told ${told} times`);
  bench.serversChanged();
  await watching;
});

test('leases are read as they lie there when nobody runs, without a change', async () => {
  bench.put(18);
  await bench.store.sync();
  const directory = storeDirectory(bench.folder, 'lab');
  const look = (): object =>
    readdirSync(directory).map((name) => [
      name,
      readFileSync(join(directory, name)).toString('hex'),
    ]);
  await post('quarantine', 'address=192.0.2.19');
  const before = look();
  const [source] = await storedLeases(bench.folder);
  assert.equal(source?.leases.get(at(18))?.state, 'bound');
  assert.deepEqual(
    source?.intents.map(({ kind, address }) => `${kind} ${formatIpv4(address)}`),
    ['Quarantine 192.0.2.19'],
  );
  assert.deepEqual(look(), before);
  await post('delete', 'address=192.0.2.19');
  assert.deepEqual(await storedLeases(join(bench.folder, 'nowhere')), []);
});

test('a socket that nobody listens on is no agent', async () => {
  const gone = join(bench.folder, 'gone');
  mkdirSync(gone);
  const nobody = ask(socketPath(gone), 'GET', '/leases', new URLSearchParams());
  await assert.rejects(nobody, NoAgentError);
});

for (const [argv, message] of [
  ['192.0.2.1 192.0.2.2', /one address, or one of release/],
  ['-o xml', /^-o xml: use one of wide, json, yaml, name/],
  ['--for 2h', /^--for is for reserve or quarantine/],
  ['--fro 2h', /^Unknown option '--fro'/],
  ['release', /^leases release: name one address/],
  ['release 192.0.2.1 --watch', /^--watch is for lists/],
  ['release 192.0.2.1 --mac 02:00:00:00:00:01', /^--mac is not for release/],
  ['reserve 192.0.2', /^192.0.2 is not an IPv4 address/],
] as const) {
  test(`leases ${argv} is refused before anybody is asked`, async () => {
    await assert.rejects(runLeases(argv.split(' ')), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}
