// Bundles the agent: one file of JavaScript, its native addons beside it. What an image holds, and what starts fastest.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { build } from 'esbuild';

const OUT = 'build/agent';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: ['agent/main.ts'],
  outfile: `${OUT}/main.mjs`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
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
copyFileSync('build/packet.node', `${OUT}/packet.node`);
writeFileSync(
  `${OUT}/dhcp-agent`,
  '#!/bin/sh\nexec node --optimize-for-size "$(dirname "$(readlink -f "$0")")/main.mjs" "$@"\n',
);
chmodSync(`${OUT}/dhcp-agent`, 0o755);
console.log(`${OUT}/main.mjs ${(statSync(`${OUT}/main.mjs`).size / 1024).toFixed(0)} KiB`);
