// The chart in a cluster: install, upgrade of the kinds, uninstall, and the plain YAML instead of helm.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../lab/lab.ts';
import { ControlPlane } from './controlplane.ts';
import { lanServer } from './field.ts';

const CHART = 'charts/dhcp-operator';
const RELEASE = ['dhcp', '--namespace', 'dhcp', '--create-namespace'];
/** Far above what any of them takes. */
const LONG = { timeout: 300_000 };

let cluster: ControlPlane;

before(async () => {
  cluster = await ControlPlane.start();
}, LONG);

after(async () => {
  await cluster?.stop();
});

test('helm upgrade brings the kinds up to date, and keeps the objects', LONG, async () => {
  // As an older release would have it.
  const older = join(cluster.folder, 'older');
  cpSync(CHART, older, { recursive: true });
  const file = join(older, 'files/crds/dhcpservers.yaml');
  const text = readFileSync(file, 'utf8');
  const without = text.replace(/^ +leaseObjects:\n( +).*\n(\1.*\n)*/m, '');
  assert.notEqual(without, text);
  writeFileSync(file, without);

  cluster.helm('install', ...RELEASE, older);
  cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
  const server = lanServer('lan', { leaseObjects: 'None' });
  assert.throws(() => cluster.apply(server), /unknown field "spec.leaseObjects"/);
  cluster.apply(lanServer('lan'));

  cluster.helm('upgrade', ...RELEASE, CHART);
  const kind = cluster.kubectl('get', 'crd', 'dhcpservers.dhcp-operator.io', '-o', 'json');
  assert.match(kind, /"leaseObjects"/);
  // The API server takes its time to tell of it.
  await eventually('kubectl explain to know the field', () => {
    try {
      return cluster.kubectl('explain', 'dhcpserver.spec.leaseObjects').includes('DESCRIPTION');
    } catch {
      return false;
    }
  });
  cluster.apply(server);
});

test('the release fits into the Secret that helm keeps it in, several times', LONG, () => {
  const sizes = cluster
    .kubectl(
      ...['-n', 'dhcp', 'get', 'secrets', '-l', 'owner=helm'],
      ...['-o', 'jsonpath={range .items[*]}{.data.release}{"\\n"}{end}'],
    )
    .trim()
    .split('\n')
    .map((data) => data.length);
  assert.equal(sizes.length, 2);
  console.log(`the release takes ${(Math.max(...sizes) / 1024).toFixed(0)} KiB of 1,024`);
  assert.ok(Math.max(...sizes) < 512 * 1024);
});

test('examples are taken, and what is not in order is not', LONG, () => {
  for (const name of readdirSync('crds/examples')) {
    cluster.kubectl('apply', '--server-side', '-f', `crds/examples/${name}`);
  }
  const wrong = lanServer('wrong', { leaseTime: 'soon' });
  assert.throws(() => cluster.apply(wrong), /spec\.leaseTime/);
});

test('who may edit in a namespace may edit DHCP there, who may view may view', LONG, () => {
  const can = (user: string, verb: string, kind: string): boolean => {
    try {
      cluster.kubectl('auth', 'can-i', verb, kind, '--as', user, '-n', 'default');
      return true;
    } catch {
      return false;
    }
  };
  for (const role of ['edit', 'view']) {
    cluster.kubectl('create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${role}`);
  }
  assert.deepEqual(
    [can('edit', 'create', 'dhcpservers'), can('view', 'list', 'dhcpleases')],
    [true, true],
  );
  assert.deepEqual(
    [can('view', 'create', 'dhcpservers'), can('stranger', 'list', 'dhcpleases')],
    [false, false],
  );
});

test('helm uninstall keeps kinds and objects; with crds.keep=false both go', LONG, () => {
  const names = ['get', 'dhcpservers', '-o', 'name'];
  cluster.helm('uninstall', 'dhcp', '--namespace', 'dhcp', '--wait');
  assert.match(cluster.kubectl(...names), /lan/);
  cluster.helm('install', ...RELEASE, CHART, '--take-ownership', '--set', 'crds.keep=false');
  assert.match(cluster.kubectl(...names), /lan/);
  cluster.helm('uninstall', 'dhcp', '--namespace', 'dhcp', '--wait');
  assert.doesNotMatch(cluster.kubectl('get', 'crd', '-o', 'name'), /dhcp-operator/);
});

test('the plain YAML installs the same without helm', LONG, () => {
  execFileSync(process.execPath, ['scripts/manifests.ts'], { stdio: 'pipe' });
  cluster.kubectl('apply', '--server-side', '-f', 'build/manifests.yaml');
  // Twice is an upgrade.
  cluster.kubectl('apply', '--server-side', '-f', 'build/manifests.yaml');
  assert.match(cluster.kubectl('get', 'crd', '-o', 'name'), /dhcpleases/);
  assert.match(cluster.kubectl('-n', 'dhcp-operator', 'get', 'deploy', '-o', 'name'), /operator/);
});
