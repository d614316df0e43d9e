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
      monitorLabels: {},
      priorityClass: null,
      logLevel: 'info',
    },
    http: { address: '', port: 8080 },
    logLevel: 'info',
  });
});

test('labels for PodMonitors are taken one by one', () => {
  const labels = ['release=prometheus', 'a=', 'b=c=d'];
  const argv = labels.flatMap((label) => ['--agent-monitor-label', label]);
  const command = parseCommand(['--agent-image', 'agent:1', ...argv], {});
  assert.ok(command.kind === 'run');
  assert.deepEqual(command.agent.monitorLabels, { release: 'prometheus', a: '', b: 'c=d' });
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
    [['--agent-image', 'x', '--agent-monitor-label', 'release'], /write KEY=VALUE/],
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
