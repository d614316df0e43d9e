import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../crds/client/resources.ts';
import { type Referable, resolveRelay, resolveServer } from './references.ts';
import { relay, says, server } from './testworld.ts';

function service(
  spec: Service['spec'],
  ingress: readonly { readonly ip?: string; readonly hostname?: string }[] = [],
): Service {
  const metadata = { name: 'ntp', namespace: 'dhcp' };
  const object = { apiVersion: 'v1', kind: 'Service', metadata, spec };
  return { ...object, status: { loadBalancer: { ingress } } } as Service;
}

function world(found: Service | undefined, more: Partial<Referable> = {}): Referable {
  return {
    service: (_, name) => (name === 'ntp' ? found : undefined),
    server: () => undefined,
    endpoints: () => [],
    relays: [],
    ...more,
  };
}

const TO_NTP = relay({ upstreams: [{ serviceRef: { name: 'ntp' } }] });

const OWN = { clusterIPs: ['10.96.0.7'] };
const ENDPOINTS = { endpoints: () => ['10.244.0.9', 'fd00::9'] };

// [which address of a Service counts, the Service, what else there is, the address]
for (const [rule, found, more, want] of [
  [
    "the load balancer's before its own",
    service(OWN, [{ ip: '203.0.113.7' }]),
    ENDPOINTS,
    '203.0.113.7',
  ],
  ["its own before its endpoints'", service(OWN), ENDPOINTS, '10.96.0.7'],
  [
    'a name of a load balancer is no address',
    service(OWN, [{ hostname: 'lb.example' }]),
    {},
    '10.96.0.7',
  ],
  ['clusterIP where there is no list yet', service({ clusterIP: '10.96.0.8' }), {}, '10.96.0.8'],
  [
    'an address of IPv6 is passed over',
    service({ clusterIPs: ['fd00::7', '10.96.0.7'] }),
    {},
    '10.96.0.7',
  ],
  [
    "a headless Service's endpoints",
    service({ clusterIP: 'None', clusterIPs: ['None'] }),
    ENDPOINTS,
    '10.244.0.9',
  ],
] as const) {
  test(`the address of a Service: ${rule}`, () => {
    const { spec, unresolved } = resolveRelay(TO_NTP, world(found, more));
    assert.deepEqual(unresolved, []);
    assert.deepEqual(spec.upstreams, [{ address: want }]);
  });
}

// [what is wrong, the Service, what is said]
for (const [name, found, want] of [
  ['it is not there', undefined, 'there is no Service dhcp/ntp: make it, or name another'],
  ['it has no address', service({ clusterIP: 'None' }), 'Service dhcp/ntp has no IPv4 address yet'],
] as const) {
  test(`a Service that cannot be followed: ${name}`, () => {
    const { unresolved } = resolveRelay(TO_NTP, world(found));
    assert.deepEqual(unresolved, [{ path: 'spec.upstreams[0].serviceRef', message: want }]);
  });
}

test('upstreams of single interfaces are followed as well, and those that say none stay without', () => {
  const interfaces = [
    { match: 'eth0' },
    {
      match: 'eth1',
      upstreams: [{ serviceRef: { name: 'ntp' } }, { serverRef: { name: 'lab', namespace: 'b' } }],
    },
  ];
  const object = relay({ upstreams: [{ hostname: 'dhcp.example' }], interfaces });
  const { spec, unresolved } = resolveRelay(object, world(service(OWN)));
  assert.deepEqual(spec.upstreams, [{ hostname: 'dhcp.example' }]);
  assert.deepEqual(spec.interfaces, [
    { match: 'eth0' },
    { match: 'eth1', upstreams: [{ address: '10.96.0.7' }] },
  ]);
  assert.deepEqual(unresolved, [
    {
      path: 'spec.interfaces[1].upstreams[1].serverRef',
      message: 'there is no DhcpServer b/lab: make it, or name another',
    },
  ]);
});

test('two references to one place are one upstream; names are left to the relay', () => {
  const upstreams = [
    { address: '10.96.0.7' },
    { serviceRef: { name: 'ntp' } },
    { hostname: 'a.example' },
    { hostname: 'b.example' },
  ];
  const { spec } = resolveRelay(relay({ upstreams }), world(service(OWN)));
  assert.deepEqual(spec.upstreams, [
    { address: '10.96.0.7' },
    { hostname: 'a.example' },
    { hostname: 'b.example' },
  ]);
});

