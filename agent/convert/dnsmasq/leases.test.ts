import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../../../codec/hardware.ts';
import { formatIpv4 } from '../../../codec/ipv4.ts';
import { formatFinding, Report } from '../report.ts';
import { testFile } from '../testfiles.ts';
import { readDnsmasqLeases } from './leases.ts';

function read(text: string) {
  const report = new Report();
  const leases = readDnsmasqLeases({ path: 'dnsmasq.leases', text }, report);
  return { leases, findings: report.inOrder().map(formatFinding) };
}

test('dnsmasq.leases: a line says who has an address until when, and those of IPv6 come last', () => {
  const { leases, findings } = read(testFile('dnsmasq.leases').text);
  assert.deepEqual(
    leases.map(({ address, expires, hostname, hardwareType }) => [
      formatIpv4(address),
      expires,
      hostname,
      hardwareType,
    ]),
    [
      ['10.1.0.60', 1_767_272_400_000, 'desk', 1],
      ['10.1.0.61', Number.POSITIVE_INFINITY, null, 1],
      ['10.1.0.62', 1_767_268_800_000, null, 1],
      ['10.1.0.63', 1_767_272_400_000, null, 6],
      ['10.9.0.1', 1_767_272_400_000, null, 1],
    ],
  );
  assert.equal(hex(leases[0]!.clientId!), '01020000000102');
  assert.equal(hex(leases[3]!.hardwareAddress), '020000000105');
  assert.deepEqual(findings, [
    'dnsmasq.leases:6: 1767272400 02:00:00: is no lease; nothing to do: the client will renew',
  ]);
});

test('dnsmasq.leases: whatever they say is read', () => {
  const { text } = testFile('dnsmasq.leases');
  const edits = fc.array(fc.tuple(fc.nat(text.length), fc.nat(20), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(edits, (changes) => {
      let changed = text;
      for (const [at, length, junk] of changes) {
        changed = changed.slice(0, at) + junk + changed.slice(at + length);
      }
      for (const { expires, hardwareAddress, hardwareType } of read(changed).leases) {
        assert.ok(expires >= 0 && hardwareAddress.length <= 16 && hardwareType <= 255);
      }
    }),
    { numRuns: 300 },
  );
});
