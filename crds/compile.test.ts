import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Compiled, compile } from './compile.ts';
import { documentOf } from './document.ts';
import { KINDS } from './kinds.ts';
import { readManifests } from './manifest.ts';
import { formatProblem } from './problem.ts';

function compileText(text: string, kubernetes = false): Compiled {
  const { documents, problems } = readManifests([{ file: 'a.yaml', text }]);
  assert.deepEqual(problems, []);
  return compile(documents, { kubernetes });
}

const lines = (text: string): string[] => compileText(text).problems.map(formatProblem);

function relay(spec: string, name = 'office'): string {
  return `apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpRelay
metadata: { name: ${name} }
spec:
${indented(spec)}`;
}

function server(spec: string, name = 'lab'): string {
  return `apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: ${name} }
spec:
${indented(spec)}`;
}

function lease(spec: string, name = 'lab-1'): string {
  return `apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpLease
metadata: { name: ${name} }
spec:
${indented(spec)}`;
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');

const UP = 'upstreams: [{ address: 192.0.2.1 }]';

// One mistake each; the first line of a spec is line 5. [spec, what is said of it]
const SHAPES: readonly (readonly [string, string])[] = [
  [
    'upstreams:\n  - adress: 192.0.2.1',
    'a.yaml:6 DhcpRelay/office spec.upstreams[0].adress: unknown field; did you mean "address"?',
  ],
  [
    `${UP}\nmaxhops: 3`,
    'a.yaml:6 DhcpRelay/office spec.maxhops: unknown field; did you mean "maxHops"?',
  ],
  [
    `${UP}\ngiaddr: 192.0.2.9`,
    'a.yaml:6 DhcpRelay/office spec.giaddr: unknown field; it belongs to spec.interfaces[]',
  ],
  [
    `upstreams: [{ address: 192.0.2.1, port: 67 }]`,
    'a.yaml:5 DhcpRelay/office spec.upstreams[0].port: unknown field; known here are address, hostname, serviceRef, serverRef',
  ],
  ['maxHops: 3', 'a.yaml:4 DhcpRelay/office spec.upstreams: is missing: write a list'],
  ['upstreams: []', 'a.yaml:5 DhcpRelay/office spec.upstreams: is empty: write at least 1 entry'],
  [
    'upstreams:',
    'a.yaml:5 DhcpRelay/office spec.upstreams: is empty: write a list, or leave the field out',
  ],
  ['upstreams: 192.0.2.1', 'a.yaml:5 DhcpRelay/office spec.upstreams: "192.0.2.1" is not a list'],
  [
    'upstreams: [192.0.2.1]',
    'a.yaml:5 DhcpRelay/office spec.upstreams[0]: "192.0.2.1" is not a mapping with fields such as address',
  ],
  [
    'upstreams: [{ address: 192.0.2.256 }]',
    'a.yaml:5 DhcpRelay/office spec.upstreams[0].address: "192.0.2.256" is not an IPv4 address such as 192.0.2.1',
  ],
  [
    'upstreams: [{ address: 1 }]',
    'a.yaml:5 DhcpRelay/office spec.upstreams[0].address: "1" is not an IPv4 address such as 192.0.2.1',
  ],
  [
    'upstreams: [{ hostname: 1 }]',
    'a.yaml:5 DhcpRelay/office spec.upstreams[0].hostname: 1 is a number, not text: put it in quotes',
  ],
  [
    `${UP}\nreplySources: [192.0.2.9/24]`,
    'a.yaml:6 DhcpRelay/office spec.replySources[0]: "192.0.2.9/24" has bits beyond its length: write 192.0.2.0/24',
  ],
  [
    `${UP}\nreplySources: [192.0.2.0]`,
    'a.yaml:6 DhcpRelay/office spec.replySources[0]: "192.0.2.0" is not a network such as 192.0.2.0/24',
  ],
  [
    `${UP}\nmaxHops: 17`,
    'a.yaml:6 DhcpRelay/office spec.maxHops: 17 is out of range: write 16 or less',
  ],
  [
    `${UP}\nmaxHops: "4"`,
    'a.yaml:6 DhcpRelay/office spec.maxHops: "4" is text: write 4 without quotes',
  ],
  [`${UP}\nmaxHops: 1.5`, 'a.yaml:6 DhcpRelay/office spec.maxHops: 1.5 is not a whole number'],
  [
    `${UP}\ninterfaces:\n  - match: eth0\n    trusted: yes`,
    'a.yaml:8 DhcpRelay/office spec.interfaces[0].trusted: "yes" is text: write true or false without quotes',
  ],
  [
    `${UP}\ninterfaces: [{ match: eth0, giaddr: auto }]`,
    'a.yaml:6 DhcpRelay/office spec.interfaces[0].giaddr: "auto" is not Auto or an IPv4 address such as 192.0.2.1',
  ],
  [
    `${UP}\ninterfaces: [{ match: eth0 }, { match: eth0 }]`,
    'a.yaml:6 DhcpRelay/office spec.interfaces[1].match: "eth0" is in spec.interfaces[0] already: merge the two',
  ],
  [
    `${UP}\nexcludeInterfaces: [a, a]`,
    'a.yaml:6 DhcpRelay/office spec.excludeInterfaces[1]: "a" is in spec.excludeInterfaces[0] already: merge the two',
  ],
  [
    `${UP}\nrelayInformation: { mode: auto }`,
    'a.yaml:6 DhcpRelay/office spec.relayInformation.mode: "auto" is not known; did you mean "Auto"?',
  ],
  [
    `${UP}\nrelayInformation: { existing: Keep }`,
    'a.yaml:6 DhcpRelay/office spec.relayInformation.existing: "Keep" is not known; write one of Forward, Append, Replace, Discard',
  ],
  [
    `${UP}\nrelayInformation: { circuitId: "" }`,
    'a.yaml:6 DhcpRelay/office spec.relayInformation.circuitId: is empty: write at least 1 character',
  ],
];

for (const [spec, want] of SHAPES) {
  test(`shape: ${want.replace(/^.*?spec/, 'spec')}`, () => {
    assert.deepEqual(lines(relay(spec)), [want]);
  });
}

const LONG = 'x'.repeat(200);

// What is each right by itself and makes no sense. [spec, path and message]
const MEANINGS: readonly (readonly [string, string])[] = [
  [
    'upstreams: [{}]',
    'spec.upstreams[0]: names no server: exactly one of address, hostname, serviceRef and serverRef must be given',
  ],
  [
    'upstreams: [{ address: 192.0.2.1, hostname: a.example }]',
    'spec.upstreams[0]: has address and hostname: exactly one of address, hostname, serviceRef and serverRef must be given',
  ],
  [
    'upstreams: [{ serviceRef: { name: dhcp } }]',
    'spec.upstreams[0].serviceRef: is followed in Kubernetes only: write address or hostname here',
  ],
  [
    'upstreams: [{ serverRef: { name: dhcp } }]',
    'spec.upstreams[0].serverRef: is followed in Kubernetes only: write address or hostname here',
  ],
  [
    'upstreams: [{ address: 192.0.2.1 }, { address: 192.0.2.1 }]',
    'spec.upstreams[1]: 192.0.2.1 is spec.upstreams[0] already: leave one out',
  ],
  [
    'upstreams: [{ hostname: A.example. }, { hostname: a.Example }]',
    'spec.upstreams[1]: a.example is spec.upstreams[0] already: leave one out',
  ],
  ...['255.255.255.255', '224.0.0.1', '0.0.0.0', '240.0.0.1'].map((address, i) => {
    const why = [
      'is the limited broadcast address',
      'is a multicast address',
      'is no address of a host',
      'is a reserved address',
    ][i];
    return [
      `upstreams: [{ address: ${address} }]`,
      `spec.upstreams[0].address: "${address}" ${why}: write the server's own address, such as 192.0.2.1`,
    ] as const;
  }),
  [
    'upstreams: [{ hostname: 192.0.2.1 }]',
    'spec.upstreams[0].hostname: "192.0.2.1" is an address: write address: 192.0.2.1',
  ],
  [
    'upstreams: [{ hostname: "dhcp.example:67" }]',
    'spec.upstreams[0].hostname: "dhcp.example:67" is no DNS name: write one such as dhcp.example.org, without port or scheme',
  ],
  ...(
    [
      ['0.0.0.0', 'is unspecified'],
      ['127.0.0.1', 'is a loopback address'],
      ['224.0.0.9', 'is a multicast address (224.0.0.9)'],
      ['240.0.0.1', 'is a reserved address'],
      ['255.255.255.255', 'is the broadcast address'],
    ] as const
  ).map(
    ([giaddr, why]) =>
      [
        `${UP}\ninterfaces: [{ match: eth0, giaddr: ${giaddr} }]`,
        `spec.interfaces[0].giaddr: "${giaddr}" ${why}: write an address of this node that servers can reach, or Auto`,
      ] as const,
  ),
  [
    `${UP}\ninterfaces: [{ match: eth* }, { match: eth1 }]`,
    'spec.interfaces[1].match: "eth1" never counts, spec.interfaces[0] ("eth*") takes all of it: put the narrower entry first',
  ],
  [
    `${UP}\ninterfaces: [{ match: veth* }]`,
    'spec.interfaces[0].match: "veth*" matches pods\' interfaces ("veth*") only, which globs pass over: write the name in full',
  ],
  [
    `${UP}\ninterfaces: [{ match: eth1 }]\nexcludeInterfaces: [eth*]`,
    'spec.interfaces[0].match: "eth1" is left alone by spec.excludeInterfaces[0] ("eth*"): take it out of one',
  ],
  [
    `${UP}\ninterfaces: [{ match: an-interface-name }]`,
    'spec.interfaces[0].match: "an-interface-name" matches nothing: interface names have at most 15 octets',
  ],
  [
    `${UP}\nexcludeInterfaces: ["eth0/1"]`,
    'spec.excludeInterfaces[0]: "eth0/1" is no interface name: names have no blanks, "/" or ":"',
  ],
  [
    `${UP}\ninterfaces: [{ match: "eth0 eth1" }]`,
    'spec.interfaces[0].match: "eth0 eth1" is no interface name: names have no blanks, "/" or ":"',
  ],
  [
    `${UP}\nrelayInformation: { circuitId: "{interfaces}" }`,
    'spec.relayInformation.circuitId: "{interfaces}" stands for nothing; did you mean "{interface}"?; write "{{" for a brace',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: "rack {7" }`,
    'spec.relayInformation.remoteId: has a "{" without "}": write "{{" for a brace',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: "hex:012" }`,
    'spec.relayInformation.remoteId: "012" is not hex: write octets as hex:0104 or hex:01:04',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: "hex:" }`,
    'spec.relayInformation.remoteId: is empty: write what to send, or leave it out',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: "${'ü'.repeat(127)}" }`,
    'spec.relayInformation.remoteId: is 254 octets long; a sub-option has room for 253: shorten it',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: ${LONG}, circuitId: ${LONG} }`,
    'spec.relayInformation: needs 404 octets at least; option 82 has 255: shorten or leave out some',
  ],
  [
    `${UP}\nrelayInformation: { remoteId: ${LONG} }\ninterfaces: [{ match: a }, { match: b, relayInformation: { circuitId: ${LONG} } }]`,
    'spec.interfaces[1].relayInformation: needs 404 octets at least; option 82 has 255: shorten or leave out some',
  ],
  [
    `${UP}\nrelayInformation: { relayId: "0104" }`,
    'spec.relayInformation.relayId: "0104" is not a DUID: write 3 to 130 octets in hex (RFC 8415 §11), or Auto',
  ],
  [
    `${UP}\nrelayInformation: { virtualSubnet: {} }`,
    'spec.relayInformation.virtualSubnet: exactly one of name and vpnId must be given',
  ],
  [
    `${UP}\nrelayInformation: { virtualSubnet: { vpnId: "0102" } }`,
    'spec.relayInformation.virtualSubnet.vpnId: "0102" does not fit: Type 1, a VPN identifier of seven octets in hex (RFC 2685).',
  ],
  [
    `${UP}\nrelayInformation: { virtualSubnet: { name: "blå" } }`,
    'spec.relayInformation.virtualSubnet.name: "blå" is not ASCII: write printable ASCII, or vpnId',
  ],
  [
    `${UP}\nrelayInformation: { mode: Never, remoteId: a }`,
    'spec.relayInformation.mode: mode: Never says that nothing is added, remoteId that something is: leave one out',
  ],
  [
    `${UP}\nrelayInformation: { mode: Never, existing: Append }`,
    'spec.relayInformation.mode: mode: Never says that nothing is added, existing: Append that something is: leave one out',
  ],
  [
    `${UP}\nsourcePort: 1067\nrelayInformation: { mode: Never }`,
    'spec.sourcePort: needs sub-option 19 (RFC 8357), but spec.interfaces[0] ("*") never adds option 82',
  ],
  [
    `${UP}\nsourcePort: 68`,
    'spec.sourcePort: 68 is the port of clients: write 67, or one that nothing else uses',
  ],
  [
    `${UP}\nupstreamDevice: "vrf *"`,
    'spec.upstreamDevice: "vrf *" is no interface name: write one such as vrf-blue',
  ],
];

for (const [spec, want] of MEANINGS) {
  test(`meaning: ${want}`, () => {
    const { problems } = compileText(relay(spec));
    assert.deepEqual(
      problems.map(({ path, message }) => `${path}: ${message}`),
      [want],
    );
  });
}

for (const [rule, spec] of [
  [
    'a link that says nothing, beside others that do',
    `${UP}\nrelayInformation: { remoteId: a }\ninterfaces: [{ match: a, relayInformation: { mode: Never } }, { match: b }]`,
  ],
  ['a narrower entry before a wider one', `${UP}\ninterfaces: [{ match: eth1 }, { match: eth* }]`],
  ['globs that only overlap', `${UP}\ninterfaces: [{ match: eth* }, { match: "*1" }]`],
  ["a pod's interface spelt out", `${UP}\ninterfaces: [{ match: br-lan }]`],
  [
    'one giaddr for two links',
    `${UP}\ninterfaces: [{ match: a, giaddr: 192.0.2.9 }, { match: b, giaddr: 192.0.2.9 }]`,
  ],
] as const) {
  test(`taken: ${rule}`, () => assert.deepEqual(lines(relay(spec)), []));
}

for (const [text, want] of [
  [relay('upstreams: [{ address: 192.0.2.255 }]'), /DirectedBroadcast/],
  [relay(`${UP}\nreplySources: [0.0.0.0/0]`), /AnySource/],
  [
    relay(
      `${UP}\ninterfaces: [{ match: a, trusted: true, relayInformation: { existing: Discard } }]`,
    ),
    /Contradiction/,
  ],
  [server('subnets: [{ cidr: 192.0.2.0/24 }]'), /NoAddresses/],
] as const) {
  test(`taken with a warning: ${want.source}`, () => {
    const { problems, warnings } = compileText(text);
    assert.deepEqual(problems, []);
    assert.match(warnings.map(({ reason }) => reason).join(), want);
  });
}

test('all problems of all objects are told at once, in the order of the text', () => {
  const text = [
    relay('upstreams: [{ adress: 192.0.2.1 }]\nmaxHops: 0\nsourcePort: 68'),
    server('subnets: [{ cidr: 192.0.2.1/24, options: { router: [x] } }]\nleaseTime: 1 hour'),
  ].join('\n---\n');
  assert.deepEqual(lines(text), [
    'a.yaml:5 DhcpRelay/office spec.upstreams[0].adress: unknown field; did you mean "address"?',
    'a.yaml:6 DhcpRelay/office spec.maxHops: 0 is out of range: write 1 or more',
    'a.yaml:7 DhcpRelay/office spec.sourcePort: 68 is the port of clients: write 67, or one that nothing else uses',
    'a.yaml:13 DhcpServer/lab spec.subnets[0].cidr: "192.0.2.1/24" has bits beyond its length: write 192.0.2.0/24',
    'a.yaml:13 DhcpServer/lab spec.subnets[0].options.router: is not an option: did you mean routers?',
    'a.yaml:14 DhcpServer/lab spec.leaseTime: "1 hour" is not a duration such as 90s, 8h or 1h30m',
  ]);
});

const LAB = server(
  'subnets: [{ cidr: 192.0.2.0/24, reservations: [{ address: 192.0.2.5, hardwareAddress: "02:00:00:00:00:05" }] }]',
);
const NET = 'subnets: [{ pools: [{ cidr: 192.0.2.16/28 }], cidr: 192.0.2.0';
const MAC = 'hardwareAddress: "02:00:00:00:00:0a"';

// [objects, what is said, how many relays and servers are left]
for (const [rule, texts, want, left] of [
  [
    'two objects of one name',
    [relay(UP), relay(`${UP}\ninterfaces: [{ match: b }]`)],
    [
      'a.yaml:9 DhcpRelay/office metadata.name: there is another DhcpRelay/office in a.yaml:1: rename one, or delete it',
    ],
    [1, 0],
  ],
  [
    'two relays on one interface',
    [
      relay(`${UP}\ninterfaces: [{ match: eth0 }]`, 'a'),
      relay(`${UP}\ninterfaces: [{ match: eth* }]`, 'b'),
    ],
    [
      'a.yaml:13 DhcpRelay/b spec.interfaces[0].match: "eth*" is relayed by DhcpRelay/a ("eth0") too: name different interfaces, or merge the two',
    ],
    [1, 0],
  ],
  [
    'two relays, one of which leaves alone what the other takes',
    [
      relay(`${UP}\ninterfaces: [{ match: eth0 }]`, 'a'),
      relay(`${UP}\nexcludeInterfaces: [eth0]`, 'b'),
    ],
    [],
    [2, 0],
  ],
  [
    "a relay for a pod's interface beside one for all others",
    [relay(UP, 'a'), relay(`${UP}\ninterfaces: [{ match: veth0 }]`, 'b')],
    [],
    [2, 0],
  ],
  [
    'two servers that would give the same addresses',
    [server(`${NET}/24 }]`, 'a'), server(`${NET}/26 }]\ninterfaces: [{ match: eth0 }]`, 'b')],
    [
      'a.yaml:11 DhcpServer/b spec.subnets[0].cidr: 192.0.2.0/26 overlaps 192.0.2.0/24 of DhcpServer/a, and both would give its addresses: merge the two, or annotate with dhcp-operator.io/allow-overlap=true if their clients never meet',
    ],
    [0, 1],
  ],
  [
    'two servers of one network on different links',
    [
      server(`${NET}/24 }]\ninterfaces: [{ match: eth* }]\nexcludeInterfaces: [eth9]`, 'a'),
      server(`${NET}/24 }]\ninterfaces: [{ match: eth9 }]`, 'b'),
    ],
    [],
    [0, 2],
  ],
  [
    'two servers of one network that somebody knows to be apart',
    [
      server(`${NET}/24 }]`, 'a'),
      server(`${NET}/24 }]`, 'b').replace(
        '{ name: b }',
        '{ name: b, annotations: { dhcp-operator.io/allow-overlap: "true" } }',
      ),
    ],
    [],
    [0, 2],
  ],
  [
    'a server and a proxy beside it',
    [server(`${NET}/24 }]`, 'a'), server(`${NET}/24 }]\nproxyDhcp: true`, 'b')],
    [],
    [0, 2],
  ],
  [
    'a lease of a server that is called nothing like any',
    [LAB, lease(`serverRef: { name: warehouse }\naddress: 192.0.2.9\n${MAC}`)],
    [
      'a.yaml:11 DhcpLease/lab-1 spec.serverRef.name: there is no DhcpServer warehouse; name one in the same namespace',
    ],
    [0, 1],
  ],
  [
    'a lease of an unknown server',
    [LAB, lease(`serverRef: { name: labs }\naddress: 192.0.2.9\n${MAC}`)],
    [
      'a.yaml:11 DhcpLease/lab-1 spec.serverRef.name: there is no DhcpServer labs; did you mean "lab"?',
    ],
    [0, 1],
  ],
  [
    'a lease of a server that is itself wrong',
    [server('subnets: []'), lease(`serverRef: { name: lab }\naddress: 192.0.2.9\n${MAC}`)],
    ['a.yaml:5 DhcpServer/lab spec.subnets: is empty: write at least 1 entry'],
    [0, 0],
  ],
  [
    'a lease outside its server',
    [LAB, lease(`serverRef: { name: lab }\naddress: 198.51.100.9\n${MAC}`)],
    [
      'a.yaml:12 DhcpLease/lab-1 spec.address: 198.51.100.9 is in no subnet of lab: mend it, or add the subnet there',
    ],
    [0, 1],
  ],
  [
    'an address reserved by two leases',
    [
      LAB,
      lease(`serverRef: { name: lab }\naddress: 192.0.2.9\n${MAC}`),
      lease(`serverRef: { name: lab }\naddress: 192.0.2.9\nclientId: { text: b }`, 'lab-2'),
    ],
    [
      "a.yaml:20 DhcpLease/lab-2 spec.address: 192.0.2.9 is DhcpLease/lab-1's already: delete one of the two",
    ],
    [0, 1],
  ],
  [
    "an address that is no host's",
    [LAB, lease(`serverRef: { name: lab }\naddress: 192.0.2.255\n${MAC}`)],
    [
      "a.yaml:12 DhcpLease/lab-1 spec.address: 192.0.2.255 is the first or last address of 192.0.2.0/24, no host's",
    ],
    [0, 1],
  ],
  [
    'an address reserved by a lease and its server',
    [LAB, lease(`serverRef: { name: lab }\naddress: 192.0.2.5\n${MAC}`)],
    [
      'a.yaml:12 DhcpLease/lab-1 spec.address: 192.0.2.5 is reserved in DhcpServer/lab already: delete one of the two',
    ],
    [0, 1],
  ],
  [
    'a reserved address that is pinned',
    [LAB, lease('serverRef: { name: lab }\naddress: 192.0.2.5\nintent: Bind\npin: true')],
    [],
    [0, 1],
  ],
] as const) {
  test(`together: ${rule}`, () => {
    const { config, problems } = compileText(texts.join('\n---\n'));
    assert.deepEqual(problems.map(formatProblem), want);
    assert.deepEqual([config.relays.length, config.servers.length], left);
  });
}

test('leases reach their server', () => {
  const { config } = compileText(
    [
      LAB,
      lease(`serverRef: { name: lab }\naddress: 192.0.2.9\n${MAC}`),
      lease('serverRef: { name: lab }\naddress: 192.0.2.10\nintent: Quarantine', 'lab-2'),
      lease('serverRef: { name: lab }\naddress: 192.0.2.11\nintent: Bind', 'lab-3'),
    ].join('\n---\n'),
  );
  assert.deepEqual(
    config.servers[0]!.intents.map(({ kind, source }) => `${kind} ${source}`),
    ['Reserve lab-1', 'Quarantine lab-2'],
  );
});

test('an object with problems is left out and named, the others compile', () => {
  const { config, rejected } = compileText(
    [relay('upstreams: [{}]', 'bad'), relay(UP, 'good')].join('\n---\n'),
  );
  assert.deepEqual(
    config.relays.map(({ name }) => name),
    ['good'],
  );
  assert.deepEqual(
    [...rejected].map(({ metadata }) => metadata.name),
    ['bad'],
  );
});

test('in Kubernetes references are resolved, and relays may be on different nodes', () => {
  const spec = {
    upstreams: [{ serviceRef: { name: 'dhcp' } }, { serverRef: { name: 'lab', namespace: 'b' } }],
  };
  const { documents } = readManifests([
    { file: 'a', text: [relay(UP, 'a'), relay(UP, 'b')].join('\n---\n') },
  ]);
  const object = {
    apiVersion: 'x',
    kind: 'DhcpRelay',
    metadata: { name: 'c', namespace: 'a' },
    spec,
  };
  const asked: string[] = [];
  const { config, problems, warnings } = compile([...documents, documentOf(object)], {
    kubernetes: true,
    resolve: (kind, { namespace, name }) => {
      asked.push(`${kind} ${namespace}/${name}`);
      return kind === 'Service' ? [] : 'it is not there yet';
    },
  });
  assert.deepEqual(asked, ['Service a/dhcp', 'DhcpServer b/lab']);
  assert.deepEqual(warnings.map(formatProblem), [
    'DhcpRelay/a/c spec.upstreams[0].serviceRef: Service dhcp has no address yet',
  ]);
  assert.deepEqual(problems.map(formatProblem), [
    'DhcpRelay/a/c spec.upstreams[1].serverRef: DhcpServer lab: it is not there yet',
  ]);
  assert.equal(config.relays.length, 2);
});

test('every example compiles, alone or all together', () => {
  const files = globSync('crds/examples/*.yaml').sort();
  assert.ok(files.length >= 8);
  const texts = files.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  const { documents, problems, warnings } = readManifests(texts);
  const compiled = compile(documents, { kubernetes: false });
  assert.deepEqual([...problems, ...compiled.problems].map(formatProblem), []);
  assert.deepEqual([...warnings, ...compiled.warnings].map(formatProblem), []);
  assert.equal(
    compiled.config.servers.find(({ name }) => name === 'dhcp/campus')?.intents.length,
    3,
  );
});

// The fields of the API that were promised first, as they were promised.
const PROMISED = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpRelay
metadata: { name: floor-2 }
spec:
  interfaces:
    - match: lan0
  upstreams:
    - address: 192.168.7.1
---
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: bench }
spec:
  interfaces:
    - match: lan1
  leaseTime: 1h
  subnets:
    - cidr: 10.4.0.0/14
      pools:
        - start: 10.4.1.0
          end: 10.7.255.254
      options:
        routers: [10.4.0.1]
        domainNameServers: [10.4.0.1]
---
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: site, namespace: net }
spec:
  authoritative: true
  leaseTime: 8h
  conflictDetection: { mode: Auto, timeout: 300ms }
  options:
    domainName: site.example.net
    domainNameServers: [192.0.2.54]
    ntpServers: [192.0.2.124]
  classes:
    - name: handsets
      match: 'packet.vendorClass.startsWith("Handset")'
      options:
        tftpServerName: tftp.site.example.net
  subnets:
    - cidr: 198.51.100.0/24
      sharedNetwork: tower
      pools:
        - start: 198.51.100.50
          end: 198.51.100.199
        - cidr: 198.51.100.208/28
          classes: [handsets]
      options:
        routers: [198.51.100.1]
        custom:
          - code: 43
            hex: "010400000001"
      reservations:
        - address: 198.51.100.10
          hardwareAddress: "02:00:00:00:00:1a"
          hostname: plotter
        - address: 198.51.100.11
          clientId: { text: gate-7 }
      boot:
        - architectures: [x86-uefi]
          nextServer: 192.0.2.70
          file: boot.efi
---
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpLease
metadata: { name: site-198.51.100.12, namespace: net }
spec:
  serverRef: { name: site }
  address: 198.51.100.12
  hardwareAddress: "02:00:00:00:00:1c"
  hostname: gate
  intent: Reserve
---
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpNetwork
metadata: { name: hall, namespace: net }
spec:
  macvlan: { master: eth1, mode: bridge }
`;

