import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hex, unhex } from '../hardware.ts';
import { isFault, type JsonSchema } from './kind.ts';
import {
  OPTION,
  OPTIONS,
  type OptionName,
  optionByCode,
  optionByName,
  optionFromYaml,
  optionSchemas,
  printOption,
} from './options.ts';

const GUID = '4c4c4544-0051-3510-8042-b5c04f4d3232';

/** What the RFC says, the option, its data in hex, as people read it, and as it is written in YAML. */
const BOTH_WAYS: readonly (readonly [string, OptionName, string, string, unknown])[] = [
  ['an address', 'subnetMask', 'ffffff00', '255.255.255.0', '255.255.255.0'],
  [
    'RFC 2132 §3.5: routers in order of preference',
    'routers',
    'c0000201c0000202',
    '192.0.2.1,192.0.2.2',
    ['192.0.2.1', '192.0.2.2'],
  ],
  ['RFC 2132 §3.4: a signed offset', 'timeOffset', 'fffff1f0', '-3600', -3600],
  ['RFC 2132 §3.15: 512-octet blocks', 'bootFileSize', '0200', '512', 512],
  ['RFC 2132 §4.1: a boolean', 'ipForwarding', '01', 'true', true],
  [
    'RFC 2132 §4.3: pairs of address and mask',
    'policyFilter',
    'c0000200ffffff00',
    '192.0.2.0/255.255.255.0',
    [{ address: '192.0.2.0', mask: '255.255.255.0' }],
  ],
  ['RFC 2132 §4.7: a list of u16', 'pathMtuPlateaus', '004405dc', '68,1500', [68, 1500]],
  [
    'RFC 2132 §5.8: destination and router',
    'staticRoutes',
    'c0000209c0000201',
    '192.0.2.9 via 192.0.2.1',
    [{ destination: '192.0.2.9', router: '192.0.2.1' }],
  ],
  ['RFC 2132 §8.7: a node type by name', 'netbiosNodeType', '08', 'h-node', 'h-node'],
  [
    'RFC 2132 §8.4: vendor options',
    'vendorSpecific',
    '010400000001020161',
    '1:0x00000001 2:"a"',
    [
      { code: 1, data: '0x00000001' },
      { code: 2, data: 'a' },
    ],
  ],
  [
    'RFC 2132 §9.8: requested options by name',
    'parameterRequestList',
    '0103060f',
    'subnetMask,routers,domainNameServers,domainName',
    ['subnetMask', 'routers', 'domainNameServers', 'domainName'],
  ],
  ['RFC 2132 §9.11: a time span', 'renewalTime', '00003840', '4h', '4h'],
  ['RFC 2131 §3.3: for ever', 'rebindingTime', 'ffffffff', 'infinite', 'infinite'],
  [
    'RFC 2132 §9.14: type 1 and an Ethernet address',
    'clientIdentifier',
    '0102000000000a',
    '02:00:00:00:00:0a',
    '01:02:00:00:00:00:0a',
  ],
  [
    'RFC 4361 §6.1: IAID and DUID-LL',
    'clientIdentifier',
    'ff123456780003000102000000000a',
    'iaid 0x12345678 duid-ll 02:00:00:00:00:0a',
    '0xff123456780003000102000000000a',
  ],
  [
    'RFC 4361 §6.1: IAID and DUID-LLT',
    'clientIdentifier',
    'ff00000001000100012b7c0b4f02000000000a',
    'iaid 0x00000001 duid-llt 02:00:00:00:00:0a',
    '0xff00000001000100012b7c0b4f02000000000a',
  ],
  [
    'RFC 4361 §6.1: IAID and DUID-EN',
    'clientIdentifier',
    'ff00000001 0002 0000ab11 aabb',
    'iaid 0x00000001 duid-en 43793:aabb',
    '0xff0000000100020000ab11aabb',
  ],
  [
    'RFC 6355: IAID and DUID-UUID',
    'clientIdentifier',
    `ff000000010004${GUID.replaceAll('-', '')}`,
    `iaid 0x00000001 duid-uuid ${GUID}`,
    `0xff000000010004${GUID.replaceAll('-', '')}`,
  ],
  [
    'an identifier that is text',
    'clientIdentifier',
    hex(Buffer.from('scanner-7')),
    '"scanner-7"',
    'scanner-7',
  ],
  [
    'RFC 3004: user classes with their lengths',
    'userClass',
    '0469505845026161',
    '"iPXE","aa"',
    ['iPXE', 'aa'],
  ],
  [
    'RFC 2610 §3: directory agents',
    'slpDirectoryAgents',
    '01c0000201',
    'mandatory=true agents=192.0.2.1',
    { mandatory: true, agents: ['192.0.2.1'] },
  ],
  [
    'RFC 4702 §2: a name in wire format',
    'clientFqdn',
    '05ffff 0161 026578 00',
    '"a.ex." S',
    { name: 'a.ex.' },
  ],
  [
    'RFC 4174 §2: iSNS',
    'isns',
    '0001000000000000000ac0000201',
    'functions=1 discoveryDomainAccess=0 administrativeFlags=0 security=10 servers=192.0.2.1',
    {
      functions: 1,
      discoveryDomainAccess: 0,
      administrativeFlags: 0,
      security: 10,
      servers: ['192.0.2.1'],
    },
  ],
  [
    'RFC 3118 §2: authentication',
    'authentication',
    '0101000000000000000009aabb',
    'protocol=1 algorithm=1 replayDetectionMethod=0 replayDetection=0x0000000000000009 information=0xaabb',
    {
      protocol: 1,
      algorithm: 1,
      replayDetectionMethod: 0,
      replayDetection: '0000000000000009',
      information: 'aabb',
    },
  ],
  [
    'RFC 4578 §2.1: architectures',
    'clientSystemArchitecture',
    '000700100063',
    'x64-uefi,x64-uefi-http,99',
    ['x64-uefi', 'x64-uefi-http', 99],
  ],
  [
    'RFC 4578 §2.2: UNDI 3.16',
    'clientNetworkInterface',
    '010310',
    'undi 3.16',
    { type: 'undi', major: 3, minor: 16 },
  ],
  [
    'RFC 4578 §2.3: a GUID as SMBIOS has it',
    'clientMachineIdentifier',
    '0044454c4c510010358042b5c04f4d3232',
    GUID,
    GUID,
  ],
  [
    'RFC 4776 §3.1: a civic address',
    'civicLocation',
    '02444503064265726c696e',
    'DE 3:"Berlin"',
    { what: 2, country: 'DE', elements: [{ type: 3, value: 'Berlin' }] },
  ],
  ['RFC 8925: V6ONLY_WAIT', 'ipv6OnlyPreferred', '00000708', '30m', 1800],
  [
    'RFC 8539: an IPv6 address',
    'dhcp4o6SourceAddress',
    '20010db8000000000000000000000001',
    '2001:db8::1',
    '2001:db8::1',
  ],
  [
    'RFC 8910: a URI',
    'captivePortal',
    hex(Buffer.from('https://a/api')),
    '"https://a/api"',
    'https://a/api',
  ],
  ['RFC 2563: do not auto-configure', 'autoConfigure', '00', 'false', false],
  [
    'RFC 3397 §2: the example of the RFC',
    'domainSearch',
    '03656e67 056170706c65 03636f6d 00 096d61726b6574696e67 c004',
    'eng.apple.com,marketing.apple.com',
    ['eng.apple.com', 'marketing.apple.com'],
  ],
  ['RFC 3361 §3.1: SIP servers by name', 'sipServers', '0003736970016100', 'sip.a', ['sip.a']],
  ['RFC 3361 §3.2: SIP servers by address', 'sipServers', '01c0000201', '192.0.2.1', ['192.0.2.1']],
  [
    'RFC 3442: the table of the RFC',
    'classlessStaticRoutes',
    '00c0000201 080ac0000201 180a0000c0000201 100a11c0000201 180a1b81c0000201 190a810080c0000201',
    '0.0.0.0/0 via 192.0.2.1, 10.0.0.0/8 via 192.0.2.1, 10.0.0.0/24 via 192.0.2.1, 10.17.0.0/16 via 192.0.2.1, 10.27.129.0/24 via 192.0.2.1, 10.129.0.128/25 via 192.0.2.1',
    [
      { destination: '0.0.0.0/0', router: '192.0.2.1' },
      { destination: '10.0.0.0/8', router: '192.0.2.1' },
      { destination: '10.0.0.0/24', router: '192.0.2.1' },
      { destination: '10.17.0.0/16', router: '192.0.2.1' },
      { destination: '10.27.129.0/24', router: '192.0.2.1' },
      { destination: '10.129.0.128/25', router: '192.0.2.1' },
    ],
  ],
  [
    "Microsoft's 249 is the same",
    'microsoftClasslessStaticRoutes',
    '200a000005c0000201',
    '10.0.0.5/32 via 192.0.2.1',
    [{ destination: '10.0.0.5/32', router: '192.0.2.1' }],
  ],
  [
    'RFC 6225: half a degree is exact',
    'geoLoc',
    '0069000000 001ac00000 1000002200 41',
    '52.500000,13.375000 altitude 34m',
    { latitude: 52.5, longitude: 13.375, altitudeType: 1, altitude: 34 },
  ],
  [
    'RFC 3925 §3: vendor classes',
    'vendorIdentifyingClass',
    '00000009 06 05636973636f',
    'enterprise 9{"cisco"}',
    [{ enterprise: 9, classes: ['cisco'] }],
  ],
  [
    'RFC 3925 §4: vendor options',
    'vendorIdentifyingOptions',
    '00000de90401020001',
    'enterprise 3561{1:0x0001}',
    [{ enterprise: 3561, options: [{ code: 1, data: '0x0001' }] }],
  ],
  ['RFC 5223: one domain name', 'lostServer', '046c6f7374 0161 00', 'lost.a', 'lost.a'],
  [
    'RFC 6011: domain names, not compressed',
    'sipUserAgentDomains',
    '0161 00 0162 0161 00',
    'a,b.a',
    ['a', 'b.a'],
  ],
  [
    'RFC 8572 §8.1: URIs with their lengths',
    'bootstrapServers',
    `000b${hex(Buffer.from('https://a/b'))}`,
    '"https://a/b"',
    ['https://a/b'],
  ],
  ['RFC 6704: algorithms', 'forceRenewNonce', '01', '1', [1]],
  [
    'RFC 6731 §4.3: DNS servers for some domains',
    'rdnssSelection',
    '01 c0000235 c0000236 0161 00',
    'preference=1 primary=192.0.2.53 secondary=192.0.2.54 domains=a',
    { preference: 1, primary: '192.0.2.53', secondary: '192.0.2.54', domains: ['a'] },
  ],
  ['RFC 8973: a DOTS server by name', 'dotsServerName', '04646f7473 0161 00', 'dots.a', 'dots.a'],
  [
    'RFC 6926 §6.2.2: a status with a message',
    'statusCode',
    '016e6f',
    'status=unspecFail message="no"',
    { status: 'unspecFail', message: 'no' },
  ],
  [
    'RFC 7291 §4: two PCP servers, one with two addresses',
    'pcpServers',
    '08c0000201c000020204c0000203',
    '192.0.2.1,192.0.2.2,192.0.2.3',
    [['192.0.2.1', '192.0.2.2'], ['192.0.2.3']],
  ],
  [
    'RFC 7618 §9: a share of the ports',
    'portParameters',
    '06080034',
    'offset=6 psidLength=8 psid=52',
    { offset: 6, psidLength: 8, psid: 52 },
  ],
  [
    'RFC 9463 §5.1: a resolver with its parameters',
    'encryptedResolvers',
    '001b 0001 050164016100 04c0000235 0001 0004 03646f74 0003 0002 0355',
    '1 d.a 192.0.2.53 alpn="dot" port=853',
    [{ priority: 1, name: 'd.a', addresses: ['192.0.2.53'], alpn: ['dot'], port: 853 }],
  ],
  [
    'RFC 9463 §3.1.6: a resolver by name only',
    'encryptedResolvers',
    '0008 0002 050164016100',
    '2 d.a',
    [{ priority: 2, name: 'd.a' }],
  ],
  ['RFC 5071 §6: a time span', 'pxelinuxRebootTime', '0000003c', '1m', 60],
  [
    'RFC 5969 §7.1.1: 6rd',
    'sixRd',
    '082020010db8000000000000000000000000c0000201',
    'ipv4MaskLength=8 prefixLength=32 prefix=2001:db8:: borderRelays=192.0.2.1',
    { ipv4MaskLength: 8, prefixLength: 32, prefix: '2001:db8::', borderRelays: ['192.0.2.1'] },
  ],
  [
    'RFC 6607 §3.1: a virtual subnet by name',
    'virtualSubnetSelection',
    '00726564',
    'type=name information="red"',
    { type: 'name', information: 'red' },
  ],
  [
    'a site-specific option is text or octets',
    'webProxyAutoDiscovery',
    hex(Buffer.from('http://wpad/wpad.dat')),
    '"http://wpad/wpad.dat"',
    'http://wpad/wpad.dat',
  ],
];

