import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { convert, guessKind, manifestOf } from './convert.ts';
import { formatFinding } from './report.ts';
import { onDisk } from './source.ts';
import { NOW, problemsOf, TESTDATA, testFile } from './testfiles.ts';

for (const [config, leases, interfaces] of [
  ['dhcpd.conf', 'dhcpd.leases', ['eth0']],
  ['kea.conf', 'kea-leases4.csv', []],
  ['dnsmasq.conf', 'dnsmasq.leases', []],
] as const) {
  const result = convert({
    config: testFile(config),
    from: null,
    leases: [testFile(leases)],
    naming: {},
    interfaces,
    files: onDisk,
    leasesAsObjects: true,
    now: NOW,
  });
  test(`${config} is written as it was in testdata`, () => {
    golden(`${config}.yaml`, manifestOf(result));
    golden(`${config}.report`, `${result.findings.map(formatFinding).join('\n')}\n`);
  });
  test(`what is made of ${config} is valid, and the same to YAML 1.1 and 1.2`, () => {
    assert.deepEqual(problemsOf(result), []);
    for (const version of ['1.1', '1.2'] as const) {
      const objects = parseAllDocuments(manifestOf(result), { version }).map((one) => one.toJS());
      assert.deepEqual(objects, result.objects);
    }
  });
}

for (const [looks, text, kind] of [
  ['JSON with a comment', '// x\n# y\n{ "Dhcp4": {} }', 'kea'],
  ['JSON that is included', '<?include "x"?>', 'kea'],
  ['statements', '# x\noption a "b";\nsubnet', 'dhcpd'],
  ['a block', 'subnet 192.0.2.0 netmask 255.255.255.0 {\n}', 'dhcpd'],
  ['lines', '# x;\ndhcp-range=192.0.2.1,192.0.2.9', 'dnsmasq'],
  ['nothing but comments', '# x\n', 'dhcpd'],
] as const) {
  test(`${looks} is of ${kind}`, () => {
    assert.equal(guessKind(text), kind);
  });
}

/** UPDATE=1 rewrites the files; the diff is to be read. */
function golden(name: string, text: string): void {
  if (process.env.UPDATE === '1') writeFileSync(TESTDATA + name, text);
  assert.equal(text, readFileSync(TESTDATA + name, 'utf8'));
}
