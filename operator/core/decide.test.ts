import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod } from '../../crds/client/resources.ts';
import { covers } from './children.ts';
import { decideRelay, decideServer } from './decide.ts';
import {
  bound,
  childOf,
  daemonSet,
  gathered,
  lastGood,
  messageOf,
  NOW,
  pod,
  relay,
  says,
  server,
  told,
} from './testworld.ts';

function waiting(reason: string, message: string): NonNullable<Pod['status']> {
  return { containerStatuses: [{ state: { waiting: { reason, message } } }] };
}

interface Pods {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly hostNetwork: boolean;
        readonly containers: readonly [
          { readonly args: readonly string[]; readonly securityContext: object },
        ];
        readonly nodeSelector: object;
      };
    };
  };
}

const HASH = lastGood(server())!.hash;

describe('what is made for a DhcpServer', () => {
  const decision = decideServer(gathered(server()));

  test('everything its agents need, owned by it', () => {
    const kinds = decision.children.map(({ resource }) => resource.kind);
    assert.deepEqual(kinds, [
      'Service',
      'EndpointSlice',
      'ServiceAccount',
      'Role',
      'RoleBinding',
      'ConfigMap',
      'DaemonSet',
    ]);
    for (const { object } of decision.children) {
      assert.equal(object.metadata.name, 'dhcp-server-lab');
      assert.equal(object.metadata.namespace, 'dhcp');
      assert.deepEqual(object.metadata.ownerReferences?.[0]?.uid, 'u1');
      assert.equal(object.metadata.labels?.['app.kubernetes.io/managed-by'], 'dhcp-operator');
    }
  });

  test('a PodMonitor that a Prometheus finds by its label, and we by ours', () => {
    const { image, ...rest } = gathered(server());
    const monitorLabels = { release: 'prometheus', 'app.kubernetes.io/managed-by': 'me' };
    const told = { ...rest, podMonitors: true, image: { ...image, monitorLabels } };
    const { labels } = childOf(decideServer(told), 'PodMonitor').metadata;
    assert.equal(labels?.release, 'prometheus');
    assert.equal(labels?.['app.kubernetes.io/managed-by'], 'dhcp-operator');
  });

  test('agents on the network of their node, with raw sockets and nothing else', () => {
    const { template } = (childOf(decision, 'DaemonSet') as unknown as Pods).spec;
    assert.equal(template.spec.hostNetwork, true);
    const [container] = template.spec.containers;
    assert.deepEqual(container.securityContext, {
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'NET_RAW'] },
    });
    assert.ok(container.args.includes('--object=DhcpServer/dhcp/lab'));
  });

  test('an edit of the spec leaves the pods as they are', () => {
    const edited = decideServer(gathered(server({ leaseTime: '1h' })));
    assert.deepEqual(childOf(edited, 'DaemonSet'), childOf(decision, 'DaemonSet'));
    assert.notDeepEqual(childOf(edited, 'ConfigMap'), childOf(decision, 'ConfigMap'));
  });

  test('a placement reaches the pods, and no configuration', () => {
    const placed = decideServer(gathered(server({ placement: { nodeSelector: { lan: 'a' } } })));
    const { nodeSelector } = (childOf(placed, 'DaemonSet') as unknown as Pods).spec.template.spec;
    assert.deepEqual(nodeSelector, { 'kubernetes.io/os': 'linux', lan: 'a' });
  });

  test('roles name what they are for, but for what has no name yet', () => {
    const { rules } = childOf(decision, 'Role') as unknown as {
      rules: { resources: string[]; verbs: string[]; resourceNames?: string[] }[];
    };
    const unnamed = rules.filter(({ resourceNames }) => resourceNames === undefined);
    assert.deepEqual(
      unnamed.map(({ resources }) => resources.join()),
      ['dhcpleases', 'dhcpleases/status', 'leases'],
    );
  });
});

