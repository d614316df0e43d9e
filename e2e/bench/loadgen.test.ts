// The load generator itself: what it calls right is right, and what is wrong it notices.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Lab, type Node } from '../lab/lab.ts';
import { dnsmasq } from '../lab/peers.ts';
import { buildGenerator, type Load, pinned, runLoad, startResponder } from './generator.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };
const OWN = '192.0.2.1';

before(() => {
  if (root.skip === undefined) buildGenerator();
});

/** A generator on `e0` of one node, a server on `e0` of the other. */
function bench(name: string, body: (clients: Node, server: Node) => Promise<void>): void {
  test(name, { ...root, timeout: 60_000 }, async () => {
    const lab = new Lab('loadgen');
    try {
      const [clients, server] = [lab.node('clients'), lab.node('server')];
      lab.cable([clients, 'e0'], [server, 'e0']);
      server.ip(`addr add ${OWN}/24 dev e0`);
      await body(clients, server);
    } finally {
      await lab.close();
    }
  });
}

function load(node: Node, ...args: readonly (string | number)[]): Promise<Load> {
  return runLoad(node, 'e0', 1, ['--in-flight', 8, '--seconds', 0.3, ...args]);
}

function assertRight(load: Load): void {
  // A busy machine may be late; it must not be wrong.
  assert.equal(load.wrong, 0);
  assert.ok(load.exchanges > 0);
}

bench('clients of the stateless server get the right answers, in either loop', async (c, s) => {
  await startResponder(s, 'e0', 1, OWN);
  const closed = await load(c, '--stateless', '--clients', 50);
  assertRight(closed);
  const late = closed.exchangeMicros.count - closed.exchanges;
  assert.ok(late >= 0 && late <= 8, 'those under way when time was up are timed, and not counted');
  const open = await load(c, '--stateless', '--rate', 1000);
  assertRight(open);
  assert.ok(open.exchanges <= 300, `${open.exchanges} in 0.3 s`);
  assertRight(await load(c, '--stateless', '--rate', 1000, '--sleep'));
});

bench('as a relay it gets back the option 82 that it added', async (c, s) => {
  await startResponder(s, 'e0', 1, OWN);
  const relay = ['--relay', '198.51.100.1', '--server', OWN, '--server-mac', s.mac('e0')];
  assertRight(await load(c, '--stateless', ...relay));
});

bench('clients of dnsmasq hold addresses of their own, and confirm them', async (c, s) => {
  await dnsmasq(s, { ifname: 'e0', subnets: [{ network: '192.0.2' }] });
  const once = ['--clients', 60, '--once', '--seconds', 20, '--broadcast'];
  const fresh = await load(c, ...once);
  assertRight(fresh);
  assert.equal(fresh.exchanges, 60);
  const again = await load(c, ...once, '--known', '--reboot');
  assertRight(again);
  assert.deepEqual([again.exchanges, again.offerMicros.count], [60, 0], 'no DISCOVER');
  const foreign = await load(c, ...once, '--stateless');
  assert.equal(foreign.wrongBy.address, 120, 'every OFFER and ACK is from somebody else');
});

bench('every kind of wrong answer is counted', async (c, s) => {
  const liar = pinned(s, 1, 'build/bench/loadgen', ['responder', 'e0', OWN, '--lie']);
  await liar.line(/answering/);
  const { wrongBy } = await load(c);
  for (const [fault, count] of Object.entries(wrongBy)) assert.ok(count > 0, fault);
  assert.equal(Object.keys(wrongBy).length, 6);
});

bench('nobody answers: all is lost, and it ends', async (c) => {
  const { lost, exchanges } = await load(c);
  assert.deepEqual({ lost, exchanges }, { lost: 8, exchanges: 0 });
});