describe('both ways', () => {
  for (const [rule, name, octets, printed, yaml] of BOTH_WAYS) {
    test(`${name}: ${rule}`, () => {
      const data = unhex(octets.replaceAll(' ', ''));
      assert.ok(data !== null, `not hex: ${octets}`);
      assert.equal(printOption(OPTION[name], data), printed);
      if (yaml === null) return;
      const result = optionFromYaml(name, yaml);
      assert.ok(!isFault(result), JSON.stringify(result));
      assert.equal(result.value.code, OPTION[name]);
      assert.equal(hex(result.value.data), hex(data));
    });
  }
});

/** What the RFC says, the option, and data that is not such a value. */
const MALFORMED: readonly (readonly [string, OptionName, string])[] = [
  ['an address has four octets', 'subnetMask', 'ffffff'],
  ['a list of addresses has at least one', 'routers', ''],
  ['a list of addresses has no half of one', 'routers', 'c0000201c000'],
  ['a boolean is 0 or 1', 'ipForwarding', '02'],
  ['a text has at least one character', 'hostName', '0000'],
  ['a text is UTF-8', 'hostName', 'ff'],
  ['RFC 2132 §9.14: an identifier has at least two octets', 'clientIdentifier', '01'],
  ['RFC 3397: a pointer to itself', 'domainSearch', 'c000'],
  ['RFC 3397: a pointer forward', 'domainSearch', 'c002016100'],
  ['RFC 3397: a pointer into the name it is in', 'domainSearch', '0161c000'],
  ['RFC 3397: half a pointer', 'domainSearch', '016100c0'],
  ['RFC 3397: no root', 'domainSearch', '0161'],
  ['RFC 1035 §4.1.4: label types 01 and 10 are reserved', 'domainSearch', '416100'],
  [
    'RFC 1035 §2.3.4: a name has 255 octets',
    'domainSearch',
    `${`3f${'61'.repeat(63)}`.repeat(4)}00`,
  ],
  ['RFC 3442: a width above 32', 'classlessStaticRoutes', '210a000001c0000201'],
  ['RFC 3442: a width of 255 reads nothing beyond the end', 'classlessStaticRoutes', 'ff'],
  ['RFC 3442: no router', 'classlessStaticRoutes', '180a0000'],
  [
    'RFC 3442: one good route does not excuse the next',
    'classlessStaticRoutes',
    '080ac0000201 180a',
  ],
  ['RFC 3361: an encoding nobody knows', 'sipServers', '02c0000201'],
  ['RFC 4702: no flags and RCODEs', 'clientFqdn', '0000'],
  ['RFC 4702: a wire name with a label cut off', 'clientFqdn', '04ffff0561'],
  ['RFC 4702: a wire name with something behind it', 'clientFqdn', '04ffff01610062'],
  ['RFC 4578: a GUID of another type', 'clientMachineIdentifier', `01${'00'.repeat(16)}`],
  ['RFC 4578: half an architecture', 'clientSystemArchitecture', '000700'],
  ['RFC 3925: a length beyond the end', 'vendorIdentifyingOptions', '00000de90901020001'],
  ['RFC 3925: an enterprise cut off', 'vendorIdentifyingClass', '0000'],
  ['RFC 9463: a name beyond the end', 'encryptedResolvers', '000400010901'],
  ['RFC 9463: addresses beyond the end', 'encryptedResolvers', '000a 0001 050164016100 04 c0'],
  [
    'RFC 9463: the second address beyond the end',
    'encryptedResolvers',
    '000d 0001 050164016100 08 c0000235',
  ],
  [
    'RFC 9460 §2.2: keys out of order',
    'encryptedResolvers',
    '0015 0001 050164016100 04c0000235 00030000 00010000',
  ],
  ['RFC 4776: a country of control characters', 'civicLocation', '02020a01023535'],
  ['RFC 4776: an element cut off', 'civicLocation', '02444503064265'],
  ['RFC 7291: a list cut off', 'pcpServers', '08c0000201'],
  ['RFC 8572: a length cut off', 'bootstrapServers', '00'],
  ['RFC 4039: rapid commit has no data', 'rapidCommit', '01'],
];

