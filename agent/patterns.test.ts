import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

// Takes 2^40 steps with an engine that goes back. In a process of its own, as nothing could stop it in this one.
const MATCH = `
  import { boundPatterns } from ${JSON.stringify(import.meta.resolve('./patterns.ts'))};
  import { compileClassMatch } from ${JSON.stringify(import.meta.resolve('../crds/compile/packetcel.ts'))};
  boundPatterns();
  const isIn = compileClassMatch('packet.hostname.matches("^(a+)+$")');
  console.log(isIn({ hostname: 'a'.repeat(40) + '!' }), isIn({ hostname: 'a'.repeat(40) }));
`;

test('a hostname made up for the pattern of a class does not hold the server up', () => {
  const args = ['--input-type=module', '--eval', MATCH];
  const { stdout, signal } = spawnSync(process.execPath, args, { timeout: 60_000 });
  assert.equal(signal, null, 'went back and forth without an end');
  assert.equal(stdout.toString(), 'false true\n');
});
