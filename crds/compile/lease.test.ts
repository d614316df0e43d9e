import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { DhcpLease } from '../types/dhcplease.ts';
import { compileLease } from './lease.ts';

function compile(spec: string) {
  return compileLease({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name: 'lab-192.0.2.9' },
    spec: { serverRef: { name: 'lab' }, address: '192.0.2.9', ...parse(spec) } as DhcpLease['spec'],
  });
}

const MAC = 'hardwareAddress: "02:00:00:00:00:0a"';

// [spec, the intents]
for (const [spec, kinds] of [
  [MAC, ['Reserve']],
  [`${MAC}\nintent: Reserve\nhostname: door`, ['Reserve']],
  ['clientId: { text: pc }', ['Reserve']],
  ['intent: Quarantine', ['Quarantine']],
  ['intent: Quarantine\nquarantineUntil: 2026-01-31T12:00:00Z', ['Quarantine']],
  ['intent: Bind', []],
  ['intent: Bind\npin: true', ['Pin']],
  ['intent: Bind\nrevoke: true', ['Revoke']],
  [`${MAC}\nrevoke: true`, ['Revoke']],
] as const) {
  test(`a lease wants ${kinds.join() || 'nothing'}: ${spec.replaceAll('\n', ', ')}`, () => {
    const { intents, problems } = compile(spec);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      intents.map(({ kind }) => kind),
      kinds,
    );
  });
}

for (const [spec, want] of [
  ['intent: Reserve', /^spec: ExactlyOneOf/],
  [`${MAC}\ncircuitId: { text: p }`, /^spec: ExactlyOneOf/],
  ['hardwareAddress: zz', /^spec\.hardwareAddress: InvalidHardwareAddress/],
  ['address: 192.0.2\nintent: Bind', /^spec\.address: InvalidAddress/],
  ['intent: Bind\npin: true\nrevoke: true', /^spec\.pin: Contradiction/],
  ['intent: Quarantine\nquarantineUntil: tomorrow', /^spec\.quarantineUntil: InvalidTime/],
  ['intent: Bind\nquarantineUntil: 2026-01-31T12:00:00Z', /^spec\.quarantineUntil: Contradiction/],
] as const) {
  test(`a lease refused: ${spec.replaceAll('\n', ', ')}`, () => {
    const { intents, problems } = compile(spec);
    assert.deepEqual(intents, []);
    assert.equal(problems.length, 1);
    assert.match(`${problems[0]!.path}: ${problems[0]!.reason}`, want);
  });
}
