import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { hex } from '../../codec/hardware.ts';
import { formatIpv4 } from '../../codec/ipv4.ts';
import type { DhcpServer, DhcpServerSpec } from '../types/dhcpserver.ts';
import type { ServerConfig } from '../types/serverconfig.ts';
import { type CompiledServer, compileServer } from './server.ts';

function compile(spec: string): CompiledServer {
  const server: DhcpServer = {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    metadata: { name: 'lab' },
    spec: parse(spec) as DhcpServerSpec,
  };
  return compileServer(server);
}

function accepted(spec: string): ServerConfig {
  const { config, problems } = compile(spec);
  assert.deepEqual(problems, []);
  return config!;
}

const RICH = `
authoritative: true
leaseTime: 8h
conflictDetection: { mode: Auto, timeout: 250ms }
options:
  domainName: lab.example
  domainNameServers: [192.0.2.53]
classes:
  - name: phones
    match: packet.vendorClass.startsWith("AcmePhone")
    options: { tftpServerName: tftp.lab.example }
subnets:
  - cidr: 198.51.100.0/24
    sharedNetwork: hall
    pools:
      - { start: 198.51.100.50, end: 198.51.100.199, exclude: [{ address: 198.51.100.60 }] }
      - { cidr: 198.51.100.208/28, classes: [phones] }
    options:
      routers: [198.51.100.1]
      custom: [{ code: 43, hex: "010400000001" }]
      force: [{ name: vendorSpecific }]
    reservations:
      - { address: 198.51.100.10, hardwareAddress: "02:00:00:00:00:0a", hostname: printer }
      - { address: 198.51.100.11, clientId: { text: scanner-7 } }
      - { address: 198.51.100.12, option: { name: clientMachineIdentifier, hex: "00:01" } }
    boot:
      - { architectures: [x86-uefi], nextServer: 192.0.2.69, file: ipxe.efi }
      - { userClass: iPXE, httpUrl: "http://192.0.2.69/boot.ipxe" }
  - cidr: 198.51.101.0/24
    sharedNetwork: hall
    leaseTime: 1h30m
`;

test('a campus compiles', () => {
  const config = accepted(RICH);
  assert.equal(config.settings.leaseTime, 8 * 3600);
  assert.deepEqual(
    config.settings.options.values.map(({ code, data }) => [code, hex(data)]),
    [
      [6, 'c0000235'],
      [15, '6c61622e6578616d706c65'],
    ],
  );
  const [network] = config.networks;
  assert.equal(config.networks.length, 1);
  assert.equal(network!.name, 'hall');
  const [subnet, other] = network!.subnets;
  assert.equal(other!.settings.leaseTime, 5400);
  assert.deepEqual(
    subnet!.pools.map(({ ranges }) =>
      ranges.map(({ start, end }) => `${formatIpv4(start)}-${formatIpv4(end)}`),
    ),
    [
      ['198.51.100.50-198.51.100.59', '198.51.100.61-198.51.100.199'],
      ['198.51.100.208-198.51.100.223'],
    ],
  );
  assert.deepEqual(subnet!.settings.options.force, [43]);
  assert.deepEqual(
    subnet!.reservations.map(({ match }) => match.kind),
    ['hardwareAddress', 'clientId', 'option'],
  );
  assert.deepEqual(subnet!.settings.boot![0]!.architectures, [6, 7, 9]);
});

test('x86-uefi does not stand for 64-bit firmware where another entry does', () => {
  const config = accepted(`
subnets:
  - cidr: 192.0.2.0/24
    boot:
      - { architectures: [x86-uefi], file: ia32.efi }
      - { architectures: [x64-uefi], file: x64.efi }`);
  const boot = config.networks[0]!.subnets[0]!.settings.boot!;
  assert.deepEqual(
    boot.map(({ architectures }) => architectures),
    [[6], [7]],
  );
});

test('a second is a lease time, and so is all but for ever', () => {
  for (const [text, seconds] of [
    ['1s', 1],
    ['4294967294s', 0xfffffffe],
  ] as const) {
    assert.equal(accepted(`${subnet('')}\nleaseTime: ${text}`).settings.leaseTime, seconds);
  }
});

test('the least that is useful compiles, with defaults', () => {
  const config = accepted('subnets: [{ cidr: 10.0.0.0/14, pools: [{ cidr: 10.1.0.0/16 }] }]');
  assert.equal(config.limits.perClient, 20);
  assert.equal(config.identity, 'Auto');
  assert.deepEqual(config.conflictDetection, { mode: 'Auto', timeout: 300, repeatAfter: 600_000 });
  assert.equal(config.networks[0]!.name, '10.0.0.0/14');
});