describe('malformed data is shown in hex', () => {
  for (const [rule, name, octets] of MALFORMED) {
    test(`${name}: ${rule}`, () => {
      const data = unhex(octets.replaceAll(' ', ''))!;
      assert.equal(printOption(OPTION[name], data), `malformed 0x${hex(data)}`);
    });
  }
});

/** What clients really send beside the rules, as people read it. */
const FORGIVEN: readonly (readonly [string, OptionName, string, string])[] = [
  ['RFC 2132 §2: NULs at the end of a text', 'hostName', '6162630000', '"abc"'],
  [
    'text that would end the line or turn it around',
    'hostName',
    '610a1b5be280ae22',
    '"a\\u{a}\\u{1b}[\\u{202e}\\""',
  ],
  ["iPXE's bare user class", 'userClass', hex(Buffer.from('iPXE')), '"iPXE"'],
  ['RFC 3004: a class of no octets is not one', 'userClass', '00', '0x00'],
  ['RFC 4702 §2.3.1: a partial name has no root', 'clientFqdn', '04ffff 0161', '"a"'],
  ['RFC 4702 §2.3.1: an empty name', 'clientFqdn', '04ffff', '""'],
  ['RFC 4702 §2.3.2: the deprecated ASCII encoding', 'clientFqdn', '000000 612e62', '"a.b"'],
  ['vendor options with END and pad', 'vendorSpecific', '060108ff00', '6:0x08'],
  ['vendor octets that are no options', 'vendorSpecific', '0105', '0x0105'],
  [
    'RFC 4361: an IAID without a DUID is just octets',
    'clientIdentifier',
    'ff000000010002',
    '0xff000000010002',
  ],
  ['an identifier of type 0', 'clientIdentifier', '00616263', '0x00616263'],
  [
    'a name with dots, spaces and backslashes in a label',
    'lostServer',
    '05612e20625c00',
    'a\\.\\032b\\\\',
  ],
  [
    'bits beyond the width of a route',
    'classlessStaticRoutes',
    '090affc0000201',
    '10.128.0.0/9 via 192.0.2.1',
  ],
];

