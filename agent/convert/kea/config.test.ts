import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConvertError } from '../fault.ts';
import { formatFinding } from '../report.ts';
import { converted, filesOf, problemsOf, testFile } from '../testfiles.ts';

/** A configuration with one subnet, and what is put into it and beside it. */
function conf({ global = '', subnet = '' }: { global?: string; subnet?: string }): string {
  return `{ "Dhcp4": { "interfaces-config": { "interfaces": [ "eth0" ] },
    "subnet4": [ { "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10-192.0.2.20" } ]${subnet} } ]${global} } }`;
}

function specOf(text: string, files = {}) {
  return converted(text, { interfaces: [], files: filesOf(files) }).server.spec;
}

function findingsOf(text: string): string[] {
  return converted(text, { interfaces: [] }).findings.map(formatFinding);
}

for (const [rule, condition, cel] of [
  [
    'the front of an option',
    "substring(option[60].hex,0,3) == 'foo'",
    'packet.vendorClass.startsWith("foo")',
  ],
  [
    'the rest of an option',
    "substring(option[12].text,2,all) == 'foo'",
    'packet.hostname.matches("^.{2}foo$")',
  ],
  [
    'the end of an option',
    "substring(option[12].hex,-3,3) == 'foo'",
    'packet.hostname.endsWith("foo")',
  ],
  ['an option by name', "option[host-name].text == 'foo'", 'packet.hostname == "foo"'],
  ['octets', 'option[61].hex == 0x0102ff', 'packet.option(61) == "0102ff"'],
  [
    'the hardware address',
    'pkt4.mac == 0x020000000001',
    'packet.hardwareAddress == "02:00:00:00:00:01"',
  ],
  [
    'the hardware address as text',
    "hexstring(substring(pkt4.mac,0,3),':') == '02:00:5e'",
    'packet.hardwareAddress.startsWith("02:00:5e")',
  ],
  ['an address', 'pkt4.giaddr == 192.0.2.1', 'packet.giaddr == "192.0.2.1"'],
  ['the interface', "pkt.iface == 'eth1'", 'packet.interface == "eth1"'],
  ['the message', 'pkt4.msgtype == 1', 'packet.messageType == "DISCOVER"'],
  ['an option that was sent', 'option[82].exists', 'packet.sent(82)'],
  ['what the relay says', "relay4[1].hex == 'eth0'", 'packet.circuitId == "eth0"'],
  [
    'the vendor class that Kea names a class after',
    "member('VENDOR_CLASS_x y')",
    'packet.vendorClass == "x y"',
  ],
  ['all clients', "member('ALL')", 'true'],
  ['a half of two servers', "member('HA_server1')", 'true'],
  ['unlike', "not (option[12].hex == 'a')", '!(packet.hostname == "a")'],
  [
    'and before or',
    'option[1].exists or option[2].exists and option[3].exists',
    'packet.sent(1) || (packet.sent(2) && packet.sent(3))',
  ],
  ['what is put together', "option[12].hex == 'a' + 'b'", 'packet.hostname == "ab"'],
] as const) {
  test(`kea: a class by ${rule}`, () => {
    const text = conf({
      global: `, "client-classes": [ { "name": "c", "test": ${JSON.stringify(condition)} } ]`,
    });
    assert.deepEqual(findingsOf(text), []);
    assert.equal(specOf(text).classes?.[0]?.match, cel);
  });
}

for (const [rule, condition, why] of [
  ['a transaction', 'pkt4.transid == 0', /pkt4\.transid cannot be asked for/],
  ['the inside of an option', "option[43].option[1].hex == 'x'", /looks inside of an option/],
  ['a vendor', 'vendor[4491].exists', /looks inside of an option/],
  ['a choice', "ifelse(option[1].exists, 'a', 'b') == 'a'", /ifelse\(\) is not known here/],
  ['a class that is not there', "member('nobody')", /there is no class "nobody"/],
] as const) {
  test(`kea: nobody is in a class by ${rule}`, () => {
    const text = conf({
      global: `, "client-classes": [ { "name": "c", "test": ${JSON.stringify(condition)} } ]`,
    });
    assert.match(findingsOf(text).join('\n'), why);
    assert.equal(specOf(text).classes?.[0]?.match, 'false');
  });
}

