import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../../../codec/hardware.ts';
import { formatIpv4 } from '../../../codec/ipv4.ts';
import { formatFinding, Report } from '../report.ts';
import { filesOf, testFile } from '../testfiles.ts';
import { readKeaLeases } from './leases.ts';

function read(text: string, beside: { readonly [name: string]: string } = {}) {
  const report = new Report();
  const leases = readKeaLeases({ path: '/var/lib/kea/leases.csv', text }, report, filesOf(beside));
  return { leases, findings: report.inOrder().map(formatFinding) };
}

const HEAD =
  'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context';

function line(end: number, more: string): string {
  return `192.0.2.${end},02:00:00:00:00:0${end},,${more}\n`;
}

function addressesOf(leases: ReturnType<typeof read>['leases']): string[] {
  return leases.map(({ address }) => formatIpv4(address));
}

test('kea leases: a row says who has an address until when', () => {
  const { leases } = read(testFile('kea-leases4.csv').text);
  const lease = leases.find(({ address }) => formatIpv4(address) === '10.2.0.20')!;
  assert.equal(hex(lease.hardwareAddress), '020000000102');
  assert.equal(hex(lease.clientId!), '01020000000102');
  assert.equal(lease.hostname, 'desk,1.example.org');
  assert.equal(hex(lease.relayInformation!), '0107657468312f3137');
  assert.deepEqual([lease.lastTransaction, lease.expires], [1_767_268_400_000, 1_767_272_400_000]);
});

for (const [state, want] of [
  ['0', 'bound'],
  ['1', 'declined'],
  ['2', 'free'],
  ['3', 'free'],
] as const) {
  test(`kea leases: state ${state} is ${want}`, () => {
    const { leases } = read(`${HEAD}\n${line(1, `60,1767268800,1,0,0,,${state},`)}`);
    assert.equal(leases[0]?.state, want);
  });
}

test('kea leases: a lifetime of 0 takes back what was said of the address', () => {
  const rows = line(1, '60,1767268800,1,0,0,,0,') + line(1, '0,1767268800,1,0,0,,0,');
  assert.deepEqual(read(`${HEAD}\n${rows}`).leases, []);
});

test('kea leases: a lifetime of 2^32-1 has no end', () => {
  const { leases } = read(`${HEAD}\n${line(1, '4294967295,1767268800,1,0,0,,0,')}`);
  assert.equal(leases[0]?.expires, Number.POSITIVE_INFINITY);
  assert.equal(leases[0]?.lastTransaction, 1_767_268_800_000);
});

test('kea leases: what the clean-up has left is older than the file', () => {
  const row = (end: number, expire: number): string =>
    `${HEAD}\n${line(end, `60,${expire},1,0,0,,0,`)}`;
  const beside = {
    'leases.csv.2': row(1, 100) + line(2, '60,100,1,0,0,,0,'),
    'leases.csv.1': row(1, 200),
  };
  const { leases } = read(row(3, 300), beside);
  assert.deepEqual(addressesOf(leases), ['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  assert.equal(leases[0]?.expires, 200_000);
});

test('kea leases: what the clean-up has completed stands for what it was made of', () => {
  const row = (end: number): string => `${HEAD}\n${line(end, '60,1767268800,1,0,0,,0,')}`;
  const beside = { 'leases.csv.completed': row(1), 'leases.csv.2': row(2), 'leases.csv.1': row(3) };
  assert.deepEqual(addressesOf(read(row(4), beside).leases), ['192.0.2.1', '192.0.2.4']);
});

test('kea leases: a torn row and a file of another kind are told', () => {
  assert.deepEqual(read(`${HEAD}\n192.0.2.1,02:`).findings, [
    'leases.csv:2: 192.0.2.1,02:: is no lease; nothing to do: the client will renew',
  ]);
  assert.match(
    read('address,duid\n').findings.join(),
    /^leases\.csv:1: the file: is no lease file of DHCPv4/,
  );
});

test('kea leases: whatever they say is read', () => {
  const { text } = testFile('kea-leases4.csv');
  const edits = fc.array(fc.tuple(fc.nat(text.length), fc.nat(20), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(edits, (changes) => {
      let changed = text;
      for (const [at, length, junk] of changes) {
        changed = changed.slice(0, at) + junk + changed.slice(at + length);
      }
      for (const { expires, lastTransaction, hardwareAddress } of read(changed).leases) {
        assert.ok(expires >= 0 && lastTransaction >= 0 && hardwareAddress.length <= 16);
      }
    }),
    { numRuns: 300 },
  );
});
