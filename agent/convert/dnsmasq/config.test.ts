import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConvertError } from '../fault.ts';
import { formatFinding } from '../report.ts';
import { converted, filesOf, problemsOf, testFile } from '../testfiles.ts';

/** Nothing of this range is left to dnsmasq's defaults. */
const RANGE =
  'port=0\nlisten-address=192.0.2.1\ndhcp-range=set:lan,192.0.2.10,192.0.2.20,255.255.255.0,1h\n';

function specOf(text: string, files = {}) {
  return converted(text, { from: 'dnsmasq', interfaces: [], files: filesOf(files) }).server.spec;
}

function findingsOf(text: string): string[] {
  return converted(text, { from: 'dnsmasq', interfaces: [] }).findings.map(formatFinding);
}

for (const [rule, line, cel] of [
  ['vendor class', 'dhcp-vendorclass=set:t,Phone', 'packet.vendorClass.contains("Phone")'],
  ['user class', 'dhcp-userclass=set:t,iPXE', '"iPXE" in packet.userClasses'],
  [
    'the maker of the card',
    'dhcp-mac=set:t,02:00:5e:*:*:*',
    'packet.hardwareAddress.startsWith("02:00:5e")',
  ],
  [
    'a pattern of the card',
    'dhcp-mac=set:t,*:*:*:*:*:01',
    'packet.hardwareAddress.matches("^..:..:..:..:..:01$")',
  ],
  ['an option that was sent', 'dhcp-match=set:t,175', 'packet.sent(175)'],
  [
    'a number in an option',
    'dhcp-match=set:t,option:mtu,1400',
    'packet.option(26).startsWith("0578")',
  ],
  ['octets of an option', 'dhcp-match=set:t,60,50:58:45', 'packet.vendorClass.startsWith("PXE")'],
  [
    'an architecture',
    'dhcp-match=set:t,option:client-arch,7',
    'packet.option(93).startsWith("0007")',
  ],
  ['a circuit', 'dhcp-circuitid=set:t,eth0', 'packet.circuitId == "eth0"'],
  ['a remote end in octets', 'dhcp-remoteid=set:t,0a:0b', 'packet.remoteId == "0a:0b"'],
  ['a subscriber', 'dhcp-subscrid=set:t,me', 'packet.subscriberId == "me"'],
  ['a name', 'dhcp-name-match=set:t,foo', 'packet.hostname == "foo"'],
  ['the front of a name', 'dhcp-name-match=set:t,foo*', 'packet.hostname.startsWith("foo")'],
  ['a host', 'dhcp-host=02:00:00:00:00:01,set:t', 'packet.hardwareAddress == "02:00:00:00:00:01"'],
  ['other tags', 'dhcp-match=set:a,175\ntag-if=set:t,tag:!a', '!packet.sent(175)'],
  ['the interface', 'interface=t', 'packet.interface == "t"'],
] as const) {
  test(`dnsmasq: a tag by ${rule}`, () => {
    const text = `${RANGE}${line}\ndhcp-option=tag:t,option:mtu,1400`;
    assert.deepEqual(findingsOf(text), []);
    const [own] = specOf(text).classes ?? [];
    assert.deepEqual(own?.options, { interfaceMtu: 1400 });
    assert.equal(own?.match, cel);
  });
}

for (const [rule, option, want] of [
  [
    'addresses',
    'option:ntp-server,192.0.2.1,192.0.2.2',
    { ntpServers: ['192.0.2.1', '192.0.2.2'] },
  ],
  ['a code', '15,example.org', { domainName: 'example.org' }],
  ['a text with a comma', 'option:root-path,"a,b"', { rootPath: 'a,b' }],
  ['a number with its size', '211,30i', { pxelinuxRebootTime: 30 }],
  ['octets', '43,01:04:c0:00:02:01', { custom: [{ code: 43, hex: '0104c0000201' }] }],
  [
    'routes',
    'option:classless-static-route,0.0.0.0/0,192.0.2.9',
    { classlessStaticRoutes: [{ destination: '0.0.0.0/0', router: '192.0.2.9' }] },
  ],
  ['numbers of some size', '224,7,8s,9i', { private224: '0x07000800000009' }],
  ['addresses that nobody knows of', '225,192.0.2.1', { private225: '0xc0000201' }],
  ['an option in another', 'encap:175,1,1', { custom: [{ code: 175, hex: '010101' }] }],
  ['domain names', 'option:domain-search,a.example', { domainSearch: ['a.example'] }],
] as const) {
  test(`dnsmasq: an option of ${rule}`, () => {
    const text = `${RANGE}dhcp-option=${option}`;
    assert.deepEqual(findingsOf(text), []);
    assert.deepEqual(specOf(text).options, want);
  });
}