for (const [rule, entry, want] of [
  [
    'addresses',
    '"name": "routers", "data": "192.0.2.1, 192.0.2.2"',
    { routers: ['192.0.2.1', '192.0.2.2'] },
  ],
  ['a name by its code', '"code": 15, "data": "example.org"', { domainName: 'example.org' }],
  [
    'octets',
    '"code": 43, "csv-format": false, "data": "01 04 C0 00 02 01"',
    { custom: [{ code: 43, hex: '0104c0000201' }] },
  ],
  [
    'text as octets',
    '"code": 66, "csv-format": false, "data": "\'tftp\'"',
    { tftpServerName: 'tftp' },
  ],
  [
    'domain names',
    '"name": "domain-search", "data": "a.example, b.example"',
    { domainSearch: ['a.example', 'b.example'] },
  ],
  [
    'what is sent unasked',
    '"name": "time-offset", "data": "-7", "always-send": true',
    { timeOffset: -7, force: [{ name: 'timeOffset' }] },
  ],
  [
    'what is never sent',
    '"name": "routers", "never-send": true',
    { custom: [{ code: 3, flag: true }], suppress: [{ name: 'routers' }] },
  ],
  [
    'a vendor',
    '"name": "tftp-servers", "space": "vendor-4491", "data": "192.0.2.7"',
    { custom: [{ code: 125, hex: '0000118b060204c0000207' }] },
  ],
] as const) {
  test(`kea: an option of ${rule}`, () => {
    const text = conf({ subnet: `, "option-data": [ { ${entry} } ]` });
    assert.deepEqual(findingsOf(text), []);
    assert.deepEqual(specOf(text).subnets[0]?.options, want);
  });
}

test('kea: a lease is of two hours unless it says otherwise, and a declined address rests for a day', () => {
  const { leaseTime, minLeaseTime, maxLeaseTime, declineQuarantine } = specOf(conf({}));
  assert.deepEqual(
    [leaseTime, minLeaseTime, maxLeaseTime, declineQuarantine],
    ['2h', '2h', '2h', '1d'],
  );
});

test('kea: global reservations count only where Kea looks for them', () => {
  const reservation =
    '"reservations": [ { "hw-address": "02:00:00:00:00:01", "ip-address": "192.0.2.5" } ]';
  const off = conf({ global: `, ${reservation}` });
  const on = conf({ global: `, "reservations-global": true, ${reservation}` });
  assert.match(findingsOf(off).join(), /Kea looks for those only with reservations-global/);
  assert.deepEqual(findingsOf(on), []);
  assert.equal(specOf(on).subnets[0]?.reservations?.[0]?.address, '192.0.2.5');
});

for (const [what, global, finding] of [
  [
    'a hook',
    '"hooks-libraries": [ { "library": "/x/libdhcp_ha.so" } ]',
    /^the\.conf:2: hook ha: there is no such pair/,
  ],
  [
    'a hook that nobody knows',
    '"hooks-libraries": [ { "library": "/x/mine.so" } ]',
    /hook \/x\/mine\.so: there are no hooks/,
  ],
  ['what is not in the manual', '"frobnicate": 7', /^the\.conf:2: frobnicate: is not known here/],
  [
    'a database',
    '"hosts-database": { "type": "mysql" }',
    /hosts-database: there is no such database/,
  ],
] as const) {
  test(`kea: ${what} is told`, () => {
    assert.match(findingsOf(conf({ global: `, ${global}` })).join('\n'), finding);
  });
}

test('kea: what is as the new server has it is not told', () => {
  const global =
    ', "authoritative": false, "match-client-id": true, "comment": "x", "t1-percent": 0.5';
  assert.deepEqual(findingsOf(conf({ global, subnet: ', "id": 7, "authoritative": false' })), []);
});

test('kea: an included file stands where it is included', () => {
  const text = conf({ subnet: ', "option-data": <?include "options.json"?>' });
  const spec = specOf(text, { 'options.json': '[ { "name": "routers", "data": "192.0.2.1" } ]' });
  assert.deepEqual(spec.subnets[0]?.options, { routers: ['192.0.2.1'] });
});

