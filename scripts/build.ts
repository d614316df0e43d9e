// Bundles the agent: a few files of JavaScript, its native addons beside them. What an image holds, and what starts fastest.
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
import { build } from 'esbuild';
import { ENVIRONMENT, NODE_FLAGS } from './launch.ts';

const OUT = 'build/agent';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: ['agent/main.ts'],
  outdir: OUT,
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
});
// One character beyond ASCII, as esbuild leaves in a regular expression, and Node keeps two octets for each of all.
const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
const modules = readdirSync(OUT).filter((name) => name.endsWith('.mjs'));
for (const name of modules) {
  const source = readFileSync(`${OUT}/${name}`, 'utf8');
  writeFileSync(`${OUT}/${name}`, source.replace(/[^\0-\x7f]/g, escaped));
}
copyFileSync('build/packet.node', `${OUT}/packet.node`);
writeFileSync(
  `${OUT}/dhcp-agent`,
  `#!/bin/sh
export ${ENVIRONMENT.join(' ')}
exec node ${NODE_FLAGS.join(' ')} "$(dirname "$(readlink -f "$0")")/main.mjs" "$@"
`,
);
chmodSync(`${OUT}/dhcp-agent`, 0o755);
for (const name of modules) {
  console.log(`${OUT}/${name} ${(statSync(`${OUT}/${name}`).size / 1024).toFixed(0)} KiB`);
}
