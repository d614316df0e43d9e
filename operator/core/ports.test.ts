import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../crds/client/resources.ts';
import { httpPort } from './ports.ts';

const OLD = '2026-01-01T00:00:00Z';
const YOUNG = '2026-01-02T00:00:00Z';
const UID = '6b1f0f5e-8c1d-4a5e-9a39-0d7f2a6f1c11';
const WISH = httpPort(UID, undefined, []);

function agents(name: string, port: number, creationTimestamp = OLD): DaemonSet {
  const ports = [{ name: 'metrics', containerPort: port, hostPort: port }];
  const containers = [{ name: 'agent', image: 'agent:1', ports }];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: 'dhcp', name, creationTimestamp },
    spec: { selector: { matchLabels: {} }, template: { spec: { containers } } },
  };
}

test('an object has the same port each time, below the ports that Kubernetes and Linux give', () => {
  assert.equal(httpPort(UID, undefined, []), WISH);
  assert.ok(WISH >= 20_000 && WISH < 30_000);
});

test('what others have it does not get', () => {
  const others = [agents('a', WISH), agents('b', WISH + 1)];
  assert.equal(httpPort(UID, undefined, others), WISH + 2);
});

test('what it has it keeps, whatever it would choose now', () => {
  const own = agents('own', 20_123, YOUNG);
  assert.equal(httpPort(UID, own, [own, agents('a', 20_124)]), 20_123);
});

test('of two that have the same the younger one moves', () => {
  const own = agents('own', 20_123, YOUNG);
  const other = agents('other', 20_123, OLD);
  assert.equal(httpPort(UID, own, [own, other]), WISH);
  assert.equal(httpPort(UID, other, [own, other]), 20_123);
});

test('a port that somebody set by hand elsewhere is not kept', () => {
  const own = agents('own', 80);
  assert.equal(httpPort(UID, own, [own]), WISH);
});

test('of ten thousand objects no two share a port; with more some have to', () => {
  const free = WISH - 1;
  const everybody = Array.from({ length: 10_000 }, (_, i) => agents(`a${i}`, 20_000 + i));
  const others = everybody.filter(({ metadata }) => metadata.name !== `a${free - 20_000}`);
  assert.equal(httpPort(UID, undefined, others), free);
  assert.equal(httpPort(UID, undefined, everybody), WISH);
});
