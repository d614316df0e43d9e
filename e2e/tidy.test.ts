// The architecture, as a test: who may import whom, and that the pure layers are pure. A linter cannot know.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

interface Layer {
  readonly name: string;
  readonly path: RegExp;
  readonly pure: boolean;
  /** The layers it imports from, besides itself. */
  readonly may: readonly string[];
  readonly packages: RegExp;
}

/** The first whose path matches a file is its layer. */
const LAYERS: readonly Layer[] = [
  {
    name: 'test',
    path: /\.test\.ts$|^crds\/client\/(fake|conformance)\.ts$|\/test\w*\.ts$|\/bench\.ts$|^e2e\/|^scripts\//,
    pure: false,
    may: ['*'],
    packages: /./,
  },
  { name: 'codec', path: /^codec\//, pure: true, may: [], packages: /^$/ },
  {
    name: 'crds',
    path: /^crds\/(types\/|compile|structural|schemas|election|duration|problem|document|path|nearest|kinds|assignment|formats|meaning|explain|validate|plan)/,
    pure: true,
    may: ['codec'],
    packages: /^(zod|@marcbachmann\/cel-js)$/,
  },
  {
    name: 'client-api',
    path: /^crds\/client\/(kube|resources)\.ts$/,
    pure: true,
    may: ['crds'],
    packages: /^$/,
  },
  {
    name: 'client',
    path: /^crds\/client\//,
    pure: false,
    may: ['codec', 'crds', 'edge', 'client-api'],
    packages: /^(@kubernetes\/client-node(\/dist\/config.js)?|pino)$/,
  },
  {
    name: 'edge',
    path: /^crds\//,
    pure: false,
    may: ['codec', 'crds'],
    packages: /^(zod|yaml|ts-json-schema-generator)$/,
  },
  {
    name: 'agent-core',
    path: /^agent\/core\//,
    pure: true,
    may: ['codec', 'crds'],
    packages: /^@marcbachmann\/cel-js$/,
  },
  {
    name: 'agent',
    path: /^agent\//,
    pure: false,
    may: ['codec', 'crds', 'edge', 'client', 'client-api', 'agent-core'],
    packages: /^(pino|pino-pretty|prom-client|raw-socket|zod|yaml)$/,
  },
  {
    name: 'operator-core',
    path: /^operator\/core\//,
    pure: true,
    may: ['codec', 'crds', 'client-api'],
    packages: /^$/,
  },
  {
    name: 'operator',
    path: /^operator\//,
    pure: false,
    may: ['codec', 'crds', 'edge', 'client', 'client-api', 'operator-core'],
    packages: /^(pino|pino-pretty|prom-client|zod|yaml)$/,
  },
];

const IMPURE =
  /\b(Date\b|Math\.random|process\.|performance\.|set(Timeout|Interval|Immediate)\b|crypto\.random|async |await )/;
const PURE_NODE_MODULES = /^node:(assert|buffer)/;
const FILE_LINES_MAX = 400;
const FILES = globSync('{codec,crds,agent,operator,e2e,scripts}/**/*.ts').filter(
  (file) => !file.endsWith('.d.ts'),
);

function problems(file: string, text: string): string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file}: belongs to no layer`];
  const found: string[] = [];
  const lines = text.split('\n');
  if (lines.length > FILE_LINES_MAX && layer.name !== 'test') {
    found.push(`${file}: ${lines.length} lines, over ${FILE_LINES_MAX}`);
  }
  lines.forEach((line, index) => {
    const here = `${file}:${index + 1}`;
    const code = withoutComment(line);
    if (layer.pure && IMPURE.test(code))
      found.push(`${here}: ${layer.name} must be pure: ${code.trim()}`);
    if (layer.name !== 'test' && /\bexport default\b/.test(code))
      found.push(`${here}: no default exports`);
    const from = /\bfrom '([^']+)'/.exec(code)?.[1] ?? /\bimport\('([^']+)'\)/.exec(code)?.[1];
    if (from !== undefined && !allowed(file, layer, from)) {
      found.push(`${here}: ${layer.name} may not import ${from}`);
    }
  });
  return found;
}

// Comments and texts may speak of dates and processes.
function withoutComment(line: string): string {
  return line.replace(/^\s*(\/?\*.*|\/\/.*)$/, '').replace(/\/\/.*$/, '');
}

function allowed(file: string, layer: Layer, from: string): boolean {
  if (layer.may.includes('*')) return true;
  if (from.startsWith('node:')) return !layer.pure || PURE_NODE_MODULES.test(from);
  if (!from.startsWith('.')) return layer.packages.test(from);
  const target = layerOf(normalize(join(dirname(file), from)));
  return target !== undefined && (target === layer || layer.may.includes(target.name));
}

function layerOf(file: string): Layer | undefined {
  return LAYERS.find(({ path }) => path.test(file));
}

test('the tree is tidy', () => {
  assert.ok(FILES.length > 10, 'run from the top of the tree');
  assert.deepEqual(
    FILES.flatMap((file) => problems(file, readFileSync(file, 'utf8'))),
    [],
  );
});

/** All that IANA has registered is there. */
const REGISTRY = 'codec/v4/header.ts';

test('what is exported is used elsewhere', () => {
  const texts = FILES.map((file) => [file, readFileSync(file, 'utf8')] as const);
  const files = new Map<string, number>();
  for (const [, text] of texts) {
    for (const word of new Set(text.match(/\w+/g))) files.set(word, (files.get(word) ?? 0) + 1);
  }
  const unused = texts.flatMap(([file, text]) =>
    [...text.matchAll(/^export (?:const|(?:async )?function|class) (\w+)/gm)]
      .filter(([, name]) => file !== REGISTRY && files.get(name!) === 1)
      .map(([, name]) => `${file}: ${name} is used here only, or nowhere`),
  );
  assert.deepEqual(unused, []);
});

for (const [file, text, want] of [
  ['codec/x.ts', "import { relay } from '../agent/core/relay.ts';", /codec may not import/],
  ['agent/core/x.ts', 'const now = Date.now();', /must be pure/],
  ['agent/core/x.ts', "import { readFileSync } from 'node:fs';", /may not import node:fs/],
  ['agent/net/x.ts', "import { x } from '../../operator/core/render.ts';", /agent may not import/],
  ['agent/http.ts', "import x from 'express';", /agent may not import express/],
  ['codec/x.ts', 'export default 1;', /no default exports/],
  ['lost/x.ts', '', /belongs to no layer/],
  ['codec/x.ts', '\n'.repeat(401), /402 lines/],
] as const) {
  test(`tidy notices ${want.source} in ${file}`, () => {
    assert.match(problems(file, text).join('\n'), want);
  });
}