test('a server that is there and answers nowhere yet', () => {
  const object = relay({ upstreams: [{ serverRef: { name: 'lab' } }] });
  const { unresolved } = resolveRelay(object, world(undefined, { server: () => server() }));
  assert.deepEqual(unresolved, [
    { path: 'spec.upstreams[0].serverRef', message: 'DhcpServer dhcp/lab answers nowhere yet' },
  ]);
});

test('a server that clients know by its Service is asked there', () => {
  const lab = server({ serverIdentifier: 'Service' }, {}, { endpoints: ['198.51.100.5' as never] });
  const object = relay({ upstreams: [{ serverRef: { name: 'lab' } }] });
  const asked: string[] = [];
  const from = world(undefined, {
    server: () => lab,
    service: (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return asked.length === 1 ? service(OWN) : undefined;
    },
  });
  assert.deepEqual(resolveRelay(object, from).spec.upstreams, [{ address: '10.96.0.7' }]);
  assert.deepEqual(resolveRelay(object, from).spec.upstreams, [{ address: '198.51.100.5' }]);
  assert.deepEqual(asked, ['dhcp/dhcp-server-lab', 'dhcp/dhcp-server-lab']);
});

test('options by Service, at any level: lists of addresses, and the one address of a TFTP server', () => {
  const fromServices = [
    { option: 'ntpServers', serviceRef: { name: 'ntp' } },
    { option: 'tftpServerName', serviceRef: { name: 'ntp' } },
  ];
  const subnets = [{ cidr: '192.0.2.0/24', options: { domainName: 'lan', fromServices } }];
  const { spec } = resolveServer(
    server({ subnets }),
    world(service({ clusterIP: 'None' }), { endpoints: () => ['10.244.0.1', '10.244.0.2'] }),
  );
  assert.deepEqual(spec.subnets[0]?.options, {
    ntpServers: ['10.244.0.1', '10.244.0.2'],
    tftpServerName: '10.244.0.1',
    domainName: 'lan',
  });
});

test('an option that is written beside fromServices counts, not the Service', () => {
  const options = {
    ntpServers: ['192.0.2.123'],
    fromServices: [{ option: 'ntpServers', serviceRef: { name: 'ntp' } }],
  };
  const { spec } = resolveServer(server({ options }), world(service(OWN)));
  assert.deepEqual(spec.options?.ntpServers, ['192.0.2.123']);
});

// [which relays may ask, their spec, whether this one may]
for (const [rule, spec, may] of [
  ['one that names the server', { upstreams: [{ serverRef: { name: 'lab' } }] }, true],
  [
    'one that names it for one interface',
    {
      upstreams: [{ address: '203.0.113.1' }],
      interfaces: [
        { match: 'eth0' },
        { match: 'eth1', upstreams: [{ serverRef: { name: 'lab' } }] },
      ],
    },
    true,
  ],
  [
    'one that names a server of that name elsewhere',
    { upstreams: [{ serverRef: { name: 'lab', namespace: 'other' } }] },
    false,
  ],
  ['one that names none', { upstreams: [{ address: '203.0.113.1' }] }, false],
] as const) {
  test(`relays that may ask a server with allowedRelays: ${rule}: ${may}`, () => {
    const relays = [relay(spec, { nodes: [says('a', 'Active')] })];
    const object = server({ allowedRelays: [{ address: '203.0.113.1' }] });
    const { spec: resolved } = resolveServer(object, world(undefined, { relays }));
    const more = may ? [{ address: '198.51.100.97' }] : [];
    assert.deepEqual(resolved.allowedRelays, [{ address: '203.0.113.1' }, ...more]);
  });
}

test('a server that lets every relay in goes on doing so', () => {
  const relays = [relay({ upstreams: [{ serverRef: { name: 'lab' } }] })];
  const { spec } = resolveServer(server(), world(undefined, { relays }));
  assert.equal(spec.allowedRelays, undefined);
});