test('dnsmasq: of two settings of an option, the later counts', () => {
  const set = 'dhcp-option=3,192.0.2.9\n';
  const unset = 'dhcp-option=3\n';
  assert.deepEqual(specOf(RANGE + set + unset).options, { suppress: [{ name: 'routers' }] });
  assert.deepEqual(specOf(RANGE + unset + set).options, { routers: ['192.0.2.9'] });
});

test('dnsmasq: a network has the domain that is for it, else the one that is for all', () => {
  const text = `${RANGE}domain=all.example\ndomain=lan.example,192.0.2.0/24`;
  assert.equal(specOf(text).subnets[0]?.options?.domainName, 'lan.example');
});

test('dnsmasq: what is for clients of a range is said in its pool', () => {
  const text = `${RANGE}dhcp-range=set:two,192.0.2.30,192.0.2.40,255.255.255.0,1h\ndhcp-option=tag:two,42,192.0.2.7`;
  const [subnet] = specOf(text).subnets;
  assert.deepEqual(
    subnet?.pools?.map(({ options }) => options),
    [undefined, { ntpServers: ['192.0.2.7'] }],
  );
});

test('dnsmasq: it is the router and the name server itself unless told otherwise', () => {
  const range = 'dhcp-range=192.0.2.10,192.0.2.20,255.255.255.0';
  const [known] = specOf(`listen-address=192.0.2.1\n${range}`).subnets;
  assert.deepEqual(known?.options, { routers: ['192.0.2.1'], domainNameServers: ['192.0.2.1'] });
  assert.match(
    findingsOf(range).join('\n'),
    /routers of 192\.0\.2\.0\/24: dnsmasq names its own address/,
  );
  const off = `${range}\ndhcp-option=3\ndhcp-option=6`;
  assert.deepEqual(findingsOf(off), []);
  assert.deepEqual(specOf(off).options, {
    suppress: [{ name: 'routers' }, { name: 'domainNameServers' }],
  });
});

for (const [rule, line, want] of [
  [
    'an address and a name',
    '02:00:00:00:00:01,192.0.2.5,pc,2h',
    { address: '192.0.2.5', hardwareAddress: '02:00:00:00:00:01', hostname: 'pc', leaseTime: '2h' },
  ],
  [
    'a name alone',
    '02:00:00:00:00:01,pc',
    { hardwareAddress: '02:00:00:00:00:01', hostname: 'pc' },
  ],
  [
    'a type in front',
    '06-02:00:00:00:00:01,192.0.2.5',
    { address: '192.0.2.5', hardwareAddress: '02:00:00:00:00:01' },
  ],
  [
    'a client identifier',
    'id:01:02,192.0.2.5',
    { address: '192.0.2.5', clientId: { hex: '0102' } },
  ],
  [
    'a client identifier of text',
    'id:pc,192.0.2.5',
    { address: '192.0.2.5', clientId: { text: 'pc' } },
  ],
  [
    'what it calls itself',
    'pc,192.0.2.5',
    { address: '192.0.2.5', option: { name: 'hostName', text: 'pc' } },
  ],
] as const) {
  test(`dnsmasq: a host by ${rule}`, () => {
    const text = `${RANGE}dhcp-host=${line}`;
    assert.deepEqual(findingsOf(text), []);
    assert.deepEqual(specOf(text).subnets[0]?.reservations, [want]);
  });
}

test('dnsmasq: who is ignored is refused', () => {
  const [own] = specOf(`${RANGE}dhcp-host=02:00:00:00:00:66,ignore`).classes ?? [];
  assert.equal(own?.refuse, true);
  assert.equal(own?.match, 'packet.hardwareAddress == "02:00:00:00:00:66"');
});

test('dnsmasq: a range that is static gives addresses to hosts alone, a proxy gives none', () => {
  const fixed = specOf('port=0\ndhcp-option=3\ndhcp-range=192.0.2.0,static,255.255.255.0');
  assert.equal(fixed.subnets[0]?.pools, undefined);
  assert.equal(fixed.proxyDhcp, undefined);
  assert.equal(specOf('dhcp-range=192.0.2.0,proxy,255.255.255.0').proxyDhcp, true);
});

test('dnsmasq: a proxy beside ranges that give addresses is reported, and stops none of them', () => {
  const text = `${RANGE}dhcp-range=set:other,198.51.100.0,proxy,255.255.255.0\n`;
  const { proxyDhcp, subnets } = specOf(text);
  assert.equal(proxyDhcp, undefined);
  assert.deepEqual(subnets, specOf(RANGE).subnets);
  const [finding = '', ...more] = findingsOf(text);
  assert.match(
    finding,
    /^the\.conf:\d+: dhcp-range=set:other,.*: a server that gives addresses is no/,
  );
  assert.deepEqual(more, []);
});

