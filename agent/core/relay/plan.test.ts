import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayConfig, RelayInterfaceConfig } from '../../../crds/types/agentconfig.ts';
import type { RelayLink } from './links.ts';
import { planRelay, type RelayPlan } from './plan.ts';
import { configOf, INFORMATION, ip, linkAt, linkOf, loopbackAt } from './testing.ts';

function plan(config: RelayConfig, links: readonly RelayLink[]): RelayPlan {
  return planRelay({
    config,
    links,
    resolved: () => [],
    node: 'node-a',
    nodeDuid: Uint8Array.of(0, 4),
  });
}

const verdicts = (made: RelayPlan): Record<string, string> =>
  Object.fromEntries([
    ...[...made.served.values()].map((served) => [served.link.name, 'served']),
    ...made.unserved.map(({ name, reason }) => [name, reason]),
  ]);

for (const { rule, link, want, config = configOf() } of [
  { rule: 'a broadcast interface with an address', link: linkOf(), want: 'served' },
  { rule: 'loopback', link: loopbackAt(1, '127.0.0.1'), want: 'loopback' },
  { rule: 'a tunnel without broadcast', link: linkOf({ broadcast: false }), want: 'noBroadcast' },
  { rule: 'an interface that is down', link: linkOf({ up: false }), want: 'down' },
  {
    rule: 'a bridge port: its packets are seen on the bridge',
    link: linkOf({ enslaved: true }),
    want: 'enslaved',
  },
  { rule: 'no address to put into giaddr', link: linkOf({ addresses: [] }), want: 'noAddress' },
  {
    rule: 'a giaddr that is not on this node gets no replies',
    link: linkOf(),
    config: configOf({}, { giaddr: ip('203.0.113.1') }),
    want: 'giaddrNotLocal',
  },
  {
    rule: 'a name that no entry matches',
    link: linkOf({ name: 'wan0' }),
    config: configOf({}, { match: 'lan*' }),
    want: 'notMatched',
  },
  {
    rule: "a pod's interface",
    link: linkOf({ name: 'veth1234' }),
    config: configOf({ exclude: ['veth*'] }),
    want: 'excluded',
  },
  {
    rule: "a pod's interface that is spelt out is meant",
    link: linkOf({ name: 'veth0' }),
    config: configOf({ exclude: ['veth*'] }, { match: 'veth0' }),
    want: 'served',
  },
]) {
  test(`interfaces: ${rule}: ${want}`, () => {
    assert.deepEqual(verdicts(plan(config, [link])), { [link.name]: want });
  });
}

test('of several entries that match, the first counts', () => {
  const [any] = configOf().interfaces as [RelayInterfaceConfig];
  const interfaces = [
    { ...any, match: 'lan0', trusted: true },
    { ...any, match: 'lan*' },
  ];
  const made = plan(configOf({ interfaces }), [
    linkAt(1, 'lan0', '192.0.2.1'),
    linkAt(2, 'lan1', '198.51.100.1'),
  ]);
  assert.deepEqual(
    [...made.served.values()].map((served) => served.trusted),
    [true, false],
  );
});

test('directed broadcasts: none for networks of 31 and 32 bits (RFC 3021)', () => {
  const made = plan(configOf(), [
    linkAt(1, 'a', '192.0.2.1'),
    linkAt(2, 'b', '198.51.100.0', 31),
    loopbackAt(3, '10.255.0.1'),
  ]);
  assert.deepEqual(
    [...made.broadcasts].map(([, set]) => [...set]),
    [[ip('192.0.2.255')], [], []],
  );
});

test('option 82 that does not fit into 255 octets leaves out what does not find the way back', () => {
  const long = [{ kind: 'bytes', bytes: Buffer.alloc(200, 65) }] as const;
  const relayInformation = { ...INFORMATION, wanted: true, circuitId: long, remoteId: long };
  const [served] = plan(configOf({}, { relayInformation }), [linkOf()]).served.values();
  assert.deepEqual(served?.information?.omitted, [2]);
  assert.equal(served?.information?.broadcast.length, 2 + 2 + 200);
});

test('the plan for 1,000 interfaces is made at once', () => {
  const links = Array.from({ length: 1000 }, (_, i) =>
    linkAt(i + 1, `v${i}`, `10.${i >> 8}.${i & 255}.1`),
  );
  const started = performance.now();
  assert.equal(plan(configOf(), links).served.size, 1000);
  assert.ok(performance.now() - started < 5_000);
});