test('a pool by cidr has neither the network address nor the broadcast address', () => {
  const { config } = compile('subnets: [{ cidr: 192.0.2.0/24, pools: [{ cidr: 192.0.2.0/24 }] }]');
  const [range] = config!.networks[0]!.subnets[0]!.pools[0]!.ranges;
  assert.deepEqual([range!.start & 255, range!.end & 255], [1, 254]);
});

const subnet = (more: string): string => `subnets: [{ cidr: 192.0.2.0/24, ${more} }]`;

// [what is wrong, the specification, path: reason: message]
const PROBLEMS: readonly (readonly [string, string, RegExp])[] = [
  [
    'a subnet with host bits',
    'subnets: [{ cidr: 192.0.2.1/24 }]',
    /^spec\.subnets\[0\]\.cidr: InvalidNetwork: "192\.0\.2\.1\/24" is not a network/,
  ],
  [
    'two subnets that overlap',
    'subnets: [{ cidr: 10.0.0.0/8 }, { cidr: 10.2.0.0/16 }]',
    /^spec\.subnets\[1\]\.cidr: Overlap: 10\.2\.0\.0\/16 overlaps 10\.0\.0\.0\/8 \(spec\.subnets\[0\]\)/,
  ],
  [
    'two subnets of one name',
    'subnets: [{ cidr: 10.0.0.0/16, name: a }, { cidr: 10.2.0.0/16, name: a }]',
    /^spec\.subnets\[1\]: Duplicate: /,
  ],
  [
    'two pools that overlap',
    subnet('pools: [{ start: 192.0.2.10, end: 192.0.2.20 }, { cidr: 192.0.2.16/28 }]'),
    /^spec\.subnets\[0\]\.pools\[1\]: Overlap: 192\.0\.2\.16-192\.0\.2\.20 is also in spec\.subnets\[0\]\.pools\[0\]/,
  ],
  [
    'a pool outside its subnet',
    subnet('pools: [{ start: 192.0.3.10, end: 192.0.3.20 }]'),
    /^spec\.subnets\[0\]\.pools\[0\]: OutsideSubnet: 192\.0\.3\.10-192\.0\.3\.20 is not in 192\.0\.2\.0\/24/,
  ],
  [
    'a pool backwards',
    subnet('pools: [{ start: 192.0.2.20, end: 192.0.2.10 }]'),
    /pools\[0\]: EmptyPool: .*swap/,
  ],
  ['half a pool', subnet('pools: [{ start: 192.0.2.20 }]'), /pools\[0\]: ExactlyOneOf: /],
  [
    'a pool of which nothing is left',
    subnet('pools: [{ cidr: 192.0.2.8/30, exclude: [{ cidr: 192.0.2.0/28 }] }]'),
    /pools\[0\]: EmptyPool: /,
  ],
  [
    'a pool for a class that does not exist',
    subnet('pools: [{ cidr: 192.0.2.8/30, classes: [phone] }]'),
    /pools\[0\]\.classes\[0\]: UnknownClass: "phone" is not in spec\.classes \(there are none\)$/,
  ],
  [
    'a reservation outside its subnet',
    subnet('reservations: [{ address: 192.0.3.1, hardwareAddress: "02:00:00:00:00:01" }]'),
    /^spec\.subnets\[0\]\.reservations\[0\]\.address: OutsideSubnet: /,
  ],
  [
    'a reservation of the broadcast address',
    subnet('reservations: [{ address: 192.0.2.255, hardwareAddress: "02:00:00:00:00:01" }]'),
    /reservations\[0\]\.address: NetworkAddress: /,
  ],
  [
    'one address reserved twice',
    subnet(
      'reservations: [{ address: 192.0.2.1, hardwareAddress: "02:00:00:00:00:01" }, { address: 192.0.2.1, circuitId: { text: p1 } }]',
    ),
    /reservations\[1\]: Duplicate: 192\.0\.2\.1 is reserved twice: spec\.subnets\[0\]\.reservations\[0\]/,
  ],
  [
    'one client reserved for twice',
    subnet(
      'reservations: [{ hardwareAddress: "02:00:00:00:00:0A" }, { hardwareAddress: "02:00:00:00:00:0a" }]',
    ),
    /reservations\[1\]: Duplicate: the same client/,
  ],
  [
    'a reservation for two kinds of identity',
    subnet('reservations: [{ hardwareAddress: "02:00:00:00:00:0a", circuitId: { text: p1 } }]'),
    /reservations\[0\]: ExactlyOneOf: /,
  ],
  [
    'an identifier as text and in hex',
    subnet('reservations: [{ clientId: { text: a, hex: "61" } }]'),
    /reservations\[0\]\.clientId: ExactlyOneOf: /,
  ],
  [
    'an option that does not exist',
    subnet('options: { router: [192.0.2.1] }'),
    /^spec\.subnets\[0\]\.options\.router: InvalidOption: is not an option: did you mean routers\?/,
  ],
  [
    'an option of the wrong kind',
    subnet('options: { routers: [192.0.2.1, gateway] }'),
    /^spec\.subnets\[0\]\.options\.routers\[1\]: InvalidOption: "gateway" is not an IPv4 address/,
  ],
  [
    'an option that the server says itself',
    subnet('options: { renewalTime: 1h }'),
    /options\.renewalTime: ProtocolOption: .*set spec\.renewalPercent instead$/,
  ],
  [
    'one that has a field at its level',
    subnet('options: { leaseTime: 3600 }'),
    /options\.leaseTime: ProtocolOption: .*set spec\.subnets\[0\]\.leaseTime instead$/,
  ],
  [
    'an option by name and by code',
    subnet('options: { routers: [192.0.2.1], custom: [{ code: 3, hex: c0000202 }] }'),
    /options\.custom\[0\]: Duplicate: routers \(3\)/,
  ],
  [
    'a custom option with two values',
    subnet('options: { custom: [{ code: 224, u8: 1, text: a }] }'),
    /options\.custom\[0\]: ExactlyOneOf: /,
  ],
  [
    'an option to be forced that is named twice',
    subnet('options: { force: [{ name: routers, code: 3 }] }'),
    /options\.force\[0\]: ExactlyOneOf: /,
  ],
  [
    'an option to be suppressed that is not named',
    subnet('options: { suppress: [{}] }'),
    /options\.suppress\[0\]: ExactlyOneOf: /,
  ],
  [
    'an option forced and suppressed',
    subnet('options: { force: [{ code: 42 }], suppress: [{ name: ntpServers }] }'),
    /options\.force: Contradiction: ntpServers/,
  ],
  [
    'a class expression with an unknown property',
    `classes: [{ name: a, match: 'packet.vendor == "x"' }]\n${subnet('')}`,
    /^spec\.classes\[0\]\.match: InvalidExpression: No such key: vendor at column 8/,
  ],
  [
    'a class expression that is no condition',
    `classes: [{ name: a, match: packet.vendorClass }]\n${subnet('')}`,
    /^spec\.classes\[0\]\.match: InvalidExpression: gives string, where true or false is wanted/,
  ],
  [
    'a class expression that ends too soon',
    `classes: [{ name: a, match: 'packet.vendorClass ==' }]\n${subnet('')}`,
    /^spec\.classes\[0\]\.match: InvalidExpression: .* at column 22/,
  ],
  [
    'two classes of one name',
    `classes: [{ name: a, match: 'true' }, { name: a, match: 'true' }]\n${subnet('')}`,
    /^spec\.classes\[1\]\.name: Duplicate: /,
  ],
  [
    'an architecture that does not exist',
    subnet('boot: [{ architectures: [x64], file: a }]'),
    /boot\[0\]\.architectures\[0\]: UnknownArchitecture: "x64" .*x64-uefi/,
  ],
  [
    'a file and a URL',
    subnet('boot: [{ file: a, httpUrl: "http://a/" }]'),
    /boot\[0\]: ExactlyOneOf: /,
  ],
  [
    'a file name that the field has no room for',
    subnet(`boot: [{ file: ${'a'.repeat(128)} }]`),
    /boot\[0\]\.file: TooLong: is longer than the 127/,
  ],
  [
    'a URL that the option has no room for',
    subnet(`boot: [{ httpUrl: "http://a/${'a'.repeat(247)}" }]`),
    /boot\[0\]\.httpUrl: TooLong: is longer than the 255/,
  ],
  ['lease times that contradict', subnet('minLeaseTime: 2h, maxLeaseTime: 1h'), /Contradiction/],
  [
    'a lease time outside its bounds',
    subnet('leaseTime: 3h, maxLeaseTime: 1h'),
    /^spec\.subnets\[0\]\.leaseTime: Contradiction: /,
  ],
  ['T1 behind T2', `renewalPercent: 90\n${subnet('')}`, /^spec\.renewalPercent: Contradiction: /],
  [
    'a wait for IPv6 that clients ignore',
    subnet('ipv6OnlyWait: 1m'),
    /^spec\.subnets\[0\]\.ipv6OnlyWait: TooShort: /,
  ],
  [
    'a probe that outlasts the patience of clients',
    `conflictDetection: { timeout: 5s }\n${subnet('')}`,
    /^spec\.conflictDetection\.timeout: TooLong: /,
  ],
  [
    'a look for other servers without a pause',
    `foreignServers: { mode: Probe, interval: 0s }\n${subnet('')}`,
    /^spec\.foreignServers\.interval: TooShort: .* 100ms or more$/,
  ],
  [
    'a look for other servers further off than a timer can wait',
    `foreignServers: { mode: Probe, interval: 25d }\n${subnet('')}`,
    /^spec\.foreignServers\.interval: TooLong: .* 24d or less$/,
  ],
  [
    'a selector that selects everything',
    subnet('selectors: [{}]'),
    /^spec\.subnets\[0\]\.selectors\[0\]: Empty: /,
  ],
  [
    'an allowed relay that is neither address nor network',
    `allowedRelays: [{}]\n${subnet('')}`,
    /^spec\.allowedRelays\[0\]: ExactlyOneOf: /,
  ],
  [
    'a server identifier of a Service, where there is none',
    `serverIdentifier: Service\n${subnet('')}`,
    /^spec\.serverIdentifier: OnlyInKubernetes: /,
  ],
  [
    'options of Services, where there are none',
    `options: { fromServices: [{ option: ntpServers, serviceRef: { name: ntp } }] }\n${subnet('')}`,
    /^spec\.options\.fromServices: OnlyInKubernetes: /,
  ],
  [
    'a server identifier that is no address',
    `serverIdentifier: auto\n${subnet('')}`,
    /^spec\.serverIdentifier: InvalidAddress: /,
  ],
];