test('dnsmasq: several networks on one link are no business of the DNS', () => {
  const [finding = ''] = findingsOf(`${RANGE}shared-network=eth0,198.51.100.0`);
  assert.match(finding, /name the same sharedNetwork in both subnets/);
});

test('dnsmasq: of what to boot, the last that fits counts', () => {
  const text = `${RANGE}dhcp-match=set:bios,option:client-arch,0
dhcp-userclass=set:ipxe,iPXE\ndhcp-boot=tag:bios,a\ndhcp-boot=tag:ipxe,b\ndhcp-boot=c,,192.0.2.9`;
  assert.deepEqual(specOf(text).boot, [
    { userClass: 'iPXE', nextServer: '192.0.2.9', file: 'b' },
    { architectures: ['x86-bios'], nextServer: '192.0.2.9', file: 'a' },
    { nextServer: '192.0.2.9', file: 'c' },
  ]);
});

test('dnsmasq: files and folders are read where they are named', () => {
  const files = { 'a.conf': RANGE, 'b.conf': 'dhcp-authoritative', 'c.bak': 'nonsense here' };
  const spec = specOf('conf-dir=/etc/dnsmasq.d,*.conf', files);
  assert.equal(spec.authoritative, true);
  assert.equal(specOf('conf-file=a.conf', files).subnets.length, 1);
});

for (const [mistake, text, message] of [
  ['what is no option', `${RANGE}what is this`, 'the.conf:4: "what is this" is no option=value'],
  ['a text without an end', `${RANGE}dhcp-option=15,"x`, 'the.conf:4: a text in quotes has no end'],
  [
    'a range that is none',
    'dhcp-range=x',
    'the.conf:1: dhcp-range=x: write dhcp-range=FIRST,LAST,TIME',
  ],
  [
    'nothing to serve',
    'domain-needed',
    'the.conf: has no subnet, so there is no DHCP server to make of it',
  ],
] as const) {
  test(`dnsmasq: ${mistake} is told with its line`, () => {
    assert.throws(() => specOf(text), { constructor: ConvertError, message });
  });
}

test('dnsmasq: a file that includes itself is refused in one line', () => {
  const text = 'conf-file=the.conf';
  assert.throws(() => specOf(text, { 'the.conf': text }), {
    message: /^the\.conf:1: .* too often$/,
  });
});

test('dnsmasq: tags that are made of tags again and again are told at once', () => {
  let text = `${RANGE}dhcp-mac=set:t0,02:00:5e:*:*:*\ndhcp-match=set:u0,175\n`;
  for (let i = 1; i <= 12; i++) {
    const all = Array.from({ length: 8 }, (_, k) => `tag:${k % 2 === 0 ? 't' : '!u'}${i - 1}`).join(
      ',',
    );
    text += `tag-if=set:t${i},${all}\ntag-if=set:u${i},${all}\n`;
  }
  const [own] = specOf(`${text}dhcp-option=tag:t12,option:mtu,1400`).classes ?? [];
  assert.notEqual(own, undefined);
});

test("dnsmasq: tags that depend on themselves are nobody's", () => {
  const text = `${RANGE}tag-if=set:a,tag:b\ntag-if=set:b,tag:a\ndhcp-option=tag:a,option:mtu,1400`;
  assert.match(findingsOf(text).join(), /tags depend on each other/);
  assert.equal(specOf(text).classes?.[0]?.match, 'false');
});

test('dnsmasq: whatever it says, what comes out is valid, or one line says why nothing does', () => {
  const tokens = testFile('dnsmasq.conf').text.match(/\n|[,=:]|[^\n,=:]+/g)!;
  const hosts = testFile('dnsmasq-hosts').text;
  const index = fc.nat(tokens.length - 1);
  const kind = fc.constantFrom('drop', 'copy', 'junk', 'number');
  const edit = fc.record({ at: index, from: index, kind, junk: fc.string() });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
      const changed = [...tokens];
      for (const { at, from, kind, junk } of edits) {
        changed[at] = { drop: '', copy: tokens[from]!, junk, number: String(from) }[kind];
      }
      checkTotal(changed.join(''), hosts);
    }),
    { numRuns: 400 },
  );
});

function checkTotal(text: string, hosts: string): void {
  try {
    const files = filesOf({ 'dnsmasq-hosts': hosts });
    const result = converted(text, { from: 'dnsmasq', files, interfaces: [] });
    assert.deepEqual(problemsOf(result), []);
    for (const finding of result.findings) assert.doesNotMatch(formatFinding(finding), /[\p{Cc}]/u);
  } catch (error) {
    assert.ok(error instanceof ConvertError, `${(error as Error).stack}\n${text}`);
    assert.match(error.message, /^[^\n]+$/);
  }
}
