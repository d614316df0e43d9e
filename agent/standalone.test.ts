import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Logger, pino } from 'pino';
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

/** What is logged, as `level message lists`. */
function logging(): { log: Logger; lines: () => string[] } {
  const written: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => written.push(line) });
  const levels: Record<number, string> = { 30: 'info', 40: 'warn', 50: 'error' };
  const lines = (): string[] =>
    written.splice(0).map((line) => {
      const { level, msg, ...lists } = JSON.parse(line) as { level: number; msg: string };
      const facts = Object.keys(lists).length === 0 ? '' : ` ${JSON.stringify(lists)}`;
      return `${levels[level]} ${msg}${facts}`;
    });
  return { log, lines };
}

test('the log tells what an edit did, and what kept it from doing anything', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'standalone-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const manifest = join(folder, 'lab.yaml');
  const { log, lines } = logging();
  let servers = 0;
  const apply = (config: AgentConfig): void => {
    servers = config.servers.length;
  };
  const standalone = new Standalone([manifest], log, apply);
  const keeps = '; what was accepted before keeps running';
  const nothing = 'warn there is no DhcpRelay or DhcpServer to run';
  const lists = (key: string): string =>
    JSON.stringify({ added: [], changed: [], removed: [], [key]: ['DhcpServer/lab'] });
  // [what is in the file, what is logged, how many servers run]
  const steps: [string | null, string[], number][] = [
    [null, [`error ${manifest}: no such file or folder`], 0],
    ['', [`warn ${manifest}: is empty`, nothing], 0],
    [SERVER, [`info manifests applied ${lists('added')}`], 1],
    [SERVER, [], 1],
    ['\n', [`warn ${manifest}: is empty${keeps}`], 1],
    [null, [`error ${manifest}: no such file or folder${keeps}`], 1],
    [SERVER.replace('/25', '/26'), [`info manifests applied ${lists('changed')}`], 1],
    ['# none', [`info manifests applied ${lists('removed')}`, nothing], 0],
  ];
  for (const [text, want, running] of steps) {
    if (text === null) rmSync(manifest, { force: true });
    else writeFileSync(manifest, text);
    standalone.reload();
    assert.deepEqual(lines(), want, text ?? 'no file');
    assert.equal(servers, running, text ?? 'no file');
  }
});

test('a relay does without what commands want of servers, and need not be allowed to read it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'standalone-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const manifest = join(folder, 'office.yaml');
  writeFileSync(
    manifest,
    `${HEAD}DhcpRelay\nmetadata: { name: office }\nspec: { upstreams: [{ address: 192.0.2.1 }] }\n`,
  );
  const silent = pino({ level: 'silent' });
  const refused = (): never => {
    throw new Error('intents: EACCES');
  };
  let relays = 0;
  const apply = (config: AgentConfig): void => {
    relays = config.relays.length;
  };
  const standalone = new Standalone([manifest], silent, apply, refused);
  assert.equal(standalone.reload(), true);
  assert.equal(relays, 1);
  writeFileSync(manifest, SERVER);
  assert.equal(standalone.reload(), false);
});