const SERVING = {
  daemonSet: daemonSet(1),
  pods: [pod('a')],
  lastGood: lastGood(server()),
};

describe('what is said of a DhcpServer', () => {
  test('nobody has looked at it: accepted, under way', () => {
    assert.deepEqual(told(decideServer(gathered(server()))), [
      'Accepted=True Valid',
      'Programmed=False Progressing',
      'Ready=False NotServing',
      'Degraded=False AsExpected',
    ]);
  });

  test('nobody has counted the nodes for it: under way, and no complaint of there being none', () => {
    const fresh = { ...daemonSet(0), metadata: { name: 'x', generation: 1 } };
    assert.deepEqual(told(decideServer(gathered(server(), { daemonSet: fresh }))).slice(1, 3), [
      'Programmed=False Progressing',
      'Ready=False NotServing',
    ]);
    const counted = { ...fresh, status: { ...fresh.status, observedGeneration: 1 } };
    assert.deepEqual(told(decideServer(gathered(server(), { daemonSet: counted }))).slice(1, 3), [
      'Programmed=True Applied',
      'Ready=False NoNodes',
    ]);
  });

  test('a node stands by for one that is cut off: what to do when that is off', () => {
    const nodes = [says('a', 'Active'), says('b', 'Standby')];
    const pods = [pod('a', false), pod('b')];
    const decision = decideServer(gathered(server({}, {}, { nodes }), { ...SERVING, pods }));
    assert.match(
      messageOf(decision, 'Ready'),
      /^b stands by for a, .* delete its pod with --force$/,
    );
  });

  test('what kept a child from being made comes before all that follows from that', () => {
    const hindrance = { reason: 'NameTaken', message: 'ConfigMap x/y is there' };
    const decision = decideServer(gathered(server(), { hindrance }));
    assert.equal(told(decision)[1], 'Programmed=False NameTaken');
    assert.equal(messageOf(decision, 'Programmed'), 'ConfigMap x/y is there');
    assert.deepEqual(
      decision.events.map(({ reason }) => reason),
      ['NameTaken'],
    );
  });

  test('an agent that has applied it and answers: ready, and an endpoint', () => {
    const nodes = [says('a', 'Active', { hash: HASH })];
    const decision = decideServer(gathered(server({}, {}, { nodes }), SERVING));
    assert.deepEqual(told(decision), [
      'Accepted=True Valid',
      'Programmed=True Applied',
      'Ready=True Serving',
      'Degraded=False AsExpected',
    ]);
    assert.deepEqual(decision.status.endpoints, ['198.51.100.97']);
    const slice = childOf(decision, 'EndpointSlice') as unknown as { endpoints: object[] };
    assert.equal(slice.endpoints.length, 1);
  });

  test('an agent whose pod is not ready is no endpoint, whatever it says', () => {
    const nodes = [says('a', 'Active', { hash: HASH })];
    const world = { ...SERVING, pods: [pod('a', false)] };
    const decision = decideServer(gathered(server({}, {}, { nodes }), world));
    assert.equal(told(decision)[2], 'Ready=False NotServing');
    assert.deepEqual(decision.status.endpoints, []);
  });

  test('of two agents the one that stands by is named, with what it may not know', () => {
    const object = server({}, {}, { nodes: [says('a', 'Active'), says('b', 'Standby')] });
    const world = { ...SERVING, daemonSet: daemonSet(2), pods: [pod('a'), pod('b')] };
    const decision = decideServer(gathered(object, world));
    assert.match(messageOf(decision, 'Ready'), /^a serves at .*; b would take over .*may not know/);
    assert.match(JSON.stringify(childOf(decision, 'ConfigMap')), /failover/);
    assert.ok(childOf(decision, 'PodDisruptionBudget'));
  });
});