for (const [name, spec, want] of PROBLEMS) {
  test(`refused: ${name}`, () => {
    const { config, problems } = compile(spec);
    assert.equal(config, null);
    const lines = problems.map(({ path, reason, message }) => `${path}: ${reason}: ${message}`);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, want);
  });
}

const WARNINGS: readonly (readonly [string, string, RegExp])[] = [
  [
    'a router outside the subnet',
    subnet('pools: [{ cidr: 192.0.2.128/25 }], options: { routers: [192.0.3.1] }'),
    /RouterOutsideSubnet: 192\.0\.3\.1/,
  ],
  [
    'a router inside a pool',
    subnet('pools: [{ cidr: 192.0.2.0/25 }], options: { routers: [192.0.2.1] }'),
    /RouterInPool: 192\.0\.2\.1/,
  ],
  ['a subnet without addresses', subnet('options: { routers: [192.0.2.1] }'), /NoAddresses/],
  [
    'a shared network that nobody shares',
    `sharedNetworks: [{ name: hall }]\n${subnet('pools: [{ cidr: 192.0.2.128/25 }]')}`,
    /^spec\.sharedNetworks\[0\]: Unused/,
  ],
  [
    'exclusions where no interface is named',
    `excludeInterfaces: [{ match: eth0 }]\n${subnet('pools: [{ cidr: 192.0.2.128/25 }]')}`,
    /^spec\.excludeInterfaces: Unused: excludes from nothing/,
  ],
  [
    'a proxy that hears nobody but relays',
    `proxyDhcp: true\n${subnet('pools: [{ cidr: 192.0.2.128/25 }]')}`,
    /^spec\.proxyDhcp: NoInterfaces: /,
  ],
];

