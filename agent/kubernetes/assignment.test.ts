import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAssignment } from './assignment.ts';

const MANIFEST = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpRelay
metadata: {name: office, annotations: {dhcp-operator.io/failover: "true"}}
spec: {interfaces: [{match: lan0}], upstreams: [{address: 192.0.2.1}]}
`;
const OWNER = {
  apiVersion: 'dhcp-operator.io/v1alpha1',
  kind: 'DhcpRelay',
  name: 'office',
  uid: 'u',
};

function map(data: Record<string, string>, ownerReferences: readonly object[] = []) {
  const metadata = { name: 'dhcp-relay-office', ownerReferences };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as Parameters<
    typeof readAssignment
  >[0];
}

test('what the ConfigMap says is what the agent runs', () => {
  const read = readAssignment(map({ 'manifests.yaml': MANIFEST, hash: 'abc' }));
  assert.ok(typeof read !== 'string');
  assert.equal(read.document.metadata.name, 'office');
  assert.equal(read.hash, 'abc');
  assert.ok(read.failover);
  assert.equal(read.owner, null);
});

test('its owner owns what agents make, which neither controls nor blocks anything', () => {
  const other = { ...OWNER, kind: 'ConfigMap', uid: 'other' };
  const owner = { ...OWNER, controller: true, blockOwnerDeletion: true };
  const read = readAssignment(map({ 'manifests.yaml': MANIFEST }, [other, owner]));
  assert.ok(typeof read !== 'string');
  assert.deepEqual(read.owner, OWNER);
});

test('a ConfigMap that cannot be used is told why', () => {
  const name = 'ConfigMap dhcp-relay-office';
  assert.equal(readAssignment(map({})), `${name} has no manifests.yaml`);
  assert.equal(readAssignment(map({ 'manifests.yaml': '' })), `${name} holds no object of ours`);
  const pod = 'kind: Pod\napiVersion: v1\nmetadata: { name: x }';
  assert.equal(readAssignment(map({ 'manifests.yaml': pod })), `${name} holds no object of ours`);
  assert.match(
    String(readAssignment(map({ 'manifests.yaml': '{' }))),
    /^ConfigMap dhcp-relay-office: /,
  );
});
