import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { compile } from '../crds/compile.ts';
import { readManifests } from '../crds/manifest.ts';
import { Agent } from './agent.ts';

const SERVER = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpServer
metadata: { name: lab }
spec: { subnets: [{ cidr: 192.0.2.0/24, pools: [{ cidr: 192.0.2.128/25 }] }] }
`;

test('an edit that arrives after the agent was told to stop starts nothing', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const { config } = compile(readManifests([{ file: 'a.yaml', text: SERVER }]).documents, {
    kubernetes: false,
  });
  assert.equal(config.servers.length, 1);
  const agent = new Agent({
    node: 'n',
    nodeDuid: Buffer.of(0, 4),
    log: pino({ level: 'silent' }),
    now: () => 0,
    stateDir,
    random: () => 0,
  });
  await agent.linksChanged([]);
  await agent.stop();
  await agent.apply(config);
  await agent.settled();
  t.after(() => agent.stop());
  assert.equal(existsSync(join(stateDir, 'servers')), false);
});

const RELAY = `
apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpRelay
metadata: { name: office }
spec: { upstreams: [{ address: 203.0.113.1 }], upstreamDevice: nowhere0 }
`;

test('what cannot be started is tried again and again, and said once', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  // A file where the leases should lie, and a device that is not there.
  writeFileSync(join(stateDir, 'servers'), '');
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const agent = new Agent({
    node: 'n',
    nodeDuid: Buffer.of(0, 4),
    log,
    now: () => 0,
    stateDir,
    random: () => 0,
  });
  t.after(() => agent.stop());
  const texts = [SERVER, RELAY].join('---');
  const apply = async (text: string): Promise<void> => {
    const { documents } = readManifests([{ file: 'a.yaml', text }]);
    await agent.apply(compile(documents, { kubernetes: false }).config);
    await agent.settled();
  };
  await agent.linksChanged([]);
  await apply(texts);
  for (let i = 0; i < 3; i++) {
    assert.equal(agent.failedEntirely(), true);
    assert.equal(agent.notReady().length, 2);
    await agent.retry();
  }
  assert.equal(lines.length, 2, lines.join(''));
  await apply('');
  assert.deepEqual(agent.notReady(), [], 'what is not wanted any more does not fail');
  await apply(texts);
  assert.equal(lines.length, 4, 'and is news when it is wanted again');
});