for (const [name, spec, want] of WARNINGS) {
  test(`taken with a warning: ${name}`, () => {
    const { config, warnings } = compile(spec);
    assert.notEqual(config, null);
    const lines = warnings.map(({ path, reason, message }) => `${path}: ${reason}: ${message}`);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, want);
  });
}

test('an option that nobody has registered is set by its code', () => {
  const config = accepted(subnet('options: { custom: [{ code: 222, u8: 7 }] }'));
  const { values } = config.networks[0]!.subnets[0]!.settings.options;
  assert.deepEqual(values, [{ code: 222, data: Uint8Array.of(7) }]);
});

// [how a custom option is written, its octets]
for (const [form, want] of [
  ['hex: "0x01:ff"', '01ff'],
  ['text: "grün"', '6772c3bc6e'],
  ['addresses: [192.0.2.1, 192.0.2.2]', 'c0000201c0000202'],
  ['u8: 255', 'ff'],
  ['u16: 258', '0102'],
  ['u32: 4294967295', 'ffffffff'],
  ['u32: 16909060', '01020304'],
  ['flag: true', ''],
] as const) {
  test(`a custom option as ${form}`, () => {
    const config = accepted(subnet(`options: { custom: [{ code: 222, ${form} }] }`));
    const [option] = config.networks[0]!.subnets[0]!.settings.options.values;
    assert.equal(hex(option!.data), want);
  });
}