describe('whether a DhcpServer is shared', () => {
  test('a node that is cut off still has its agent: the server stays shared', () => {
    const world = { ...SERVING, daemonSet: daemonSet(1), pods: [pod('a'), pod('b', false)] };
    const decision = decideServer(gathered(server(), world));
    assert.match(JSON.stringify(childOf(decision, 'ConfigMap')), /failover/);
  });

  test('a pod on its way out and its successor, one that has no node yet, are one agent', () => {
    const waiting = { ...pod('b', false), spec: { containers: [] } };
    const pods = [pod('a'), pod('a', false), waiting];
    const world = { ...SERVING, daemonSet: daemonSet(1), pods };
    const decision = decideServer(gathered(server(), world));
    assert.doesNotMatch(JSON.stringify(childOf(decision, 'ConfigMap')), /failover/);
  });

  test('as long as nobody knows how many agents there are, it is as shared as it was', () => {
    const shared = { 'dhcp-operator.io/failover': 'true' };
    for (const [annotations, want] of [
      [shared, true],
      [{}, false],
    ] as const) {
      const decision = decideServer(
        gathered(server(), { lastGood: lastGood(server(), annotations) }),
      );
      assert.equal(/failover/.test(JSON.stringify(childOf(decision, 'ConfigMap'))), want);
    }
    const alone = { ...SERVING, lastGood: lastGood(server(), shared) };
    const decision = decideServer(gathered(server(), alone));
    assert.doesNotMatch(JSON.stringify(childOf(decision, 'ConfigMap')), /failover/);
  });
});

describe('what goes wrong with a DhcpServer', () => {
  test('several agents without objects for all leases: a takeover would be blind', () => {
    const world = { ...SERVING, daemonSet: daemonSet(2) };
    const decision = decideServer(gathered(server({ leaseObjects: 'None' }), world));
    assert.equal(told(decision)[3], 'Degraded=True BlindTakeover');
  });

  test('a subnet that is nearly out of addresses', () => {
    const subnet = {
      name: 's',
      cidr: '192.0.2.0/24',
      total: 100,
      bound: 88,
      declined: 2,
      utilization: 88,
    };
    const decision = decideServer(gathered(server({}, {}, { subnets: [subnet] })));
    assert.equal(told(decision)[3], 'Degraded=True PoolExhausted');
    assert.match(messageOf(decision, 'Degraded'), /s \(90 of 100\).*add pools/);
  });

  test('another server on the link', () => {
    const nodes = [says('a', 'Active', { foreignServers: ['192.0.2.77' as never] })];
    const decision = decideServer(gathered(server({}, {}, { nodes }), SERVING));
    assert.equal(told(decision)[3], 'Degraded=True ForeignServer');
  });

  test('no node matches its placement', () => {
    const decision = decideServer(gathered(server(), { daemonSet: daemonSet(0) }));
    assert.equal(told(decision)[2], 'Ready=False NoNodes');
  });

  test('what agents said that are gone is taken away', () => {
    const nodes = [says('a', 'Active'), says('z', 'Active')];
    const decision = decideServer(gathered(server({}, {}, { nodes }), SERVING));
    assert.deepEqual(
      decision.nodes?.map(({ node }) => node),
      ['a'],
    );
  });

  test('a condition keeps the time of its last turn', () => {
    const before = '2026-01-01T00:00:00Z';
    const old = { reason: 'x', message: 'x', lastTransitionTime: before };
    const conditions = [
      { type: 'Accepted', status: 'True', ...old },
      { type: 'Ready', status: 'True', ...old },
    ] as const;
    const { status, events } = decideServer(gathered(server({}, {}, { conditions })));
    const times = (status.conditions as { lastTransitionTime: string }[]).map(
      ({ lastTransitionTime }) => lastTransitionTime,
    );
    assert.deepEqual(times, [before, NOW, NOW, NOW]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['Ready'],
    );
  });
});

