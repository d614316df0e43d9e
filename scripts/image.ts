// Makes the images of agent and operator without a registry: node and the libraries it needs in a layer that both share, the
// bundle in another, nothing else. The archives are what `docker load`, `podman load` and `ctr images import` take. Same
// inputs, same bytes, whatever the folder and the umask. For another architecture run it on such a machine.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LAUNCHES, type Launch } from './launch.ts';

const { version, license } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  license: string;
};
const WORK = 'build/image';
const OUT = 'build/images';
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
const FOLDERS = ['usr/bin', 'tmp', 'etc/dhcp-operator', 'var/lib/dhcp-operator'];
const NEVER = '1970-01-01T00:00:00Z';

rmSync(WORK, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const base = layer('base', baseRoot(`${WORK}/base`));
for (const launch of LAUNCHES) image(launch);

function image(launch: Launch): void {
  const { name } = launch;
  const root = `${WORK}/${name}`;
  mkdirSync(`${root}/app`, { recursive: true });
  cpSync(`build/${name}`, `${root}/app`, { recursive: true });
  for (const addon of readdirSync(`${root}/app`).filter((file) => file.endsWith('.node')))
    strip(`${root}/app/${addon}`);
  const layers = [base, layer(name, root)];
  const config = JSON.stringify(configOf(launch, layers));
  const configName = `${sha256(config)}.json`;
  writeFileSync(`${WORK}/${configName}`, config);
  const reference = `dhcp-operator/${name}:${version}`;
  const files = layers.map(({ file }) => file);
  writeFileSync(
    `${WORK}/manifest.json`,
    JSON.stringify([{ Config: configName, RepoTags: [reference], Layers: files }]),
  );
  const archive = `${OUT}/${name}.tar`;
  tar(archive, WORK, ['manifest.json', configName, ...files]);
  const packed = layers.reduce((sum, one) => sum + one.packed, 0);
  console.log(
    `${archive}: ${reference} for ${ARCHITECTURE}, ${mebibytes(statSync(archive).size)} MiB, ${mebibytes(packed)} MiB as a registry would move it`,
  );
}

function configOf(
  { name, flags, environment, command, user, purpose }: Launch,
  layers: readonly Layer[],
): object {
  return {
    architecture: ARCHITECTURE,
    os: 'linux',
    created: NEVER,
    config: {
      User: user,
      Entrypoint: ['/usr/bin/node', ...flags, '/app/main.mjs'],
      Cmd: command,
      Env: ['PATH=/usr/bin', 'NODE_ENV=production', ...environment],
      WorkingDir: '/',
      Labels: {
        'org.opencontainers.image.title': `dhcp-operator/${name}`,
        'org.opencontainers.image.description': purpose,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': license,
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
    history: layers.map(() => ({ created: NEVER, created_by: 'scripts/image.ts' })),
  };
}

/** Everything but the bundles. */
function baseRoot(root: string): string {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  const node = `${root}/usr/bin/node`;
  cpSync(realpathSync(process.execPath), node);
  strip(node);
  for (const library of librariesOf([node, ...addons()])) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
  writeFileSync(
    `${root}/etc/passwd`,
    'root:x:0:0:root:/:/usr/bin/node\ndhcp:x:65532:65532:dhcp:/:/usr/bin/node\n',
  );
  writeFileSync(`${root}/etc/group`, 'root:x:0:\ndhcp:x:65532:\n');
  // Without it glibc would not look into /etc/hosts.
  writeFileSync(`${root}/etc/nsswitch.conf`, 'hosts: files dns\n');
  return root;
}

// Debug information names the folder that was built in, and the build id is made of it.
function strip(binary: string): void {
  run('strip', ['--strip-unneeded', '--remove-section=.note.gnu.build-id', binary]);
}

function addons(): string[] {
  return ['packet.node', 'raw.node'].map((name) => `build/agent/${name}`).filter(existsSync);
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

interface Layer {
  readonly file: string;
  readonly digest: string;
  /** Its size when compressed. */
  readonly packed: number;
}

function layer(name: string, root: string): Layer {
  const file = `${name}.layer.tar`;
  tar(`${WORK}/${file}`, root, ['.']);
  const bytes = readFileSync(`${WORK}/${file}`);
  return { file, digest: sha256(bytes), packed: gzipSync(bytes).length };
}

function tar(archive: string, folder: string, names: readonly string[]): void {
  const reproducible = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    // The operator does not own its program, and a strict umask would lock it out.
    '--mode=u=rwX,go=rX',
    '--format=gnu',
  ];
  run('tar', [...reproducible, '-cf', archive, '-C', folder, ...names]);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    throw new Error(`${basename(command)} failed: ${(error as Error).message.split('\n')[0]}`);
  }
}
