import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { readAssignment } from './assignment.ts';
import { LocalCopy } from './copy.ts';
import { judge } from './revocations.ts';
import { readTerm, writeTerm } from './term.ts';

const addresses = (count: number): Ipv4[] => Array.from({ length: count }, (_, i) => i as Ipv4);

test('deleting the objects of a few bindings revokes them', () => {
  assert.equal(judge(addresses(1), 1, true).kind, 'revoke');
  assert.equal(judge(addresses(10), 10, true).kind, 'revoke');
  assert.equal(judge(addresses(100), 1000, true).kind, 'revoke');
});

test('deleting more than a tenth of many at once does not, and says how it is done', () => {
  const verdict = judge(addresses(101), 1000, true);
  assert.equal(verdict.kind, 'restore');
  assert.match(verdict.kind === 'restore' ? verdict.reason : '', /101 at once.*spec\.revoke/);
});

test('objects that went with their server revoke nothing', () => {
  assert.equal(judge(addresses(1), 1, false).kind, 'restore');
});

const MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dhcp-server-lab' } };
const MANIFEST = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: lab, namespace: dhcp, annotations: { dhcp-operator.io/failover: "true" } }
spec: { subnets: [{ cidr: 192.0.2.0/24 }] }
`;

test('a ConfigMap of the operator is an assignment', () => {
  const owner = { apiVersion: 'x', kind: 'DhcpServer', name: 'lab', uid: 'u' };
  const ownerReferences = [{ ...owner, controller: true }];
  const metadata = { ...MAP.metadata, ownerReferences };
  const found = readAssignment({
    ...MAP,
    metadata,
    data: { 'manifests.yaml': MANIFEST, hash: 'h' },
  });
  assert.ok(typeof found !== 'string');
  assert.equal(found.document.metadata.name, 'lab');
  assert.deepEqual([found.hash, found.failover, found.owner], ['h', true, owner]);
});

test('one that cannot be used says why', () => {
  const rows: [Record<string, string> | undefined, RegExp][] = [
    [undefined, /has no manifests\.yaml/],
    [{ 'manifests.yaml': 'a: [' }, /not YAML/],
    [{ 'manifests.yaml': 'kind: Pod\napiVersion: v1\nmetadata: { name: x }' }, /no object of ours/],
  ];
  for (const [data, expected] of rows) {
    const found = readAssignment({ ...MAP, ...(data === undefined ? {} : { data }) });
    assert.match(String(found), expected);
  }
});

test('a copy is what was written last, also to who comes later, and damage is no term', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'copy-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const errors: Error[] = [];
  const copy = new LocalCopy(join(directory, 'sub'), 'term.json', (error) => errors.push(error));
  assert.equal(readTerm(copy), null);
  for (let epoch = 1; epoch <= 20; epoch++) writeTerm(copy, { epoch, sole: true });
  await copy.written();
  const later = new LocalCopy(join(directory, 'sub'), 'term.json', (error) => errors.push(error));
  assert.deepEqual(readTerm(later), { epoch: 20, sole: true });
  for (const damage of ['', '{', '[]', '{"epoch":"x"}', 'null']) {
    writeFileSync(join(directory, 'sub', 'term.json'), damage);
    assert.equal(readTerm(later), null);
  }
  assert.deepEqual(errors, []);
});

test('a copy that cannot be written is reported, and nothing is thrown', async () => {
  const errors: Error[] = [];
  const copy = new LocalCopy(import.meta.filename, 'x', (error) => errors.push(error));
  copy.write('text');
  await copy.written();
  assert.equal(errors.length, 1);
});
