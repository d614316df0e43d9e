import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConvertError } from '../fault.ts';
import { formatFinding } from '../report.ts';
import { converted, filesOf, problemsOf, testFile } from '../testfiles.ts';

const SUBNET = 'subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.10 192.0.2.20; }';

function specOf(text: string, files = {}) {
  return converted(text, { from: 'dhcpd', files: filesOf(files) }).server.spec;
}

function findingsOf(text: string): string[] {
  return converted(text, { from: 'dhcpd' }).findings.map(formatFinding);
}

for (const [rule, condition, cel] of [
  [
    'the front of an option',
    'substring(option vendor-class-identifier, 0, 3) = "foo"',
    'packet.vendorClass.startsWith("foo")',
  ],
  [
    'fewer octets than are compared are never the same',
    'substring(option host-name, 0, 2) = "foo"',
    'false',
  ],
  [
    'more octets than are compared are all',
    'substring(option host-name, 0, 9) = "foo"',
    'packet.hostname == "foo"',
  ],
  [
    'the inside of an option',
    'substring(option host-name, 2, 3) = "foo"',
    'packet.hostname.matches("^.{2}foo")',
  ],
  [
    'the end of an option',
    'suffix(option host-name, 3) = "foo"',
    'packet.hostname.endsWith("foo")',
  ],
  [
    'octets of an option',
    'option dhcp-client-identifier = 1:2:ff',
    'packet.option(61) == "0102ff"',
  ],
  [
    'type and hardware address',
    'hardware = 1:2:0:0:0:0:a',
    'packet.hardwareAddress == "02:00:00:00:00:0a"',
  ],
  [
    'the maker of the card',
    'substring(hardware, 1, 3) = 02:00:5e',
    'packet.hardwareAddress.startsWith("02:00:5e")',
  ],
  [
    'the maker of the card as text',
    'binary-to-ascii(16,8,":",substring(hardware,1,3)) = "2:0:5e"',
    'packet.hardwareAddress.startsWith("02:00:5e")',
  ],
  [
    'letters of any case',
    'lcase(option host-name) = "foo"',
    'packet.hostname.lowerAscii() == "foo"',
  ],
  [
    'a number made of octets',
    'extract-int(option unknown-93, 16) = 7',
    'packet.option(93).startsWith("0007")',
  ],
  ['a pattern', 'option host-name ~= "^foo[0-9]"', 'packet.hostname.matches("^foo[0-9]")'],
  ['an option that was sent', 'exists user-class', 'packet.sent(77)'],
  ['the user class, framed or bare', 'option user-class = "iPXE"', '"iPXE" in packet.userClasses'],
  ['what the relay says', 'option agent.circuit-id = "eth0"', 'packet.circuitId == "eth0"'],
  [
    'what the relay says in octets',
    'option agent.remote-id = 02:00:00:00:00:01',
    'packet.remoteId == "02:00:00:00:00:01"',
  ],
  [
    'the front of what the relay says',
    'substring(option agent.circuit-id,0,3) = "eth"',
    '(packet.circuitId.startsWith("eth") || packet.circuitId.startsWith("65:74:68"))',
  ],
  [
    'and binds closer than or',
    'exists host-name or exists user-class and not exists vendor-class-identifier',
    'packet.sent(12) || (packet.sent(77) && (!packet.sent(60)))',
  ],
  ['unlike', 'option host-name != "foo"', '!(packet.hostname == "foo")'],
  [
    'many of the same',
    'option host-name = "a" or option host-name = "b"',
    'packet.hostname in ["a", "b"]',
  ],
] as const) {
  test(`dhcpd.conf: a class by ${rule}`, () => {
    const text = `${SUBNET} class "c" { match if ${condition}; }`;
    assert.deepEqual(findingsOf(text), []);
    assert.equal(specOf(text).classes?.[0]?.match, cel);
  });
}

for (const [rule, condition, why] of [
  ['whether it has a host', 'known', /whether a client is known/],
  ['what is worked out', 'concat(option host-name, "x") = "foox"', /concat\(\)/],
  ['an option that nobody knows', 'option foo = "bar"', /option foo is not known/],
] as const) {
  test(`dhcpd.conf: nobody is in a class by ${rule}`, () => {
    const text = `${SUBNET} class "c" { match if ${condition}; }`;
    assert.match(findingsOf(text).join('\n'), why);
    assert.equal(specOf(text).classes?.[0]?.match, 'false');
  });
}

