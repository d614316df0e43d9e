// The archives of `make images`: what is in them and what is not, and that the same tree makes the same bytes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LAUNCHES } from '../../scripts/launch.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

interface Manifest {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

interface Config {
  readonly os: string;
  readonly architecture: string;
  readonly config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

for (const { name, user } of LAUNCHES) {
  describe(`the image of the ${name}`, () => {
    const archive = `build/images/${name}.tar`;
    const read = (file: string): Buffer => tar('-xOf', archive, file);
    const [manifest] = JSON.parse(read('manifest.json').toString()) as [Manifest];
    const config = JSON.parse(read(manifest.Config).toString()) as Config;
    const entries = manifest.Layers.flatMap((layer) => entriesOf(read(layer)));

    test('is called as the chart calls it, and says what it is', () => {
      assert.deepEqual(manifest.RepoTags, [`dhcp-operator/${name}:${version}`]);
      const chart = readFileSync('charts/dhcp-operator/values.yaml', 'utf8');
      assert.match(chart, new RegExp(`repository: dhcp-operator/${name}$`, 'm'));
      const { Labels } = config.config;
      for (const label of ['title', 'description', 'version', 'licenses']) {
        assert.ok(Labels[`org.opencontainers.image.${label}`], label);
      }
    });

    test('is named by the digest of its content', () => {
      assert.equal(manifest.Config, `${sha256(read(manifest.Config))}.json`);
      const digests = manifest.Layers.map((layer) => `sha256:${sha256(read(layer))}`);
      assert.deepEqual(config.rootfs.diff_ids, digests);
    });

    test('starts node itself, as who it has to be', () => {
      assert.equal(config.config.User, user);
      assert.equal(config.config.Entrypoint[0], '/usr/bin/node');
      assert.equal(config.config.Entrypoint.at(-1), '/app/main.mjs');
    });

    test('has no shell, nothing that anybody may write, and nothing that he may not read', () => {
      const names = entries.map((entry) => entry.name);
      assert.ok(names.includes('./usr/bin/node') && names.includes('./app/main.mjs'));
      assert.deepEqual(
        names.filter((one) => /\/(ba|da|bu?sy)?sh$|busybox|apt|dpkg/.test(one)),
        [],
      );
      for (const { mode, owner, name: file } of entries) {
        assert.match(mode, /^(d|-|l)rw[x-]r-[x-]r-[x-]$/, file);
        assert.equal(owner, '0/0', file);
        if (mode.startsWith('d')) assert.equal(mode, 'drwxr-xr-x', file);
      }
    });
  });
}

test('a strict umask makes the same bytes', { timeout: 120_000 }, () => {
  const digests = (): string[] =>
    LAUNCHES.map(({ name }) => sha256(readFileSync(`build/images/${name}.tar`)));
  const before = digests();
  execFileSync('sh', ['-c', 'umask 077 && exec "$0" scripts/image.ts', process.execPath], {
    stdio: 'pipe',
  });
  assert.deepEqual(digests(), before);
});

function entriesOf(layer: Buffer): { mode: string; owner: string; name: string }[] {
  const lines = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], {
    input: layer,
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [mode = '', owner = '', , , , name = ''] = line.split(/\s+/);
      return { mode, owner, name };
    });
}

function tar(...args: string[]): Buffer {
  return execFileSync('tar', args, { maxBuffer: 1 << 28 });
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
