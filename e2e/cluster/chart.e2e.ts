// The chart in a cluster: install, upgrade of the kinds, uninstall, and the plain YAML instead of helm.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../lab/lab.ts';
import { ControlPlane } from './controlplane.ts';
import { lanServer } from './field.ts';
import { checkOut, previousCommit } from './previous.ts';
import { applyAll, assertInstalled, assertSurvived, RELEASE } from './upgraded.ts';

const CHART = 'charts/dhcp-operator';
const TARGET = [RELEASE, '--namespace', RELEASE];
const KINDS = new Set(['DhcpServer', 'DhcpRelay', 'DhcpLease']);
/** Far above what any of them takes. */
const LONG = { timeout: 300_000 };

let cluster: ControlPlane;

before(async () => {
  cluster = await ControlPlane.start();
}, LONG);

after(async () => {
  await cluster?.stop();
});

const previous = previousCommit();

test('the chart of the previous commit is upgraded by helm, rolled back, and upgraded again', {
  ...LONG,
  skip: typeof previous === 'string' ? previous : false,
}, async () => {
  assert.ok(typeof previous !== 'string');
  const { commit, differs } = previous;
  console.log(`previous: ${commit}${differs ? '' : ', whose chart is the one of now'}`);
  const { chart, examples } = checkOut(previous, join(cluster.folder, 'previous'));
  await install(chart);
  const objects = applyAll(cluster, examples);
  assert.deepEqual(new Set(objects.map(({ kind }) => kind)), KINDS);
  await changeAndBack(chart, objects);
  uninstall();
});

test('a release that knew less, could more and had more is brought up to date', LONG, async () => {
  const older = olderRelease();
  await install(older);
  assert.throws(() => assertInstalled(cluster, CHART), 'it is another one');
  const server = lanServer('lan', { leaseObjects: 'None' });
  assert.throws(() => cluster.apply(server), /unknown field "spec.leaseObjects"/);
  cluster.apply(lanServer('lan'));
  await changeAndBack(older, applyAll(cluster, 'crds/examples'));
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
      ...['-n', RELEASE, 'get', 'secrets', '-l', 'owner=helm'],
      ...['-o', 'jsonpath={range .items[*]}{.data.release}{"\\n"}{end}'],
    )
    .trim()
    .split('\n')
    .map((data) => data.length);
  assert.equal(sizes.length, 4);
  console.log(`the release takes ${(Math.max(...sizes) / 1024).toFixed(0)} KiB of 1,024`);
  assert.ok(Math.max(...sizes) < 512 * 1024);
});

test('examples are taken, and what is not in order is not', LONG, () => {
  applyAll(cluster, 'crds/examples');
  const wrong = lanServer('wrong', { leaseTime: 'soon' });
  assert.throws(() => cluster.apply(wrong), /spec\.leaseTime/);
});

test('its pods meet the Pod Security Standard restricted', LONG, () => {
  const enforce = (level: string): string =>
    cluster.kubectl('label', 'namespace', RELEASE, `pod-security.kubernetes.io/enforce${level}`);
  enforce('=restricted');
  const { spec } = cluster.get<{ spec: { template: { spec: object } } }>(
    ...['-n', RELEASE, 'deployment', `${RELEASE}-dhcp-operator`],
  );
  const pod = (of: object): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' }, spec: of });
  const tried = ['-n', RELEASE, '--dry-run=server'];
  cluster.apply(pod(spec.template.spec), ...tried);
  const only = ['--show-only', 'templates/tests/installed.yaml'];
  cluster.apply(cluster.helm('template', ...TARGET, CHART, ...only), ...tried);
  // It would be noticed.
  const onHost = { ...spec.template.spec, hostNetwork: true };
  assert.throws(() => cluster.apply(pod(onHost), ...tried), /violates PodSecurity "restricted/);
  enforce('-');
});

test('what helm says after installing can be done as it is said', LONG, () => {
  const notes = cluster.helm('get', 'notes', RELEASE, '--namespace', RELEASE);
  // As a shell reads it: what is indented ends no here-document.
  const [, manifest] = /^kubectl apply -f - <<EOF\n(.*?)\nEOF$/ms.exec(notes)!;
  cluster.apply(manifest!, '--dry-run=server');
  for (const [, command] of notes.matchAll(/^ +(?:.*: )?kubectl (explain .*)$/gm))
    cluster.kubectl(...command!.split(' '));
  const [, labels] = /kubectl delete crd -l (\S+)/.exec(notes)!;
  const kinds = cluster.kubectl('get', 'crd', '-l', labels!, '-o', 'name');
  assert.equal(kinds.trim().split('\n').length, KINDS.size);
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
  cluster.helm('uninstall', ...TARGET, '--wait');
  assert.match(cluster.kubectl(...names), /lan/);
  cluster.helm('install', ...TARGET, CHART, '--take-ownership', '--set', 'crds.keep=false');
  assert.match(cluster.kubectl(...names), /lan/);
  cluster.helm('uninstall', ...TARGET, '--wait');
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

async function install(chart: string): Promise<void> {
  cluster.helm('install', ...TARGET, '--create-namespace', chart);
  cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
  await eventually('the kinds to be known', () => {
    const names = cluster.kubectl('api-resources', '--api-group=dhcp-operator.io', '-o', 'name');
    return names.trim().split('\n').length === KINDS.size;
  });
  assertInstalled(cluster, chart);
}

// As charts/dhcp-operator/README.md says: helm upgrade and nothing else.
async function changeAndBack(older: string, objects: ReturnType<typeof applyAll>): Promise<void> {
  for (const [chart, ...command] of [
    [CHART, 'upgrade', ...TARGET, CHART],
    [older, 'rollback', ...TARGET, '1'],
    [CHART, 'upgrade', ...TARGET, CHART],
  ] as const) {
    cluster.helm(...command);
    assertInstalled(cluster, chart);
    assertSurvived(cluster, objects);
  }
}

/** The chart of now as an older release may have had it, whatever the history says. */
function olderRelease(): string {
  const older = join(cluster.folder, 'older');
  cpSync(CHART, older, { recursive: true });
  const edit = (name: string, from: RegExp, to: string): void => {
    const file = join(older, name);
    const text = readFileSync(file, 'utf8');
    assert.match(text, from);
    writeFileSync(file, text.replace(from, to));
  };
  edit('Chart.yaml', /^version: .*\nappVersion: .*$/m, 'version: 0.0.1\nappVersion: 0.0.1');
  edit('files/crds/dhcpservers.yaml', /^ +leaseObjects:\n( +).*\n(\1.*\n)*/m, '');
  edit('templates/deployment.yaml', /^ +- --log-level=.*\n/m, '');
  appendFileSync(
    join(older, 'files/operator-rules.yaml'),
    '- apiGroups: [""]\n  resources: [secrets]\n  verbs: [get]\n',
  );
  writeFileSync(
    join(older, 'templates/gone.yaml'),
    `apiVersion: v1
kind: ConfigMap
metadata:
  name: gone
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "dhcp-operator.labels" . | nindent 4 }}
`,
  );
  return older;
}

/** Down to the objects. */
function uninstall(): void {
  cluster.kubectl('delete', 'dhcpservers,dhcprelays,dhcpleases', '--all', '-A', '--timeout=30s');
  cluster.helm('uninstall', ...TARGET, '--wait');
  cluster.kubectl('delete', 'crd', '-l', `app.kubernetes.io/instance=${RELEASE}`);
}
