import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TESTDATA } from './testfiles.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

function convert(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'convert', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('convert: manifests on standard output, what is not in them on standard error, and exit status 2', () => {
  const { status, stdout, stderr } = convert(`${TESTDATA}dhcpd.conf`, '--interface', 'eth0');
  assert.equal(status, 2);
  assert.match(stdout, /^# Made of dhcpd\.conf \(dhcpd\)/);
  assert.match(stdout, /\nkind: DhcpServer\n/);
  assert.match(stderr, /^dhcpd\.conf:\d+: failover peer "partner": there is no failover/m);
});

test('convert: exit status 0 when all is carried over', () => {
  const { status, stderr } = convert(`${TESTDATA}plain-dhcpd.conf`, '--interface', 'eth0');
  assert.equal(stderr, '');
  assert.equal(status, 0);
});

for (const [mistake, args, status, message] of [
  ['no file', [], 64, /name the configuration file/],
  ['two files', ['a', 'b'], 64, /one configuration at a time, not also b/],
  ['a file that is not there', ['/nowhere'], 1, /^dhcp-agent: \/nowhere: no such file$/m],
  ['a folder', ['/tmp'], 1, /^dhcp-agent: \/tmp: is a folder: name a file in it$/m],
  ['an unknown program', ['a', '--from', 'udhcpd'], 64, /use one of dhcpd, kea, dnsmasq/],
  ['an odd name', ['a', '--name', 'A B'], 64, /--name A B: use lower-case/],
  ['an unknown option', ['a', '--form', 'kea'], 64, /'--form'/],
  ['a store without leases', ['a', '--state-dir', '/tmp/x'], 64, /name their file with --leases/],
] as const) {
  test(`convert: ${mistake} is told in one line`, () => {
    const result = convert(...args);
    assert.match(result.stderr, message);
    assert.equal(result.stderr.trim().split('\n').length, 1);
    assert.equal(result.status, status);
    assert.equal(result.stdout, '');
  });
}

test('convert: --state-dir writes leases where the server of that name looks for them', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'convert-'));
  try {
    const { stdout, stderr } = convert(
      `${TESTDATA}dhcpd.conf`,
      '--interface',
      'eth0',
      '--name',
      'office',
      '--leases',
      `${TESTDATA}dhcpd.leases`,
      '--state-dir',
      stateDir,
    );
    assert.match(stderr, /^\d leases written to .*\/servers\/office$/m);
    assert.doesNotMatch(stdout, /DhcpLease/);
    assert.ok(
      readdirSync(join(stateDir, 'servers/office')).some((name) => name.startsWith('journal-')),
    );
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});
