import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { AgentConfig } from '../crds/types/agentconfig.ts';
import type { ManifestFile } from './files.ts';
import { Standalone } from './standalone.ts';

const HEAD = 'apiVersion: dhcp-operator.io/v1alpha1\nkind: ';
const SERVER = `${HEAD}DhcpServer
metadata: { name: lab }
spec: { subnets: [{ cidr: 192.0.2.0/24, pools: [{ cidr: 192.0.2.128/25 }] }] }
`;

function intent(server: string, address: string, spec = 'intent: Quarantine'): ManifestFile {
  const text = `${HEAD}DhcpLease
metadata: { name: ${server}-${address} }
spec: { serverRef: { name: ${server} }, address: ${address}, ${spec} }
`;
  return { file: `intents/${server}-${address}.yaml`, text };
}

// [what commands have written, what is in force of it, whether all is well]
for (const [name, intents, wanted, well] of [
  ['nothing', [], [], true],
  ['what is sound', [intent('lab', '192.0.2.9')], ['lab-192.0.2.9'], true],
  ['nothing for a server of another agent', [intent('other', '192.0.2.9')], [], true],
  ['nothing of what is wrong', [intent('lab', '10.0.0.1')], [], false],
  [
    'the rest beside what is wrong',
    [intent('lab', '10.0.0.1'), intent('lab', '192.0.2.9')],
    ['lab-192.0.2.9'],
    false,
  ],
  ['nothing that is not known', [intent('lab', '192.0.2.9', 'intent: Gone')], [], false],
] as const) {
  test(`of what commands have written there is in force: ${name}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'standalone-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const manifest = join(folder, 'lab.yaml');
    writeFileSync(manifest, SERVER);
    let config: AgentConfig | null = null;
    const apply = (applied: AgentConfig): void => {
      config = applied;
    };
    const silent = pino({ level: 'silent' });
    const standalone = new Standalone([manifest], silent, apply, () => intents);
    assert.equal(standalone.reload(), well);
    const [server] = (config as AgentConfig | null)?.servers ?? [];
    assert.deepEqual(
      server?.intents.map(({ source }) => source),
      wanted,
    );
    const problems = standalone.tryOut(intent('lab', '10.0.0.2'));
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['spec.address'],
    );
    assert.deepEqual(standalone.tryOut(intent('lab', '192.0.2.8')), []);
  });
}
