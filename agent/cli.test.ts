import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand, UsageError } from './cli.ts';

for (const argv of [
  [],
  ['--help'],
  ['-h'],
  ['help'],
  ['run', '--help'],
  ['validate', '--help'],
  ['validate', '-h'],
]) {
  test(`"${argv.join(' ')}" asks for help`, () => {
    assert.equal(parseCommand(argv).kind, 'help');
  });
}

test('run takes files by -f, repeated or as plain arguments', () => {
  const command = parseCommand(['run', '-f', 'a.yaml', 'b.yaml', '-f', 'c']);
  assert.deepEqual(command.kind === 'run' && command.files, ['a.yaml', 'c', 'b.yaml']);
});

for (const verb of ['leases', 'explain', 'convert'] as const) {
  test(`${verb} reads its arguments itself`, () => {
    assert.deepEqual(parseCommand([verb, '--help']), { kind: verb, argv: ['--help'] });
  });
}

for (const [value, want] of [
  ['127.0.0.1:80', { address: '127.0.0.1', port: 80, asked: true }],
  [':8080', { address: '127.0.0.1', port: 8080, asked: true }],
  ['[::1]:80', { address: '::1', port: 80, asked: true }],
  // An address of either family from a variable, which cannot be asked.
  ['[192.0.2.1]:80', { address: '192.0.2.1', port: 80, asked: true }],
  ['off', null],
] as const) {
  test(`--http ${value}`, () => {
    const command = parseCommand(['run', '-f', 'a', '--http', value]);
    assert.deepEqual(command.kind === 'run' && command.http, want);
  });
}

for (const [argv, message] of [
  [['walk'], 'unknown command "walk"'],
  [['run'], 'no manifests: name files or folders with -f'],
  [['run', '-f', 'a', '--log-level', 'loud'], '--log-level loud: use one of trace, debug'],
  [['run', '-f', 'a', '--http', '9067'], '--http 9067: write ADDRESS:PORT'],
  [['run', '-f', 'a', '--http', '1.2.3.4:99999'], '--http 1.2.3.4:99999: write ADDRESS:PORT'],
  [['run', '-f', 'a', '--verbose'], "Unknown option '--verbose'"],
  [['run', '-f', 'a', '--state-dir', ''], '--state-dir is empty: name a folder'],
  [['validate'], 'no manifests'],
] as const) {
  test(`"${argv.join(' ')}" is refused with one line`, () => {
    assert.throws(
      () => parseCommand(argv),
      (error: Error) =>
        error instanceof UsageError &&
        error.message.startsWith(message) &&
        !error.message.includes('\n'),
    );
  });
}
