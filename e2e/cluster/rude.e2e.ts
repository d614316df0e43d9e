// An API server that is away for minutes, answers 429 to everything, and loses connections: clients must not notice, and
// afterwards all is as it would have been, without anybody restarting anything. Operator and agents are processes with the rights
// that they would have as pods.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatHardwareAddress } from '../../codec/hardware.ts';
import * as H from '../../codec/v4/header.ts';
import type { ConfigMap } from '../../crds/client/resources.ts';
import { Capture } from '../lab/capture.ts';
import { eventually } from '../lab/lab.ts';
import { conditions } from './field.ts';
import { count, LEASE_SECONDS, type Renewing, Rude } from './rudeness.ts';

/** Far above what any of them takes. */
const LONG = { timeout: 600_000 };
const OUTAGE_SECONDS = 180;
const STORM_SECONDS = 60;
const CUTS = 20;
const EDITS = 150;

let rude: Rude;
let clients: readonly Renewing[];

before(async () => {
  rude = await Rude.start('rude');
  clients = await rude.clients();
}, LONG);

after(async () => {
  await rude?.field.close();
});

/** Everything that reaches the server. */
function captures(): Promise<readonly Capture[]> {
  const { node } = rude.field.nodes[0]!;
  return Promise.all([Capture.start(node, 'lan0'), Capture.start(node, 'eth0')]);
}

/** Fails unless every DHCPREQUEST got its DHCPACK; gives how many there were. */
async function allAnswered(all: readonly Capture[]): Promise<number> {
  const open = (): [string, number][] => {
    const balance = new Map<string, number>();
    for (const { type, message } of all.flatMap((one) => one.seen())) {
      const client = formatHardwareAddress(message.chaddr);
      const by = type === H.DHCPREQUEST ? 1 : type === H.DHCPACK ? -1 : 0;
      balance.set(client, (balance.get(client) ?? 0) + by);
    }
    return [...balance].filter(([, left]) => left !== 0);
  };
  await eventually('answers that are on their way', () => open().length === 0, 2).catch(() => {});
  assert.deepEqual(open(), [], 'requests without an answer, by client');
  const acks = all.flatMap((one) => one.seen()).filter(({ type }) => type === H.DHCPACK);
  await Promise.all(all.map((one) => one.stop()));
  return acks.length;
}