for (const [mistake, text, message] of [
  ['what is no JSON', '{ "Dhcp4": §', 'the.conf:1: § is no JSON'],
  ['an end too early', '{ "Dhcp4": {\n', 'the.conf:1: it ends too early'],
  ['a comma that is not there', '{ "Dhcp4": {}\n "a": 1 }', 'the.conf:2: "," or "}" is missing'],
  ['another server', '{ "Dhcp6": {} }', 'the.conf:1: has no "Dhcp4"'],
  [
    'a number in quotes',
    conf({ global: ',\n"valid-lifetime": "1h"' }),
    'the.conf:3: valid-lifetime is no number',
  ],
  [
    'a subnet that is none',
    '{ "Dhcp4": { "subnet4": [ {\n"subnet": "x" } ] } }',
    'the.conf:2: "x" is no network such as 192.0.2.0/24',
  ],
  [
    'a test without an end',
    conf({ global: ', "client-classes": [ { "name": "c",\n"test": "option[1]." } ]' }),
    'the.conf:3: test: it ends too early',
  ],
] as const) {
  test(`kea: ${mistake} is told with its line`, () => {
    assert.throws(() => converted(text, { from: 'kea' }), { constructor: ConvertError, message });
  });
}

test('kea: classes that ask for classes again and again are told at once', () => {
  const classes = Array.from({ length: 40 }, (_, i) => {
    const test =
      i === 0
        ? 'option[12].exists'
        : `member('c${i - 1}') and not member('c${i - 1}') or member('c${i - 1}')`;
    return { name: `c${i}`, test };
  });
  const text = conf({ global: `, "client-classes": ${JSON.stringify(classes)}` });
  assert.match(findingsOf(text).join('\n'), /class c6: it is too long; nobody is in it now/);
  assert.equal(specOf(text).classes?.length, 40);
});

test('kea: classes that ask for themselves have nobody in them', () => {
  const classes = [
    { name: 'a', test: "member('b')" },
    { name: 'b', test: "member('a')" },
  ];
  const text = conf({ global: `, "client-classes": ${JSON.stringify(classes)}` });
  assert.match(findingsOf(text).join('\n'), /it goes round in circles/);
});

test('kea: whatever it says, what comes out is valid, or one line says why nothing does', () => {
  const tokens = testFile('kea.conf').text.match(/\s+|[{}[\],:]|"[^"]*"|[^\s{}[\],:"]+/g)!;
  const classes = testFile('kea-classes.json').text.match(/\s+|[()']|[^\s()']+/g)!;
  const index = fc.nat(100_000);
  const edit = fc.record({
    inClasses: fc.boolean(),
    at: index,
    from: index,
    kind: fc.constantFrom('drop', 'copy', 'junk', 'number'),
    junk: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 10 }), (edits) => {
      const both: readonly [string[], string[]] = [[...tokens], [...classes]];
      for (const { inClasses, at, from, kind, junk } of edits) {
        const changed = both[inClasses ? 1 : 0];
        const copied = changed[from % changed.length]!;
        const text = { drop: '', copy: copied, junk: JSON.stringify(junk), number: String(from) }[
          kind
        ];
        changed[at % changed.length] = text;
      }
      checkTotal(both[0].join(''), both[1].join(''));
    }),
    { numRuns: 400 },
  );
});

function checkTotal(text: string, classes: string): void {
  try {
    const files = filesOf({ 'kea-classes.json': classes });
    const result = converted(text, { from: 'kea', files, interfaces: [] });
    assert.deepEqual(problemsOf(result), []);
    for (const finding of result.findings) assert.doesNotMatch(formatFinding(finding), /[\p{Cc}]/u);
  } catch (error) {
    assert.ok(error instanceof ConvertError, `${(error as Error).stack}\n${text}\n${classes}`);
    assert.match(error.message, /^[^\n]+$/);
  }
}

test('Kea: of links, the command line knows better than the file', () => {
  const pools = '"pools": [ { "pool": "192.0.2.10 - 192.0.2.20" } ]';
  const subnet = `{ "id": 1, "subnet": "192.0.2.0/24", "interface": "eth0", ${pools} }`;
  const text = `{ "Dhcp4": { "subnet4": [ ${subnet} ] } }`;
  const told = (interfaces: string[]): string[] =>
    converted(text, { interfaces }).findings.map(formatFinding);
  assert.match(told([]).join(), /names no interface, so only relayed requests are answered/);
  assert.match(
    told(['lan0']).join(),
    /^[^,]* is for clients on eth0, which --interface does not name/,
  );
  assert.deepEqual(told(['eth*']), []);
});
