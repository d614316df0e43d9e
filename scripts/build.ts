// Bundles agent and operator: a few files of JavaScript each, native addons beside them. What an image holds, and what
// starts fastest.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { build, type Plugin } from 'esbuild';
import { LAUNCHES, type Launch } from './launch.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Parts of prom-client that nobody calls here, and that load TLS and Node's cluster for it. */
const uncalled: Plugin = {
  name: 'uncalled',
  setup: (bundling) =>
    bundling.onLoad({ filter: /prom-client.lib.(pushgateway|cluster)\.js$/ }, () => ({
      contents: 'module.exports = undefined;',
    })),
};

for (const launch of LAUNCHES) await bundle(launch);
copyFileSync('build/packet.node', 'build/agent/packet.node');

async function bundle(launch: Launch): Promise<void> {
  const out = `build/${launch.name}`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [`${launch.name}/main.ts`],
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported on demand, such as all that speaks to Kubernetes, stays in files of its own until then.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // The source stays in memory. Names are kept, for stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: { 'process.env.DHCP_AGENT_VERSION': JSON.stringify(version) },
    // What is left of CommonJS in the dependencies asks for require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    // raw-socket's addon is copied beside the bundle.
    resolveExtensions: ['.ts', '.js', '.json', '.node'],
    loader: { '.node': 'copy' },
    assetNames: '[name]',
    plugins: [uncalled],
  });
  const modules = readdirSync(out).filter((name) => name.endsWith('.mjs'));
  for (const name of modules) {
    makeAscii(`${out}/${name}`);
    console.log(`${out}/${name} ${(statSync(`${out}/${name}`).size / 1024).toFixed(0)} KiB`);
  }
  writeLauncher(out, launch);
}

// One character beyond ASCII, as esbuild leaves in a regular expression, and Node keeps two octets for each of all.
function makeAscii(file: string): void {
  const escaped = (char: string): string =>
    `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  writeFileSync(file, readFileSync(file, 'utf8').replace(/[^\0-\x7f]/g, escaped));
}

function writeLauncher(out: string, { name, flags, environment }: Launch): void {
  const file = `${out}/dhcp-${name}`;
  const exports = environment.length === 0 ? '' : `export ${environment.join(' ')}\n`;
  const command = ['exec node', ...flags, '"$(dirname "$(readlink -f "$0")")/main.mjs" "$@"'];
  writeFileSync(file, `#!/bin/sh\n${exports}${command.join(' ')}\n`);
  chmodSync(file, 0o755);
}