describe('forgiven', () => {
  for (const [rule, name, octets, printed] of FORGIVEN) {
    test(`${name}: ${rule}`, () =>
      assert.equal(printOption(OPTION[name], unhex(octets.replaceAll(' ', ''))!), printed));
  }
});

/** YAML that is refused, where in the value, and the remedy. */
const REFUSED: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['router', ['192.0.2.1'], '', /did you mean routers/],
  ['dns', ['192.0.2.1'], '', /see the option reference/],
  ['routers', '192.0.2.1', '', /a list of at least one item such as \["192.0.2.1"\]/],
  ['routers', [], '', /at least one/],
  ['routers', ['192.0.2.1', '192.0.2.300'], '[1]', /"192.0.2.300" is not an IPv4 address/],
  ['routers', [3221225985], '[0]', /an IPv4 address such as/],
  ['interfaceMtu', 70000, '', /from 0 to 65535/],
  ['interfaceMtu', '1500', '', /whole number/],
  ['interfaceMtu', 1.5, '', /whole number/],
  ['ipForwarding', 'yes', '', /true or false/],
  ['rapidCommit', false, '', /leave the option out/],
  ['hostName', 7, '', /quote what YAML takes for a number/],
  ['hostName', 'a\0b', '', /text/],
  ['renewalTime', '4 hours', '', /8h or 1h30m/],
  ['renewalTime', -1, '', /seconds/],
  ['renewalTime', '99999999999d', '', /seconds/],
  ['netbiosNodeType', 'x-node', '', /b-node, p-node, m-node, h-node/],
  ['domainSearch', ['example..org'], '[0]', /a domain name such as example.org/],
  ['domainSearch', ['bücher.example'], '[0]', /xn--/],
  ['domainSearch', [`${'a'.repeat(64)}.org`], '[0]', /domain name/],
  [
    'classlessStaticRoutes',
    [{ destination: '10.0.0.1/8', router: '192.0.2.1' }],
    '[0].destination',
    /write 10.0.0.0\/8/,
  ],
  [
    'classlessStaticRoutes',
    [{ destination: '10.0.0.0/33', router: '192.0.2.1' }],
    '[0].destination',
    /0.0.0.0\/0 for the default/,
  ],
  [
    'classlessStaticRoutes',
    [{ destination: '10.0.0.0/8' }],
    '[0].router',
    /is missing: add router/,
  ],
  [
    'classlessStaticRoutes',
    [{ destination: '10.0.0.0/8', gateway: 'x' }],
    '[0]',
    /"gateway" is not one of destination, router/,
  ],
  ['classlessStaticRoutes', ['10.0.0.0/8'], '[0]', /a mapping with destination, router/],
  ['vendorSpecific', '0104', '', /a list of at least one item/],
  ['vendorSpecific', [{ code: 300, data: 'a' }], '[0].code', /from 0 to 255/],
  ['vendorSpecific', [{ code: 1, data: '0x1' }], '[0].data', /digits come in pairs/],
  ['vendorSpecific', [{ code: 1, data: 'a'.repeat(256) }], '[0].data', /longer than 255/],
  [
    'vendorIdentifyingOptions',
    [{ enterprise: 1, options: [{ code: 1, data: 'a'.repeat(254) }] }],
    '[0].options',
    /longer than 255/,
  ],
  ['clientIdentifier', 'a', '', /at least two octets/],
  ['userClass', [''], '[0]', /leave it out/],
  ['userClass', ['a'.repeat(256)], '[0]', /longer than 255/],
  ['clientFqdn', { name: 'a..b' }, '.name', /host name/],
  ['clientFqdn', { name: 'a', server: 1 }, '.server', /true or false/],
  ['clientMachineIdentifier', '4c4c4544', '', /UUID/],
  ['clientSystemArchitecture', ['amd64'], '[0]', /x64-uefi/],
  ['parameterRequestList', ['routers', 'gateway'], '[1]', /is not an option/],
  ['encryptedResolvers', [{ name: 'd.a', alpn: ['dot'] }], '[0].addresses', /need addresses/],
  ['geoLoc', { latitude: 91, longitude: 0 }, '.latitude', /from -90 to 90/],
  ['civicLocation', { what: 2, country: 'de', elements: [] }, '.country', /two capital letters/],
  ['dhcp4o6SourceAddress', '192.0.2.1', '', /an IPv6 address/],
  [
    'authentication',
    { protocol: 1, algorithm: 1, replayDetectionMethod: 0, replayDetection: '00', information: '' },
    '.replayDetection',
    /8 octets in hex/,
  ],
];