/** Waits until each has an object that says what its client knows. */
async function known(all: readonly Renewing[], seconds: number): Promise<void> {
  await rude.field.eventually(
    'the DhcpLeases',
    () => {
      const objects = rude.leases();
      for (const { address } of all) {
        const { state, expires = '', lastTransaction = '' } = objects.get(address) ?? {};
        assert.equal(state, 'Bound', address);
        assert.equal(Date.parse(expires) - Date.parse(lastTransaction), LEASE_SECONDS * 1000);
        assert.ok(Date.parse(expires) > Date.now(), `${address} ended at ${expires}`);
      }
      return true;
    },
    seconds,
  );
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

test('the API server is away for three minutes', LONG, async (t) => {
  const leaving = (await rude.newcomers())[0]!;
  await known([...clients, leaving], 10);
  const { operator } = rude;
  await rude.field.cluster.killPart('kube-apiserver');
  const tried = rude.connections;
  const renewed = clients.map(({ renewals }) => renewals);

  let seen = await captures();
  await sleep(5_000);
  await leaving.release();
  const first = await rude.newcomers();
  await sleep((OUTAGE_SECONDS / 2) * 1000);
  let acks = await allAnswered(seen);

  await rude.restartAgents();
  await rude.server.line(/"msg":"serving"/);
  await rude.relay.line(/"msg":"configuration applied"/);
  seen = await captures();
  const second = await rude.newcomers();
  await sleep((OUTAGE_SECONDS / 2) * 1000);
  acks += await allAnswered(seen);

  for (const [i, { renewals }] of clients.entries())
    assert.ok(renewals - renewed[i]! >= OUTAGE_SECONDS / LEASE_SECONDS, `client ${i} renewed`);
  const each = clients.map(({ renewals }, i) => renewals - renewed[i]!).join(', ');
  t.diagnostic(`${acks} requests, all acknowledged; renewals by client: ${each}`);
  const attempts = Object.entries(rude.connections).map(
    ([who, now]) => [who, (now - tried[who as keyof typeof tried]) / OUTAGE_SECONDS] as const,
  );
  t.diagnostic(
    `connections tried a second: ${attempts.map(([who, n]) => `${who} ${n.toFixed(1)}`)}`,
  );
  // Each of 15 watches every 2.5 s at most, and the Lease; two watches, a report and a lease; a watch and a report.
  const bounds = { operator: 7, server: 2, relay: 1 };
  for (const [who, rate] of attempts) assert.ok(rate <= bounds[who as keyof typeof bounds], who);

  await rude.field.cluster.startApi();
  const back = performance.now();
  const before = rude.hash;
  rude.edit({ options: { domainName: 'after.example' } });
  await rude.applied(before, 10);
  t.diagnostic(
    `an edit was applied ${secondsSince(back).toFixed(1)} s after the API server was back`,
  );
  const all = [...clients, ...first, ...second];
  await known(all, 10);
  await rude.field.eventually(
    'the release',
    () => {
      return rude.leases().get(leaving.address)?.state === 'Released';
    },
    10,
  );
  t.diagnostic(`all leases were objects after ${secondsSince(back).toFixed(1)} s`);
  const edited = performance.now();
  const { hash } = rude;
  rude.edit({ options: { domainName: 'later.example' } });
  await rude.applied(hash, 3);
  t.diagnostic(`the next edit was applied after ${secondsSince(edited).toFixed(1)} s`);
  for (const client of all) client.check();
  rude.stillRunning([operator, rude.server, rude.relay]);
});

test('for a minute everything is answered with 429', LONG, async (t) => {
  const { cluster } = rude.field;
  const processes = [rude.operator, rude.server, rude.relay];
  const { hash } = rude;
  // What keeps a storm up is a request that must not time out before it is over.
  await cluster.killPart('kube-apiserver');
  await cluster.startApi(['--request-timeout=10m']);
  await known(clients, 20);
  const calm = await rude.storm();
  const since = new Date();
  const seen = await captures();
  // Open watches go on in a storm; those that are opened are rejected.
  rude.cut();
  rude.edit({ options: { domainName: 'storm.example' } });
  const newcomers = await rude.newcomers();
  await sleep(STORM_SECONDS * 1000);
  const acks = await allAnswered(seen);
  const tally = rude.tally(since);
  t.diagnostic(`${acks} requests acknowledged; to the API server: ${JSON.stringify(tally)}`);
  assert.equal(rude.hash, hash, 'the storm lets an edit through');
  for (const { address } of newcomers) assert.equal(rude.leases().get(address), undefined);
  // 15 watches that wait 1, 1, 1, 2, 4, 8, 15 s and more, and the Lease every 2 s; fewer of the agents.
  const bounds = { operator: 200, server: 60, relay: 40 };
  for (const [who, bound] of Object.entries(bounds)) {
    const { rejected } = tally[who as keyof typeof bounds];
    assert.ok(rejected > 0 && rejected <= bound, `${who}: ${rejected} requests rejected`);
  }

  await calm();
  const over = performance.now();
  await rude.applied(hash, 40);
  t.diagnostic(`the edit was applied ${secondsSince(over).toFixed(1)} s after the storm`);
  await known([...clients, ...newcomers], 40);
  t.diagnostic(`all leases were objects after ${secondsSince(over).toFixed(1)} s`);
  for (const client of [...clients, ...newcomers]) client.check();
  rude.stillRunning(processes);
});

test('every connection is cut twenty times while objects change', LONG, async (t) => {
  const { cluster } = rude.field;
  cluster.kubectl('create', 'configmap', 'ledger', '--from-literal=n=0');
  const watcher = rude.start('watcher.ts');
  await watcher.line(/^ready$/m);
  const since = new Date();
  const editing = rude.script(`for n in $(seq ${EDITS}); do
    kubectl patch configmap ledger -p "{\\"data\\":{\\"n\\":\\"$n\\"}}"
    case $n in
    *0) kubectl create configmap "c$n" ;;
    *5) [ $n -lt 10 ] || kubectl delete configmap "c$((n - 5))" ;;
    esac
  done`);
  for (let i = 1; i <= CUTS; i++) {
    await sleep(200 + Math.random() * 2_000);
    rude.cut();
    if (i % 4 === 0) rude.edit({ options: { domainName: `cut${i}.example` } });
  }
  assert.equal(await editing.end(120), 0, editing.output);
  await watcher.line(new RegExp(`^changed ledger ${EDITS}$`, 'm'), 10);
  const heard = watcher.output.split('\n').filter((line) => /^changed ledger/.test(line));
  const written = Array.from({ length: EDITS }, (_, i) => `changed ledger ${i + 1}`);
  assert.deepEqual(heard, written, 'each change once, in order');
  const lives = [...watcher.output.matchAll(/^(added|deleted) c(\d+) $/gm)].map((one) => one[0]);
  const lived = Array.from({ length: EDITS / 10 }, (_, i) => (i + 1) * 10).flatMap((n) => [
    `added c${n} `,
    ...(n + 5 <= EDITS ? [`deleted c${n} `] : []),
  ]);
  assert.deepEqual(lives, lived, 'each comes and goes once');

  const last = await rude.field.eventually(
    'the ConfigMap of the last edit',
    () => {
      const { data } = cluster.get<ConfigMap>('cm', 'dhcp-server-lan');
      return data?.['manifests.yaml']?.includes('cut20.example') ? data : null;
    },
    10,
  );
  await rude.field.eventually('the last edit', () => rude.hash === last.hash, 10);
  await rude.field.eventually('a true status', () => {
    return conditions(rude.field, 'dhcpserver/lan').Programmed === 'True Applied';
  });
  const tally = rude.tally(since);
  t.diagnostic(`${count(rude.door, 'cut ')} cuts: ${JSON.stringify(tally)}`);
  for (const [who, { lists, watches }] of Object.entries(tally)) {
    assert.deepEqual(lists, [], `${who} goes on where it was`);
    // A watch that is cut again and again before anything happens on it is opened every 5 s in the end.
    assert.ok(watches >= 2, `${who} was cut`);
  }
  await known(clients, 10);
  await watcher.stop();
});

test('connections become black holes, and nobody says so', LONG, async (t) => {
  const { hash } = rude;
  const since = new Date();
  const lost = rude.blackhole();
  const began = performance.now();
  rude.edit({ options: { domainName: 'hole.example' } });
  // TCP asks after 30 s of silence, and ten times more, a second apart.
  await rude.applied(hash, 60);
  t.diagnostic(
    `${lost} connections; an edit was applied after ${secondsSince(began).toFixed(1)} s`,
  );
  await known(clients, 20);
  for (const [who, { lists }] of Object.entries(rude.tally(since)))
    assert.deepEqual(lists, [], who);
  for (const client of clients) client.check();
  rude.stillRunning([rude.operator, rude.server, rude.relay]);
});