test('the promised fields mean something', () => {
  const { documents, problems, warnings } = readManifests([{ file: 'a.yaml', text: PROMISED }]);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings.map(formatProblem), [
    'a.yaml:77 DhcpNetwork/hall: ignored: attaching pods is not what this agent does',
  ]);
  const { config, ...found } = compile(documents, { kubernetes: false });
  assert.deepEqual([...found.problems, ...found.warnings], []);
  assert.deepEqual(
    config.relays.map(({ name }) => name),
    ['floor-2'],
  );
  assert.deepEqual(
    config.servers.map(({ name }) => name),
    ['bench', 'net/site'],
  );
  assert.deepEqual(
    config.servers[1]!.intents.map(({ kind }) => kind),
    ['Reserve'],
  );
});

test('what users write never throws, and is refused or compiled', () => {
  const names = [
    'upstreams',
    'address',
    'interfaces',
    'match',
    'relayInformation',
    'circuitId',
    'subnets',
    'cidr',
    'pools',
    'start',
    'end',
    'options',
    'routers',
    'custom',
    'code',
    'serverRef',
    'name',
    'intent',
    '__proto__',
    'constructor',
  ];
  const texts = [
    '192.0.2.1',
    '192.0.2.0/24',
    '{interface}',
    '{',
    'hex:01',
    'Reserve',
    'eth*',
    '',
    'lab',
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(...texts),
      fc.jsonValue(),
      fc.integer(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...KINDS.map(({ kind }) => kind)), value, (kind, spec) => {
      const document = documentOf({ apiVersion: 'x', kind, metadata: { name: 'a' }, spec });
      const { config, problems, rejected } = compile([document], { kubernetes: false });
      assert.equal(problems.length > 0, rejected.has(document));
      for (const problem of problems) assert.doesNotMatch(formatProblem(problem), /\n/);
      if (problems.length > 0) assert.deepEqual([config.relays, config.servers], [[], []]);
    }),
    { numRuns: 2000 },
  );
});
