// The chart without a cluster: what it renders, refuses and documents. What it does in a cluster is in e2e/cluster.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { OPERATOR_RULES } from '../operator/core/rbac.ts';
import { chartFiles } from '../scripts/chart.ts';
import { missing, tool } from './cluster/tools.ts';

const CHART = 'charts/dhcp-operator';
const GOLDEN = 'e2e/cluster/golden';
const EVERYTHING = [
  ...['--set', 'metrics.serviceMonitor.enabled=true', '--set', 'metrics.alerts.enabled=true'],
  ...['--set', 'metrics.serviceMonitor.labels.release=prometheus', '--set', 'replicas=3'],
  ...['--set', 'imagePullSecrets={registry}', '--set', 'podAnnotations.team=lan'],
  ...['--set', 'image.repository=registry.example/dhcp', '--set', 'image.tag=9.9.9'],
  ...['--set', 'nodeSelector.pool=infra', '--set', 'tolerations[0].operator=Exists'],
  ...['--set', 'serviceAccount.annotations.role=dhcp', '--set', 'logLevel=debug'],
];

// In the run that proves the chart its absence is a failure.
const noHelm =
  missing(['helm']).length === 0 || process.env.E2E === '1'
    ? false
    : 'NOT CHECKED, helm is not built: make kube';

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec?: { readonly template: { readonly spec: Record<string, unknown> } };
  readonly rules?: unknown;
}

describe('the chart', () => {
  for (const [file, text] of chartFiles()) {
    test(`${file} is as its source says`, () => {
      assert.equal(readFileSync(file, 'utf8'), text, 'make generate');
    });
  }

  test('dashboard and alerts ask for metrics that there are', () => {
    const asked = ['files/dashboard.json', 'templates/metrics.yaml'].flatMap((file) =>
      [...readFileSync(`${CHART}/${file}`, 'utf8').matchAll(/\bdhcp_\w+/g)].map(([name]) => name),
    );
    const there = new Set(sources('agent', 'operator').flatMap(metricsIn));
    assert.ok(asked.length > 15 && there.size > 15);
    for (const name of asked) {
      assert.ok(there.has(name.replace(/_(bucket|sum|count)$/, '')), `no metric ${name}`);
    }
  });

  test('every value has a comment, or is known by its name', () => {
    const bare = [
      ...readFileSync(`${CHART}/README.md`, 'utf8').matchAll(/^\| `(.*?)`.*\|\s+\|$/gm),
    ];
    const plain = /pullPolicy$|^resources$|interval$/;
    assert.deepEqual(
      bare.map((match) => match[1]!).filter((name) => !plain.test(name)),
      [],
    );
  });
});

describe('the chart as helm takes it', { skip: noHelm }, () => {
  for (const [name, values] of [
    ['default', []],
    ['everything', EVERYTHING],
  ] as const) {
    test(`${name} is as reviewed`, () => {
      const text = template('--set', 'crds.install=false', ...values);
      const path = `${GOLDEN}/${name}.yaml`;
      if (process.env.UPDATE === '1') writeFileSync(path, text);
      assert.equal(text, readFileSync(path, 'utf8'), 'UPDATE=1 writes it anew');
    });
  }

  test('lint has nothing to say', () => {
    const { status, stdout, stderr } = helm('lint', '--strict', CHART);
    assert.equal(status, 0, stdout + stderr);
  });

  test('the kinds are those of crds/, kept unless told otherwise', () => {
    const files = readdirSync('crds').filter((name) => name.endsWith('.yaml'));
    const kinds = objects(template()).filter(isKind('CustomResourceDefinition'));
    assert.equal(kinds.length, files.length);
    for (const file of files) {
      const source = parse(readFileSync(`crds/${file}`, 'utf8')) as Rendered;
      const rendered = kinds.find(({ metadata }) => metadata.name === source.metadata.name);
      assert.deepEqual(rendered?.spec, source.spec);
      assert.equal(rendered?.metadata.annotations?.['helm.sh/resource-policy'], 'keep');
    }
    const going = objects(template('--set', 'crds.keep=false')).filter(
      isKind('CustomResourceDefinition'),
    );
    assert.ok(going.every(({ metadata }) => metadata.annotations === undefined));
  });

  test('the operator may do what operator/core/rbac.ts says, and runs without privileges', () => {
    const all = objects(template());
    const role = all.find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'dhcp-operator',
    );
    assert.deepEqual(role?.rules, JSON.parse(JSON.stringify(OPERATOR_RULES)));
    const pod = all.find(isKind('Deployment'))?.spec?.template.spec;
    assert.partialDeepStrictEqual(pod, {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
    assert.equal(pod?.hostNetwork, undefined);
  });

  test('one replica has no disruption budget that would hold up every drain', () => {
    assert.equal(
      objects(template('--set', 'replicas=1')).some(isKind('PodDisruptionBudget')),
      false,
    );
  });

  for (const [wrong, complaint] of [
    ['replica=3', /'replica' not allowed/],
    ['replicas=0', /minimum/],
    ['logLevel=loud', /logLevel/],
    ['image.pullPolicy=Sometimes', /pullPolicy/],
    ['metrics.alerts.poolUse=2', /poolUse/],
  ] as const) {
    test(`refuses ${wrong}`, () => {
      const { status, stderr } = helm('template', 'dhcp-operator', CHART, '--set', wrong);
      assert.notEqual(status, 0);
      assert.match(stderr, complaint);
    });
  }
});

function template(...values: string[]): string {
  const { status, stdout, stderr } = helm(
    ...['template', 'dhcp-operator', CHART, '--namespace', 'dhcp-operator', ...values],
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

function helm(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(tool('helm'), args, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

function objects(text: string): Rendered[] {
  return parseAllDocuments(text)
    .map((document) => document.toJSON() as Rendered | null)
    .filter((object) => object !== null);
}

function isKind(kind: string): (object: Rendered) => boolean {
  return (object) => object.kind === kind;
}

function sources(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name}`),
  );
}

function metricsIn(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/name(?::| =) '(dhcp_\w+)'/g)].map((m) => m[1]!);
}