describe('what keeps agents from running', () => {
  test('no pod of its agents could be made: where it is said why, and what is mostly the reason', () => {
    const decision = decideServer(gathered(server(), { daemonSet: daemonSet(1, 0), pods: [] }));
    assert.equal(told(decision)[2], 'Ready=False NotServing');
    const message = messageOf(decision, 'Ready');
    assert.match(message, /kubectl -n dhcp describe daemonset x tells why;.*privileged/);
  });

  for (const [name, status, message] of [
    [
      'an image that cannot be had',
      waiting('ImagePullBackOff', 'Back-off pulling image "agent:9"'),
      'a: ImagePullBackOff: Back-off pulling image "agent:9"',
    ],
    [
      'an agent that ends again and again, without seconds that count down',
      waiting('CrashLoopBackOff', 'back-off 10s restarting failed container'),
      'a: CrashLoopBackOff: the agent ends again and again: kubectl -n dhcp logs agent-a tells why',
    ],
    [
      'a message without end',
      waiting('ErrImagePull', 'x'.repeat(999)),
      `a: ErrImagePull: ${'x'.repeat(240)}…`,
    ],
    ['a container that is being made', waiting('ContainerCreating', ''), 'no agent answers yet'],
    [
      'a pod that no node takes',
      {
        conditions: [
          { type: 'PodScheduled', status: 'False', message: "node(s) didn't have free ports" },
        ],
      },
      "agent-a: node(s) didn't have free ports",
    ],
  ] as const) {
    test(`what is said of ${name}`, () => {
      const world = { daemonSet: daemonSet(1, 0), pods: [{ ...pod('a', false), status }] };
      assert.equal(messageOf(decideServer(gathered(server(), world)), 'Ready'), message);
      const relayed = relay({ upstreams: [{ address: '203.0.113.1' }] });
      const told = messageOf(decideRelay(gathered(relayed, world)), 'Ready');
      assert.match(told, /^0 of 1 agents are ready/);
      if (!/yet$/.test(message)) assert.ok(told.endsWith(`: ${message}`));
    });
  }
});