for (const [rule, option, want] of [
  ['addresses', 'option routers 192.0.2.1, 192.0.2.2', { routers: ['192.0.2.1', '192.0.2.2'] }],
  ['octets as text', 'option wpad "http://w/"', { webProxyAutoDiscovery: 'http://w/' }],
  [
    'routes',
    'option routes 24,10,0,1,192,0,2,1',
    { classlessStaticRoutes: [{ destination: '10.0.1.0/24', router: '192.0.2.1' }] },
  ],
  ['numbers below zero', 'option time-offset -3600', { timeOffset: -3600 }],
  [
    'domain names',
    'option domain-search "a.example", "b.example"',
    { domainSearch: ['a.example', 'b.example'] },
  ],
  [
    'an expression without a client in it',
    'option host-name = concat("a", "b")',
    { hostName: 'ab' },
  ],
  ['records', 'option pair 192.0.2.9 300', { private231: '0xc0000209012c' }],
  [
    'what is asked for in their stead',
    'option dhcp-parameter-request-list 3, 43',
    { force: [{ name: 'routers' }, { name: 'vendorSpecific' }] },
  ],
] as const) {
  test(`dhcpd.conf: an option of ${rule}`, () => {
    const text = `option wpad code 252 = text;
      option routes code 121 = array of unsigned integer 8;
      option pair code 231 = { ip-address, unsigned integer 16 };
      ${SUBNET.replace('}', `${option}; }`)}`;
    assert.deepEqual(findingsOf(text), []);
    const [subnet] = specOf(text).subnets;
    assert.deepEqual(subnet?.options, want);
  });
}

for (const [rule, by, value, cel] of [
  [
    'its hardware',
    'hardware',
    '1:02:00:00:00:00:01',
    'packet.hardwareAddress == "02:00:00:00:00:01"',
  ],
  ['an option', 'option agent.circuit-id', '"eth0"', 'packet.circuitId == "eth0"'],
  [
    'the maker of its card',
    'binary-to-ascii(16, 8, ":", substring(hardware, 1, 3))',
    '"2:0:5e"',
    'packet.hardwareAddress.startsWith("02:00:5e")',
  ],
  [
    'the first of what it sends',
    'pick-first-value(option dhcp-client-identifier, hardware)',
    '1:02:00:00:00:00:01',
    '(packet.option(61) == "01020000000001") || ((!packet.sent(61)) && (packet.hardwareAddress == "02:00:00:00:00:01"))',
  ],
] as const) {
  test(`dhcpd.conf: a subclass by ${rule}`, () => {
    const text = `${SUBNET} class "c" { match ${by}; } subclass "c" ${value};`;
    assert.deepEqual(findingsOf(text), []);
    assert.equal(specOf(text).classes?.[0]?.match, cel);
  });
}

for (const [rule, by, count, classes] of [
  ['hardware addresses', 'hardware', 400, 3],
  ['the first of two options', 'pick-first-value(option dhcp-client-identifier, hardware)', 100, 3],
] as const) {
  test(`dhcpd.conf: a class with more ${rule} than one expression holds is several`, () => {
    let text = `class "c" { match ${by}; }`;
    for (let i = 0; i < count; i++) {
      text += `subclass "c" 1:02:00:00:00:${(i >> 8).toString(16)}:${(i & 255).toString(16)};\n`;
    }
    text += SUBNET.replace('range', 'pool { allow members of "c"; range').replace('; }', '; } }');
    assert.deepEqual(findingsOf(text), []);
    const spec = specOf(text);
    const names = spec.classes?.map(({ name }) => name);
    assert.equal(names?.length, classes);
    assert.deepEqual(spec.subnets[0]?.pools?.[0]?.classes, names);
  });
}

test('dhcpd.conf: a limit of leases is one for circuits, and told where it is another', () => {
  const circuits = 'class "a" { spawn with option agent.circuit-id; lease limit 4; }';
  assert.deepEqual(findingsOf(SUBNET + circuits), []);
  assert.deepEqual(specOf(SUBNET + circuits).limits, { leasesPerCircuit: 4 });
  const other = `${circuits} class "b" { match if known; lease limit 2; }`;
  assert.match(
    findingsOf(SUBNET + other).join('\n'),
    /lease limit 2: classes have no limit of leases/,
  );
  assert.deepEqual(specOf(SUBNET + other).limits, { leasesPerCircuit: 4 });
});

