import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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
