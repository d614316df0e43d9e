// Numbers: a thousand objects, with time and requests measured.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Field } from './field.ts';

const RELAYS = 1_000;
/** Far above what any of them takes. */
const LONG = { timeout: 600_000 };

let field: Field;

before(async () => {
  field = await Field.start('scale', 1);
}, LONG);

after(async () => {
  await field?.close();
});

test(`${RELAYS} DhcpRelays are programmed, and then the operator is quiet`, LONG, async () => {
  const { cluster } = field;
  const relays = Array.from({ length: RELAYS }, (_, i) => ({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpRelay',
    metadata: { name: `relay${i}`, namespace: 'default' },
    spec: {
      placement: { nodeSelector: { nowhere: 'yes' } },
      interfaces: [{ match: 'eth1' }],
      upstreams: [{ address: '203.0.113.1' }],
    },
  }));
  cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: relays }), '--server-side');
  const started = performance.now();
  const operator = await field.operator();
  await field.eventually('all to be looked at', () => settled() === RELAYS, 400);
  const seconds = (performance.now() - started) / 1000;
  const calls = callsOf();
  console.log(
    `${RELAYS} DhcpRelays: ${seconds.toFixed(1)} s, ${(calls / RELAYS).toFixed(1)} requests each`,
  );
  // A ConfigMap, three for access, a DaemonSet, and the status before and after the DaemonSet is seen.
  assert.ok(calls / RELAYS < 12, `${calls} requests`);
  for (const kind of ['daemonset', 'configmap', 'role']) {
    const names = cluster.kubectl('get', kind, '-n', 'default', '-o', 'name');
    assert.equal(names.match(/dhcp-relay-relay/g)?.length, RELAYS, kind);
  }

  // Whatever still comes from the API server's side has come; from now on only its Lease is renewed.
  await quiet();
  const before = callsOf();
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const idle = callsOf() - before;
  console.log(`idle: ${idle} requests in 20 s`);
  assert.ok(idle <= 30, `${idle} requests in 20 s`);
  assert.equal(await operator.stop(), 0);
});

function settled(): number {
  const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].reason}{"\\n"}{end}';
  const reasons = field.cluster.kubectl('get', 'dhcprelays', '-o', `jsonpath=${path}`);
  return reasons.match(/NoNodes/g)?.length ?? 0;
}

/** The operator's requests so far, without those that a watch began with. */
function callsOf(): number {
  const account = 'system:serviceaccount:dhcp-operator:dhcp-operator';
  return field.cluster
    .audit()
    .filter(({ user, verb }) => user.username === account && verb !== 'watch').length;
}

async function quiet(): Promise<void> {
  // Its Lease is renewed every two seconds.
  for (let last = Number.NEGATIVE_INFINITY; callsOf() - last > 2; ) {
    last = callsOf();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
