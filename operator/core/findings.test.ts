import assert from 'node:assert/strict';
import { test } from 'node:test';
import { degraded, endpointsOf, programmed, relayReady, serverReady } from './findings.ts';
import { daemonSet, pod, says } from './testworld.ts';

const said = ({ status, reason, message }: ReturnType<typeof programmed>): string =>
  `${status} ${reason}: ${message}`;

const applied = (node: string) => says(node, 'Active', { hash: 'h' });
const behind = (node: string) => says(node, 'Active', { hash: 'older' });

// [agents that are wanted, what they say, the hash in force, whether the newest spec is refused, what is said]
for (const [desired, nodes, hash, refused, want] of [
  [1, [], null, false, 'False NotAccepted: nothing has been accepted yet'],
  [null, [], 'h', false, 'False Progressing: the agents have yet to be placed on nodes'],
  [
    2,
    [applied('a'), behind('b')],
    'h',
    false,
    'False Progressing: 1 of 2 agents have applied the configuration',
  ],
  [
    2,
    [applied('a'), behind('b')],
    'h',
    true,
    'False Progressing: 1 of 2 agents have applied the configuration',
  ],
  [
    2,
    [applied('a'), applied('b')],
    'h',
    false,
    'True Applied: 2 of 2 agents have applied the configuration',
  ],
  [
    2,
    [applied('a'), applied('b')],
    'h',
    true,
    'False LastGood: all agents have what was accepted last, which is not the newest',
  ],
] as const) {
  test(`Programmed=${want}`, () => {
    const agents = {
      daemonSet: desired === null ? undefined : daemonSet(desired),
      pods: [],
      nodes,
    };
    assert.equal(said(programmed(agents, hash, refused, null)), want);
  });
}

// [agents wanted and ready, pods, what they say, what is said of a relay]
for (const [desired, ready, pods, nodes, want] of [
  [0, 0, [], [], 'False NoNodes: no node matches spec.placement: label one, or change it'],
  [0, 0, [pod('a')], [], 'False NodesNotReady: 0 of 0 agents are ready'],
  [2, 1, [pod('a'), pod('b', false)], [], 'False NodesNotReady: 1 of 2 agents are ready'],
  [
    2,
    1,
    [pod('a'), pod('b', false)],
    [says('a', 'Active'), says('b', 'Failed', { message: 'no eth1' })],
    'False NodesNotReady: 1 of 2 agents are ready: b: no eth1',
  ],
  [1, 1, [pod('a')], [], 'True Relaying: 1 agents are ready'],
] as const) {
  test(`a relay is Ready=${want}`, () => {
    assert.equal(said(relayReady({ daemonSet: daemonSet(desired, ready), pods, nodes })), want);
  });
}

test('a server that serves nowhere says what its agents say, or that none has answered', () => {
  const agents = { daemonSet: daemonSet(1), pods: [pod('a')] };
  const nodes = [says('a', 'Failed', { message: 'no address on eth1' })];
  assert.equal(
    said(serverReady({ ...agents, nodes }, [])),
    'False NotServing: a: no address on eth1',
  );
  assert.equal(
    said(serverReady({ ...agents, nodes: [] }, [])),
    'False NotServing: no agent answers yet',
  );
});

test('of two that say they answer only the one with the higher epoch is an endpoint', () => {
  const pods = [pod('a'), pod('b')];
  const nodes = [says('a', 'Active', { epoch: 7 }), says('b', 'Active', { epoch: 8 })];
  const found = endpointsOf({ daemonSet: undefined, pods, nodes });
  assert.deepEqual(
    found.map(({ node }) => node),
    ['b'],
  );
});

test('before there is a DaemonSet nobody is waited for', () => {
  const none = { daemonSet: undefined, pods: [], nodes: [] };
  assert.equal(said(serverReady(none, [])), 'False NotServing: there are no agents yet');
  assert.equal(said(relayReady(none)), 'False NodesNotReady: there are no agents yet');
});

test('an endpoint takes an agent that answers, in a pod that is ready and stays, with an address', () => {
  const leaving = pod('e');
  const pods = [
    pod('a'),
    pod('b'),
    pod('c', false),
    pod('d'),
    { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: 'now' } },
  ];
  const nodes = [
    says('a', 'Active'),
    says('b', 'Standby'),
    says('c', 'Active'),
    says('d', 'Active', { addresses: [] }),
    says('e', 'Active'),
    says('f', 'Active'),
  ];
  assert.deepEqual(endpointsOf({ daemonSet: undefined, pods, nodes }), [
    { node: 'a', address: '198.51.100.97', pod: 'agent-a' },
  ]);
});

const use = (bound: number, declined: number, total: number) => ({
  name: 's',
  cidr: '192.0.2.0/24' as never,
  total,
  bound,
  declined,
  utilization: 0,
});

// [what is used of a subnet, whether it is as good as full]
for (const [bound, declined, total, full] of [
  [89, 0, 100, false],
  [90, 0, 100, true],
  [60, 30, 100, true],
  [179, 0, 200, false],
  [0, 0, 0, false],
  [1, 0, 1, true],
] as const) {
  test(`${bound} bound and ${declined} declined of ${total} ${full ? 'are' : 'are not'} nearly all`, () => {
    const finding = degraded([], [use(bound, declined, total)], {}, false);
    assert.equal(finding.reason, full ? 'PoolExhausted' : 'AsExpected');
  });
}

test('what goes wrong is said in the order of its weight', () => {
  const trouble = says('a', 'Active', { message: 'disk full' });
  const foreign = says('b', 'Active', { foreignServers: ['192.0.2.77' as never] });
  const reasons = [
    degraded([trouble, foreign], [use(9, 0, 9)], { leaseObjects: 'None' }, true),
    degraded([trouble, foreign, foreign], [], { leaseObjects: 'None' }, true),
    degraded([trouble], [], { leaseObjects: 'Reserved' }, true),
    degraded([trouble], [], { leaseObjects: 'All' }, true),
    degraded([trouble], [], { leaseObjects: 'None' }, false),
    degraded([says('a', 'Active')], [], {}, true),
  ].map(({ status, reason }) => `${status} ${reason}`);
  assert.deepEqual(reasons, [
    'True PoolExhausted',
    'True ForeignServer',
    'True BlindTakeover',
    'True AgentTrouble',
    'True AgentTrouble',
    'False AsExpected',
  ]);
  assert.match(
    degraded([foreign, foreign], [], null, false).message,
    /links: 192\.0\.2\.77; turn them off/,
  );
});
