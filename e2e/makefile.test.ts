// What `make help` promises.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const VERBS = [...readFileSync('Makefile', 'utf8').matchAll(/^([a-z0-9-]+):.*## (.*)$/gm)];
const VARIABLES = VERBS.flatMap(([, verb, help]) =>
  [...help!.matchAll(/\b([A-Z]+)=/g)].map(([, name]) => [verb!, name!] as const),
);

test('every verb with a variable is looked at', () => {
  assert.deepEqual(new Set(VARIABLES.map(([verb]) => verb)), new Set(['fuzz', 'kill', 'sim']));
});

for (const [verb, name] of VARIABLES) {
  test(`make ${verb} heeds ${name}`, () => {
    const recipe = execFileSync('make', ['--dry-run', verb, `${name}=4711`], { encoding: 'utf8' });
    assert.match(recipe, / --\w+ 4711\b/);
  });
}

for (const argv of [['e2e/cluster/up.ts', '--build', 'helm'], ['scripts/manifests.ts']]) {
  test(`without Go, node ${argv.join(' ')} says on one line what it needs`, () => {
    const env = { PATH: '/nonexistent', XDG_CACHE_HOME: '/nonexistent' };
    const { status, stderr } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^needs Go .* to build helm, or their folder in KUBEBUILDER_ASSETS\n$/);
  });
}