const REFUSED: [string, object, RegExp, object?][] = [
  [
    'a spec that cannot work',
    { subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.9', end: '192.0.2.1' }] }] },
    /^Invalid: spec\.subnets\[0\]/,
  ],
  [
    'a Service that is not there',
    { options: { fromServices: [{ option: 'ntpServers', serviceRef: { name: 'ntp' } }] } },
    /^UnresolvedReference: spec\.options\.fromServices\[0\].*no Service dhcp\/ntp/,
  ],
  [
    'an edit that cuts off a client',
    {
      subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.150', end: '192.0.2.199' }] }],
    },
    /^WouldStrand: cuts off 1 .*192\.0\.2\.100 \(door\)/,
    { leases: [bound('192.0.2.100'), bound('192.0.2.160')] },
  ],
  [
    'an edit that cuts off several: each is named once, in order of the addresses',
    {
      subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.150', end: '192.0.2.199' }] }],
    },
    /^WouldStrand: cuts off 2 that hold leases: 192\.0\.2\.108 \(door\), 192\.0\.2\.109 \(door\); keep/,
    { leases: [bound('192.0.2.109'), bound('192.0.2.108'), bound('192.0.2.109')] },
  ],
  [
    'the range of Services',
    {},
    /^Overlap: .*192\.0\.0\.0\/16, which is for Services/,
    { taken: [{ cidr: '192.0.0.0/16', by: 'for Services' }] },
  ],
  [
    'the subnet of an older server',
    {},
    /^Overlap: .*in DhcpServer other\/old/,
    {
      servers: [
        {
          object: server(
            {},
            {
              name: 'old',
              namespace: 'other',
              uid: 'u9',
              creationTimestamp: '2025-01-01T00:00:00Z',
            },
          ),
          inForce: ['192.0.2.0/24'],
        },
      ],
    },
  ],
];

describe('what is refused, and then what was accepted last stays in force', () => {
  const good = server();
  for (const [name, spec, expected, more = {}] of REFUSED) {
    test(name, () => {
      const decision = decideServer(gathered(server(spec), { lastGood: lastGood(good), ...more }));
      const { reason, message } = (
        decision.status.conditions as { reason: string; message: string }[]
      )[0]!;
      assert.match(`${reason}: ${message}`, expected);
      assert.match(message, /what was accepted before stays in force$/);
      const { data } = childOf(decision, 'ConfigMap') as unknown as { data: { hash: string } };
      assert.equal(data.hash, HASH);
      assert.equal(told(decision)[1]!.startsWith('Programmed=False'), true);
    });
  }

  test('of several problems the first is told, and how many more there are', () => {
    const message = (cidrs: readonly string[]): string =>
      messageOf(
        decideServer(gathered(server({ subnets: cidrs.map((cidr) => ({ cidr })) }))),
        'Accepted',
      );
    assert.doesNotMatch(message(['x']), /more/);
    assert.match(message(['x', 'y', 'z']), /^spec\.subnets\[0\]\.cidr.* \(and 2 more\)$/);
  });

  test('nothing was ever accepted: nothing is made but the Service', () => {
    const decision = decideServer(gathered(server({ subnets: [{ cidr: 'x' }] })));
    assert.deepEqual(
      decision.children.map(({ resource }) => resource.kind),
      ['Service', 'EndpointSlice'],
    );
    assert.equal(told(decision)[1], 'Programmed=False NotAccepted');
  });

  test('who insists by an annotation gets what he asks for', () => {
    const pools = [{ start: '192.0.2.150', end: '192.0.2.199' }];
    const annotations = {
      'dhcp-operator.io/allow-stranding': 'true',
      'dhcp-operator.io/allow-overlap': 'true',
    };
    const object = server({ subnets: [{ cidr: '192.0.2.0/24', pools }] }, { annotations });
    const world = {
      lastGood: lastGood(good),
      leases: [bound('192.0.2.100')],
      taken: [{ cidr: '192.0.0.0/16', by: 'for Services' }],
    };
    assert.equal(told(decideServer(gathered(object, world)))[0], 'Accepted=True Valid');
  });

  test('of two servers that overlap the older one is served', () => {
    const younger = server(
      {},
      { name: 'new', uid: 'u9', creationTimestamp: '2027-01-01T00:00:00Z' },
    );
    const servers = [server(), younger].map((object) => ({ object, inForce: [] }));
    assert.equal(told(decideServer(gathered(server(), { servers })))[0], 'Accepted=True Valid');
  });
});

describe('references', () => {
  const ntp = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'ntp', namespace: 'dhcp' },
    spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] },
  };
  const refer = {
    service: (_: string, name: string) =>
      name === 'ntp' || name === 'dhcp-server-lab' ? ntp : undefined,
    server: (_: string, name: string) =>
      name === 'lab' ? server({}, {}, { endpoints: ['198.51.100.5' as never] }) : undefined,
    endpoints: () => [],
    relays: [],
  };

  test('options by Service are its address', () => {
    const fromServices = [{ option: 'ntpServers', serviceRef: { name: 'ntp' } }];
    const decision = decideServer(gathered(server({ options: { fromServices } }), { refer }));
    assert.match(JSON.stringify(childOf(decision, 'ConfigMap')), /ntpServers.*10\.96\.0\.7/);
  });

  test('a server identifier by Service is that of its own Service', () => {
    const decision = decideServer(gathered(server({ serverIdentifier: 'Service' }), { refer }));
    assert.match(
      JSON.stringify(childOf(decision, 'ConfigMap')),
      /serverIdentifier[^,]*10\.96\.0\.7/,
    );
  });

  test('a relay to a DhcpServer and to a Service goes where they answer', () => {
    const upstreams = [{ serverRef: { name: 'lab' } }, { serviceRef: { name: 'ntp' } }];
    const decision = decideRelay(gathered(relay({ upstreams }), { refer }));
    const text = JSON.stringify(childOf(decision, 'ConfigMap'));
    assert.match(text, /198\.51\.100\.5/);
    assert.match(text, /10\.96\.0\.7/);
    assert.doesNotMatch(text, /serviceRef|serverRef/);
  });

  test('a relay to a server that answers nowhere yet is not accepted', () => {
    const decision = decideRelay(
      gathered(relay({ upstreams: [{ serverRef: { name: 'none' } }] }), { refer }),
    );
    assert.equal(told(decision)[0], 'Accepted=False UnresolvedReference');
    assert.deepEqual(decision.children, []);
  });

  test('relays that name a server may ask it', () => {
    const nodes = [says('a', 'Active', { addresses: ['198.51.100.97', '10.1.1.1'] as never })];
    const relays = [relay({ upstreams: [{ serverRef: { name: 'lab' } }] }, { nodes })];
    const object = server({ allowedRelays: [{ address: '203.0.113.1' }] });
    const decision = decideServer(gathered(object, { refer: { ...refer, relays } }));
    const text = JSON.stringify(childOf(decision, 'ConfigMap'));
    for (const address of ['203.0.113.1', '198.51.100.97', '10.1.1.1'])
      assert.ok(text.includes(address), address);
  });
});