test('dhcpd.conf: what a group says holds for what is in it, and gives way to what that says', () => {
  const spec =
    specOf(`group { option domain-name "g"; default-lease-time 60; max-lease-time 90; min-lease-time 30;
    subnet 192.0.2.0 netmask 255.255.255.0 { option domain-name "s"; range 192.0.2.9; } }`);
  const [subnet] = spec.subnets;
  assert.deepEqual(subnet?.options, { domainName: 's' });
  assert.equal(subnet?.leaseTime, '1m');
  assert.equal(subnet?.maxLeaseTime, '1m30s');
  assert.deepEqual(subnet?.pools, [{ start: '192.0.2.9', end: '192.0.2.9' }]);
});

test('dhcpd.conf: dhcpd gives no more than a day and no less than 5 minutes unless it is told to', () => {
  assert.equal(specOf(SUBNET).maxLeaseTime, '1d');
  assert.equal(specOf(SUBNET).minLeaseTime, '5m');
  assert.equal(specOf(`default-lease-time 999; max-lease-time 100; ${SUBNET}`).leaseTime, '1m40s');
});

test('dhcpd.conf: two hosts of one address are told, as one address is for one client', () => {
  const host = (name: string, end: string): string =>
    `host ${name} { hardware ethernet 02:00:00:00:00:${end}; fixed-address 192.0.2.5; }`;
  const text = `${SUBNET}\n${host('a', '01')}\n${host('b', '02')}`;
  assert.deepEqual(findingsOf(text), [
    'the.conf:3: host b: 192.0.2.5 is given to host a already; give each address to one client, or write it by hand',
  ]);
  assert.equal(specOf(text).subnets[0]?.reservations?.length, 1);
});

test('dhcpd.conf: an included file is read from beside the one that includes it', () => {
  const spec = specOf('include "/etc/dhcp/nets.conf";', { 'nets.conf': SUBNET });
  assert.equal(spec.subnets[0]?.cidr, '192.0.2.0/24');
});

test('dhcpd.conf: a file that includes itself is refused in one line', () => {
  const text = 'include "the.conf";';
  assert.throws(() => specOf(text, { 'the.conf': text }), {
    message: /^the\.conf:1: .* too often$/,
  });
});

for (const [mistake, text, message] of [
  [
    'a block without an end',
    `${SUBNET}\ngroup {\n`,
    'the.conf:2: a block is not closed: "}" is missing',
  ],
  ['an end without a block', `${SUBNET}\n}`, 'the.conf:2: "}" closes no block'],
  ['a statement without an end', `${SUBNET}\nauthoritative`, 'the.conf:2: ";" is missing'],
  ['a text without an end', `${SUBNET}\nfilename "x;\n`, 'the.conf:2: a text in quotes has no end'],
  [
    'a mask with a hole',
    'subnet 192.0.2.0 netmask 255.0.255.0 {}',
    'the.conf:1: subnet 192.0.2.0 netmask 255.0.255.0: write subnet ADDRESS netmask MASK',
  ],
  [
    'a condition without an end',
    `${SUBNET}\nif exists { filename "x"; }`,
    'the.conf:2: the expression ends too early',
  ],
  [
    'nothing to serve',
    'authoritative;',
    'the.conf: has no subnet, so there is no DHCP server to make of it',
  ],
] as const) {
  test(`dhcpd.conf: ${mistake} is told with its line`, () => {
    assert.throws(() => specOf(text), { constructor: ConvertError, message });
  });
}

const WORDS = /\s+|[{};,()=]|[^\s{};,()=]+/g;

test('dhcpd.conf: whatever it says, what comes out is valid, or one line says why nothing does', () => {
  const tokens = testFile('dhcpd.conf').text.match(WORDS)!;
  const hosts = testFile('dhcpd-hosts.conf').text;
  const index = fc.nat(tokens.length - 1);
  const edit = fc.record({
    at: index,
    from: index,
    kind: fc.constantFrom('drop', 'copy', 'junk'),
    junk: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
      const changed = [...tokens];
      for (const { at, from, kind, junk } of edits) {
        changed[at] = kind === 'drop' ? '' : kind === 'copy' ? tokens[from]! : junk;
      }
      checkTotal(changed.join(''), hosts);
    }),
    { numRuns: 400 },
  );
});

function checkTotal(text: string, hosts: string): void {
  try {
    const result = converted(text, {
      from: 'dhcpd',
      files: filesOf({ 'dhcpd-hosts.conf': hosts }),
    });
    assert.deepEqual(problemsOf(result), []);
    for (const finding of result.findings) assert.doesNotMatch(formatFinding(finding), /[\p{Cc}]/u);
  } catch (error) {
    assert.ok(error instanceof ConvertError, `${(error as Error).stack}\n${text}`);
    assert.match(error.message, /^[^\n]+$/);
  }
}
