import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../../../codec/hardware.ts';
import { formatIpv4 } from '../../../codec/ipv4.ts';
import { formatFinding, Report } from '../report.ts';
import { testFile } from '../testfiles.ts';
import { readDhcpdLeases } from './leases.ts';

function read(text: string) {
  const report = new Report();
  const leases = readDhcpdLeases({ path: 'dhcpd.leases', text }, report);
  return { leases, findings: report.inOrder().map(formatFinding) };
}

const START = Date.UTC(2026, 0, 1, 12);

test('dhcpd.leases: the last record of an address counts, with all that it says', () => {
  const { leases } = read(testFile('dhcpd.leases').text);
  const lease = leases.find(({ address }) => formatIpv4(address) === '10.2.0.20')!;
  const { hardwareAddress, clientId, vendorClass, relayInformation } = lease;
  assert.equal(hex(hardwareAddress), '020000000102');
  assert.equal(hex(clientId!), '01020000000102');
  assert.equal(Buffer.from(vendorClass!).toString(), 'MSFT 5.0');
  assert.equal(hex(relayInformation!), '0107657468 20312f37 0206 02000000ff01'.replaceAll(' ', ''));
  assert.equal(lease.hostname, 'desk"1');
  assert.equal(lease.state, 'bound');
  assert.deepEqual([lease.starts, lease.expires], [START, START + 3_600_000]);
});

for (const [rule, time, want] of [
  ['a day and a time in UTC', '4 2026/01/01 12:00:00', START],
  ['a time with an offset', '4 2026/01/01 13:30:00 +0130', START],
  ['seconds', 'epoch 1767268800', START],
  ['never', 'never', Number.POSITIVE_INFINITY],
  ['what is no time', 'soon', 0],
] as const) {
  test(`dhcpd.leases: ends at ${rule}`, () => {
    const { leases } = read(`lease 192.0.2.1 { ends ${time}; binding state active; }`);
    assert.equal(leases[0]?.expires, want);
  });
}

for (const [state, want] of [
  ['binding state active', 'bound'],
  ['binding state free', 'free'],
  ['binding state backup', 'free'],
  ['binding state expired', 'free'],
  ['binding state released', 'free'],
  ['binding state abandoned', 'declined'],
  ['abandoned', 'declined'],
  ['ends never', 'bound'],
] as const) {
  test(`dhcpd.leases: ${state} is ${want}`, () => {
    const { leases } = read(`lease 192.0.2.1 { ${state}; }`);
    assert.equal(leases[0]?.state, want);
  });
}

for (const [rule, uid, want] of [
  ['octal', '"\\001\\377a"', '01ff61'],
  ['escaped signs', '"\\"\\\\"', '225c'],
  ['octets', '1:2:ff', '0102ff'],
] as const) {
  test(`dhcpd.leases: a uid in ${rule}`, () => {
    const { leases } = read(`lease 192.0.2.1 { uid ${uid}; }`);
    assert.equal(hex(leases[0]!.clientId!), want);
  });
}

test('dhcpd.leases: a torn end and what is no lease cost no other lease', () => {
  const { leases, findings } = read(`lease 192.0.2.1 { ends never; }
    lease nowhere { ends never; }
    lease 192.0.2.2 { ends never; uid "\\00`);
  assert.deepEqual(
    leases.map(({ address }) => formatIpv4(address)),
    ['192.0.2.1'],
  );
  assert.deepEqual(findings, [
    'dhcpd.leases:2: lease nowhere: is no lease; nothing to do: the client will renew',
    'dhcpd.leases:3: a lease: ";" is missing; nothing to do: the client will renew',
  ]);
});

test('dhcpd.leases: whatever it says is read', () => {
  const { text } = testFile('dhcpd.leases');
  const edits = fc.array(fc.tuple(fc.nat(text.length), fc.nat(40), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(edits, (changes) => {
      let changed = text;
      for (const [at, length, junk] of changes) {
        changed = changed.slice(0, at) + junk + changed.slice(at + length);
      }
      for (const { expires, starts, hardwareAddress, clientId } of read(changed).leases) {
        assert.ok(expires >= 0 && starts >= 0);
        assert.ok(hardwareAddress.length <= 16 && (clientId?.length ?? 0) <= 255);
      }
    }),
    { numRuns: 300 },
  );
});