test('a boot file may be as long as its field, and a URL as long as its option', () => {
  const url = `http://a/${'a'.repeat(246)}`;
  const file = 'f'.repeat(127);
  const config = accepted(subnet(`boot: [{ httpUrl: "${url}" }, { file: ${file} }]`));
  const boot = config.networks[0]!.subnets[0]!.settings.boot!;
  assert.deepEqual(
    boot.map((entry) => [entry.file, entry.http]),
    [
      [url, true],
      [file, false],
    ],
  );
});

test('a selector says what it names, and nothing of the rest', () => {
  const config = accepted(
    subnet(`selectors: [
      { giaddr: 198.51.100.1 },
      { circuitId: { text: p1 }, remoteId: { hex: "0102" } },
      { vrf: red },
      { interface: eth* },
    ]`),
  );
  const none = { giaddr: null, circuitId: null, remoteId: null, vrf: null, interface: null };
  assert.deepEqual(config.networks[0]!.subnets[0]!.selectors, [
    { ...none, giaddr: 0xc6336401 },
    { ...none, circuitId: Uint8Array.of(0x70, 0x31), remoteId: Uint8Array.of(1, 2) },
    { ...none, vrf: 'red' },
    { ...none, interface: 'eth*' },
  ]);
});

// [what a pool of .10 to .20 leaves out, what it has then]
for (const [exclude, want] of [
  ['{ start: 192.0.2.1, end: 192.0.2.9 }', ['10-20']],
  ['{ start: 192.0.2.21, end: 192.0.2.30 }', ['10-20']],
  ['{ start: 192.0.2.1, end: 192.0.2.10 }', ['11-20']],
  ['{ start: 192.0.2.20, end: 192.0.2.30 }', ['10-19']],
  ['{ address: 192.0.2.15 }', ['10-14', '16-20']],
  ['{ address: 192.0.2.11 }, { address: 192.0.2.13 }', ['10-10', '12-12', '14-20']],
  ['{ start: 192.0.2.11, end: 192.0.2.19 }', ['10-10', '20-20']],
] as const) {
  test(`a pool of .10 to .20 without ${exclude} is ${want.join(' and ')}`, () => {
    const pool = `{ start: 192.0.2.10, end: 192.0.2.20, exclude: [${exclude}] }`;
    const { config } = compile(subnet(`pools: [${pool}]`));
    const { ranges } = config!.networks[0]!.subnets[0]!.pools[0]!;
    assert.deepEqual(
      ranges.map(({ start, end }) => `${start & 255}-${end & 255}`),
      want,
    );
  });
}

test('a router is not given to clients', () => {
  const { config } = compile(
    subnet('pools: [{ start: 192.0.2.1, end: 192.0.2.9 }], options: { routers: [192.0.2.5] }'),
  );
  const { ranges } = config!.networks[0]!.subnets[0]!.pools[0]!;
  assert.deepEqual(
    ranges.map(({ start, end }) => [start & 255, end & 255]),
    [
      [1, 4],
      [6, 9],
    ],
  );
});

test('all problems are told at once', () => {
  const { problems } = compile(
    'serverIdentifier: x\nsubnets: [{ cidr: y }, { cidr: 192.0.2.0/24, options: { z: 1 } }]',
  );
  assert.equal(problems.length, 3);
});

for (const interval of ['100ms', '15m', '24d']) {
  test(`other servers may be looked for every ${interval}`, () => {
    const spec = `foreignServers: { mode: Probe, interval: ${interval} }\n`;
    assert.deepEqual(compile(spec + subnet('')).problems, []);
  });
}