describe('YAML is refused with the remedy', () => {
  for (const [name, yaml, path, remedy] of REFUSED) {
    test(`${name}: ${JSON.stringify(yaml)?.slice(0, 60)}`, () => {
      const result = optionFromYaml(name, yaml);
      assert.ok(isFault(result), JSON.stringify(result));
      assert.equal(result.path, path);
      assert.match(result.message, remedy);
      assert.doesNotMatch(result.message, /\n/);
    });
  }
});

describe('the table', () => {
  test('each code and each name once, in order, and no gap in what IANA has registered', () => {
    const codes = OPTIONS.map(({ code }) => code);
    assert.deepEqual(
      codes,
      [...new Set(codes)].sort((a, b) => a - b),
    );
    assert.equal(new Set(OPTIONS.map(({ name }) => name)).size, OPTIONS.length);
    // Unassigned or removed (RFC 3679), as the registry says.
    const missing = [84, 96, 102, 103, 104, 105, 106, 107, 110, 111, 115, 126, 127, 149, 160];
    const unassigned = [
      ...missing,
      ...range(163, 174),
      ...range(178, 207),
      ...range(214, 219),
      222,
      223,
    ];
    assert.deepEqual(
      range(0, 255).filter((code) => !codes.includes(code)),
      unassigned,
    );
  });

  test('a code is found by its name and a name by its code', () => {
    for (const option of OPTIONS) {
      assert.equal(optionByCode(option.code), option);
      assert.equal(optionByName(option.name), option);
      assert.match(option.name, /^[a-z][A-Za-z0-9]*$/);
    }
    assert.equal(optionByName('constructor'), null);
    assert.equal(optionByCode(96).name, 'option96');
    assert.equal(printOption(96, Uint8Array.of(1)), '0x01');
  });

  test('what the protocol decides cannot be set, and everything else has a schema of its kind', () => {
    const schemas = optionSchemas();
    assert.equal(schemas.routers?.items?.format, 'ipv4');
    assert.match(schemas.routers?.description ?? '', /^Routers \(option 3, RFC 2132 §3.5\)\./);
    for (const name of ['messageType', 'serverIdentifier', 'relayInformation', 'leaseTime', 'end'])
      assert.equal(schemas[name], undefined);
    assert.equal(Object.keys(schemas).length, OPTIONS.filter((option) => option.settable).length);
  });

  test("the example of each kind is accepted, and is what the kind's schema describes", () => {
    for (const { name, kind } of OPTIONS) {
      const result = optionFromYaml(name, kind.example);
      assert.ok(!isFault(result), `${name}: ${JSON.stringify(result)}`);
      assert.deepEqual(violations(kind.schema, kind.example), [], name);
      assert.notEqual(kind.decode(result.value.data), null, name);
    }
  });
});

