import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseIpv4 } from '../../codec/ipv4.ts';
import type { RelayConfig, Template } from '../types/agentconfig.ts';
import type { DhcpRelaySpec } from '../types/dhcprelay.ts';
import { Findings } from './findings.ts';
import { compileRelay } from './relay.ts';
import { leastOctets } from './relayinformation.ts';
import { POD_SIDE } from './relayinterfaces.ts';
import { compileTemplate } from './relaytemplate.ts';

function compiled(spec: string, namespace?: string): RelayConfig {
  const metadata = { name: 'office', ...(namespace === undefined ? {} : { namespace }) };
  const { config, problems, warnings } = compileRelay(
    {
      apiVersion: 'dhcp-operator.io/v1alpha1',
      kind: 'DhcpRelay',
      metadata,
      spec: parse(spec) as DhcpRelaySpec,
    },
    null,
  );
  assert.deepEqual([...problems, ...warnings], []);
  return config!;
}

const bytes = (text: string): Template[number] => ({
  kind: 'bytes',
  bytes: new TextEncoder().encode(text),
});

const SERVER = { kind: 'address', address: parseIpv4('192.0.2.1') };

const SILENT = {
  mode: 'Auto',
  existing: 'Forward',
  circuitId: [{ kind: 'field', field: 'interface' }],
  remoteId: null,
  subscriberId: null,
  relayId: null,
  linkSelection: 'Auto',
  serverIdOverride: false,
  virtualSubnet: null,
  wanted: false,
};

test('the least has every default filled in', () => {
  assert.deepEqual(compiled('upstreams: [{ address: 192.0.2.1 }]'), {
    name: 'office',
    interfaces: [
      { match: '*', giaddr: 'Auto', trusted: false, upstreams: [SERVER], relayInformation: SILENT },
    ],
    exclude: POD_SIDE,
    replySources: [],
    maxHops: 4,
    maxMessageSize: 1472,
    sourcePort: 67,
    upstreamDevice: null,
    rateLimit: { perClient: 20, perInterface: 0 },
  });
});

test('a link replaces upstreams as a whole and settings of option 82 one by one', () => {
  const config = compiled(
    `
upstreams: [{ address: 192.0.2.1 }]
excludeInterfaces: [eth9]
replySources: [198.51.100.0/24]
rateLimit: { perInterface: 7 }
relayInformation:
  mode: Always
  remoteId: "{node}"
  relayId: Auto
  virtualSubnet: { name: blue }
interfaces:
  - match: eth1
    giaddr: 192.0.2.9
    trusted: true
    upstreams: [{ hostname: DHCP.example.org. }]
    relayInformation:
      existing: Append
      remoteId: "hex:01:02"
      virtualSubnet: { vpnId: "00000100000002" }
  - match: eth*`,
    'dhcp',
  );
  const common = {
    ...SILENT,
    mode: 'Always',
    remoteId: [{ kind: 'field', field: 'node' }],
    relayId: 'Auto',
    virtualSubnet: Uint8Array.of(0, 98, 108, 117, 101),
    wanted: true,
  };
  assert.equal(config.name, 'dhcp/office');
  assert.deepEqual(config.exclude, [...POD_SIDE, 'eth9']);
  assert.deepEqual(config.replySources, [{ address: parseIpv4('198.51.100.0'), length: 24 }]);
  assert.deepEqual(config.rateLimit, { perClient: 20, perInterface: 7 });
  assert.deepEqual(config.interfaces, [
    {
      match: 'eth1',
      giaddr: parseIpv4('192.0.2.9'),
      trusted: true,
      upstreams: [{ kind: 'hostname', hostname: 'dhcp.example.org' }],
      relayInformation: {
        ...common,
        existing: 'Append',
        remoteId: [{ kind: 'bytes', bytes: Uint8Array.of(1, 2) }],
        virtualSubnet: Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 2),
      },
    },
    {
      match: 'eth*',
      giaddr: 'Auto',
      trusted: false,
      upstreams: [SERVER],
      relayInformation: common,
    },
  ]);
});

for (const [setting, wanted] of [
  ['circuitId: "{interface}"', true],
  ['remoteId: a', true],
  ['subscriberId: a', true],
  ['relayId: Auto', true],
  ['linkSelection: Always', false],
  ['existing: Replace', false],
] as const) {
  test(`mode Auto takes ${setting} ${wanted ? 'for' : 'not for'} a wish to add option 82`, () => {
    const config = compiled(
      `upstreams: [{ address: 192.0.2.1 }]\nrelayInformation: { ${setting} }`,
    );
    assert.equal(config.interfaces[0]!.relayInformation.wanted, wanted);
  });
}

for (const [text, want] of [
  ['{interface}', [{ kind: 'field', field: 'interface' }]],
  [
    'port {vlan}/{mac}!',
    [
      bytes('port '),
      { kind: 'field', field: 'vlan' },
      bytes('/'),
      { kind: 'field', field: 'mac' },
      bytes('!'),
    ],
  ],
  ['{{interface}', [bytes('{interface}')]],
  ['a}b', [bytes('a}b')]],
  [
    '{address}{node}{relay}',
    ['address', 'node', 'relay'].map((field) => ({ kind: 'field', field })),
  ],
  ['hex:00ff', [{ kind: 'bytes', bytes: Uint8Array.of(0, 255) }]],
  ['hexagon', [bytes('hexagon')]],
  ['é', [bytes('é')]],
] as const) {
  test(`the template ${text}`, () => {
    const findings = new Findings();
    assert.deepEqual(compileTemplate(text, 'x', findings), want);
    assert.deepEqual(findings.problems, []);
  });
}

test('the room that option 82 needs counts every sub-option with its two octets', () => {
  const { relayInformation } = compiled(
    `
upstreams: [{ address: 192.0.2.1 }]
relayInformation:
  circuitId: hex:0102
  remoteId: "{mac}"
  subscriberId: abc
  relayId: Auto
  linkSelection: Always
  serverIdOverride: true
  virtualSubnet: { name: blue }`,
  ).interfaces[0]!;
  // circuit 2, remote 0 at least, subscriber 3, DUID 18, VSS 5 and control 0, link 4, override 4, flags 1, port 0.
  assert.equal(
    leastOctets(relayInformation, true),
    2 * 10 + 2 + 0 + 3 + 18 + 5 + 0 + 4 + 4 + 1 + 0,
  );
});
