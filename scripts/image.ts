// Makes the agent's image without a registry: the bundle, node, the libraries both need, nothing else. The archive is
// what `docker load`, `podman load` and `ctr images import` take. Same inputs, same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ENVIRONMENT, NODE_FLAGS } from './launch.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const WORK = 'build/image';
const ROOT = `${WORK}/root`;
const OUT = 'build/images';
const NAME = `dhcp-operator/agent:${version}`;
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

rmSync(WORK, { recursive: true, force: true });
for (const folder of [
  'usr/bin',
  'app',
  'tmp',
  'etc',
  'var/lib/dhcp-operator',
  'etc/dhcp-operator',
]) {
  mkdirSync(join(ROOT, folder), { recursive: true });
}

cpSync(realpathSync(process.execPath), `${ROOT}/usr/bin/node`);
run('strip', ['--strip-unneeded', `${ROOT}/usr/bin/node`]);
cpSync('build/agent', `${ROOT}/app`, { recursive: true });
for (const library of librariesOf([`${ROOT}/usr/bin/node`, ...addons()])) {
  mkdirSync(join(ROOT, dirname(library)), { recursive: true });
  cpSync(realpathSync(library), join(ROOT, library));
}

writeFileSync(
  `${ROOT}/etc/passwd`,
  'root:x:0:0:root:/:/usr/bin/node\nagent:x:65532:65532:agent:/:/usr/bin/node\n',
);
writeFileSync(`${ROOT}/etc/group`, 'root:x:0:\nagent:x:65532:\n');
// Without it glibc would not look into /etc/hosts.
writeFileSync(`${ROOT}/etc/nsswitch.conf`, 'hosts: files dns\n');

const layer = `${WORK}/layer.tar`;
tar(layer, ROOT, ['.']);
const config = {
  architecture: ARCHITECTURE,
  os: 'linux',
  created: '1970-01-01T00:00:00Z',
  config: {
    Entrypoint: ['/usr/bin/node', ...NODE_FLAGS, '/app/main.mjs'],
    Cmd: ['run', '-f', '/etc/dhcp-operator'],
    Env: ['PATH=/usr/bin', 'NODE_ENV=production', ...ENVIRONMENT],
    WorkingDir: '/',
    Labels: {
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  },
  rootfs: { type: 'layers', diff_ids: [`sha256:${digestOf(layer)}`] },
  history: [{ created: '1970-01-01T00:00:00Z', created_by: 'scripts/image.ts' }],
};
const configText = JSON.stringify(config);
const configName = `${createHash('sha256').update(configText).digest('hex')}.json`;
writeFileSync(`${WORK}/${configName}`, configText);
writeFileSync(
  `${WORK}/manifest.json`,
  JSON.stringify([{ Config: configName, RepoTags: [NAME], Layers: ['layer.tar'] }]),
);
mkdirSync(OUT, { recursive: true });
tar(`${OUT}/agent.tar`, WORK, ['manifest.json', configName, 'layer.tar']);
console.log(`${OUT}/agent.tar: ${NAME} for ${ARCHITECTURE}, ${mebibytes(`${OUT}/agent.tar`)} MiB`);

function addons(): string[] {
  return ['packet.node', 'raw.node']
    .map((name) => `${ROOT}/app/${name}`)
    .filter((path) => existsSync(path));
}

/** The shared libraries that these need, and the loader, by the paths under which they ask for them. */
function librariesOf(binaries: readonly string[]): Set<string> {
  const lines = binaries.flatMap((binary) =>
    execFileSync('ldd', [binary], { encoding: 'utf8' }).split('\n'),
  );
  const paths = lines
    .map((line) => /(\/[^ ]+) \(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined);
  return new Set(paths);
}

function tar(archive: string, folder: string, names: readonly string[]): void {
  const reproducible = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
  ];
  run('tar', [...reproducible, '-cf', archive, '-C', folder, ...names]);
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function mebibytes(file: string): string {
  return (statSync(file).size / 2 ** 20).toFixed(0);
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    throw new Error(`${basename(command)} failed: ${(error as Error).message.split('\n')[0]}`);
  }
}