describe('for every option', () => {
  test('decode is total, encode undoes it, and what is printed is one line', () => {
    fc.assert(
      fc.property(
        fc.nat(255),
        fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 400 })),
        (code, data) => {
          const { kind } = optionByCode(code);
          const value = kind.decode(data);
          assert.doesNotMatch(printOption(code, data), /[\p{Cc}\u2028\u2029]/u);
          if (value !== null) assert.deepEqual(kind.decode(kind.encode(value)), value);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('the same for data that is nearly right', () => {
    const good = BOTH_WAYS.map(
      ([, name, octets]) => [OPTION[name], unhex(octets.replaceAll(' ', ''))!] as const,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 }),
        fc.nat(60),
        ([code, octets], edits, cut) => {
          const data = octets.slice(0, Math.max(1, octets.length - (cut % 3)));
          for (const [at, octet] of edits) data[at % data.length] = octet;
          const { kind } = optionByCode(code);
          const value = kind.decode(data);
          if (value !== null) assert.deepEqual(kind.decode(kind.encode(value)), value);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('no YAML makes fromYaml throw, and what it accepts can be encoded and read back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...OPTIONS),
        fc.jsonValue({ maxDepth: 3 }),
        ({ name, kind }, yaml) => {
          const result = optionFromYaml(name, yaml);
          if (!isFault(result)) assert.notEqual(kind.decode(result.value.data), null);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('domain names', () => {
  test('survive, compressed and not', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 12 });
    const name = fc.array(label, { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (names) => {
        const data = Uint8Array.from(
          names.flatMap((labels) => [...labels.flatMap((one) => [one.length, ...one]), 0]),
        );
        const { kind } = optionByCode(OPTION.domainSearch);
        const value = kind.decode(data);
        assert.notEqual(value, null);
        const compressed = kind.encode(value);
        assert.ok(compressed.length <= data.length);
        assert.deepEqual(kind.decode(compressed), value);
        assert.ok(!isFault(kind.fromYaml(value)));
      }),
    );
  });

  test('a chain of pointers as long as a message is refused, not followed', () => {
    const data = new Uint8Array(65000);
    data.set([1, 97, 0]);
    for (let at = 3; at + 1 < data.length; at += 2) {
      const target = at === 3 ? 0 : Math.min(at - 2, 0x3fff);
      data.set([0xc0 | (target >>> 8), target & 255], at);
    }
    assert.match(printOption(OPTION.domainSearch, data), /^malformed/);
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** As much of JSON Schema as our schemas use. */
function violations(schema: JsonSchema, value: unknown): string[] {
  if (schema['x-kubernetes-int-or-string'])
    return Number.isInteger(value) || typeof value === 'string' ? [] : ['int or string'];
  if (schema.type === 'object')
    return objectViolations(schema, value as { readonly [name: string]: unknown });
  if (schema.type === 'array')
    return (value as unknown[]).flatMap((item) => violations(schema.items!, item));
  if (schema.type === 'string')
    return new RegExp(schema.pattern ?? '').test(value as string) ? [] : ['string'];
  if (schema.type === 'boolean') return typeof value === 'boolean' ? [] : ['boolean'];
  const number = value as number;
  return number >= schema.minimum! && number <= schema.maximum! ? [] : ['number'];
}

function objectViolations(
  schema: JsonSchema,
  value: { readonly [name: string]: unknown },
): string[] {
  const missing = schema.required!.filter((name) => !(name in value));
  const wrong = Object.entries(value).flatMap(([name, inner]) =>
    schema.properties?.[name] ? violations(schema.properties[name], inner) : [name],
  );
  return [...missing, ...wrong];
}