describe('a DhcpRelay', () => {
  const spec = { upstreams: [{ address: '203.0.113.1' }] };

  test('is ready when all its agents are', () => {
    const nodes = [says('a', 'Active'), says('b', 'Active')];
    const world = { daemonSet: daemonSet(2), pods: [pod('a'), pod('b')] };
    assert.equal(
      told(decideRelay(gathered(relay(spec, { nodes }), world)))[2],
      'Ready=True Relaying',
    );
    const one = { ...world, daemonSet: daemonSet(2, 1) };
    const decision = decideRelay(
      gathered(relay(spec, { nodes: [says('b', 'Failed', { message: 'no eth1' })] }), one),
    );
    assert.equal(told(decision)[2], 'Ready=False NodesNotReady');
    assert.match(messageOf(decision, 'Ready'), /1 of 2 agents are ready: b: no eth1/);
  });

  test('its agents need raw sockets only, and it has no Service', () => {
    const decision = decideRelay(gathered(relay(spec)));
    const [container] = (childOf(decision, 'DaemonSet') as unknown as Pods).spec.template.spec
      .containers;
    assert.match(JSON.stringify(container.securityContext), /"add":\["NET_RAW"\]/);
    assert.ok(!decision.children.some(({ resource }) => resource.kind === 'Service'));
  });
});

describe('whether something is as it should be', () => {
  const rows: [string, unknown, unknown, boolean][] = [
    ['the same', { a: [1, { b: 'x' }] }, { a: [1, { b: 'x' }] }, true],
    ['what others added is theirs', { a: 1, b: 2 }, { a: 1 }, true],
    ['what is missing is not', { b: 2 }, { a: 1 }, false],
    ['what is different is not', { a: 2 }, { a: 1 }, false],
    ['a longer list is another one', { a: [1, 2] }, { a: [1] }, false],
    ['an empty list may be left out', {}, { a: [] }, true],
    ['nothing is not something', undefined, { a: 1 }, false],
    ['a list that is empty is null in some objects', { a: null }, { a: [] }, true],
    [
      'what others added to a list with keys, in whatever order',
      { env: [{ name: 'x' }, { name: 'a', value: '1' }] },
      { env: [{ name: 'a', value: '1' }] },
      true,
    ],
    [
      'what others changed in a list with keys',
      { env: [{ name: 'a', value: '2' }] },
      { env: [{ name: 'a', value: '1' }] },
      false,
    ],
    [
      'what others added to a list that is one value',
      { subjects: [{ name: 'a' }, { name: 'x' }] },
      { subjects: [{ name: 'a' }] },
      false,
    ],
  ];
  for (const [name, current, wanted, expected] of rows)
    test(name, () => assert.equal(covers(current, wanted), expected));
});
