import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand, UsageError } from './cli.ts';

test('defaults are for a pod', () => {
  const command = parseCommand(['--agent-image', 'agent:1'], { POD_NAMESPACE: 'here' });
  assert.deepEqual(command, {
    kind: 'run',
    kubeconfig: null,
    namespace: 'here',
    agent: {
      image: 'agent:1',
      pullPolicy: 'IfNotPresent',
      pullSecrets: [],
      priorityClass: null,
      logLevel: 'info',
    },
    http: { address: '0.0.0.0', port: 8080 },
    logLevel: 'info',
  });
});

test('what cannot be followed is refused with what to write instead', () => {
  const rows: [string[], RegExp][] = [
    [[], /--agent-image: name the image/],
    [['--agent-image', 'x', '--log-level', 'loud'], /--log-level loud: use one of trace/],
    [
      ['--agent-image', 'x', '--agent-pull-policy', 'Maybe'],
      /use one of Always, IfNotPresent, Never/,
    ],
    [['--agent-image', 'x', '--http', 'here'], /--http here: write ADDRESS:PORT/],
    [['--agent-image', 'x', '--http', '0.0.0.0:70000'], /write ADDRESS:PORT/],
    [['--agent-imgae', 'x'], /--agent-imgae.*see --help/],
  ];
  for (const [argv, expected] of rows) {
    assert.throws(
      () => parseCommand(argv, {}),
      (error) =>
        error instanceof UsageError &&
        expected.test(error.message) &&
        !error.message.includes('\n'),
    );
  }
});
