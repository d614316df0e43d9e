// The chart without a cluster: what it renders, refuses and documents. What it does in a cluster is in e2e/cluster.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
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
  ...['--set', 'commonLabels.team=lan', '--set', 'metrics.podMonitor.labels.release=prometheus'],
];

interface Container {
  readonly image: string;
  readonly args: readonly string[];
}

// In the run that proves the chart its absence is a failure.
const noHelm =
  missing(['helm']).length === 0 || process.env.E2E === '1'
    ? false
    : 'NOT CHECKED, helm is not built: make kube';

interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec?: {
    readonly template: {
      readonly metadata: { readonly labels?: Record<string, string> };
      readonly spec: Record<string, unknown>;
    };
  };
  readonly subjects?: readonly { readonly name: string }[];
  readonly rules?: unknown;
}

describe('the chart', () => {
  for (const [file, text] of chartFiles()) {
    test(`${file} is as its source says`, () => {
      assert.equal(readFileSync(file, 'utf8'), text, 'make generate');
    });
  }

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

  test('make manifests has the same objects, but that helm does not look after them', () => {
    execFileSync(process.execPath, ['scripts/manifests.ts'], { stdio: 'pipe' });
    const [namespace, ...plain] = objects(readFileSync('build/manifests.yaml', 'utf8'));
    assert.deepEqual([namespace?.kind, namespace?.metadata.name], ['Namespace', 'dhcp-operator']);
    const wanted = objects(template('--skip-tests'));
    assert.ok(wanted.length > 8);
    assert.deepEqual(plain.map(withoutHelm), wanted.map(withoutHelm));
    assert.doesNotMatch(readFileSync('build/manifests.yaml', 'utf8'), /helm|Helm/);
  });

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
    const pod = podOf(all);
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
    assert.equal(pod.hostNetwork, undefined);
  });

  test('one replica has no disruption budget that would hold up every drain', () => {
    assert.equal(
      objects(template('--set', 'replicas=1')).some(isKind('PodDisruptionBudget')),
      false,
    );
  });
});

describe('what the chart calls things', { skip: noHelm }, () => {
  test('names stay short enough for a Service, whatever the release is called', () => {
    for (const release of ['a'.repeat(53), 'my.dhcp', 'dhcp-operator', 'lan']) {
      const all = objects(templateOf(release, '--set', 'metrics.dashboard.enabled=true'));
      for (const { metadata } of all.filter(
        (object) => !isKind('CustomResourceDefinition')(object),
      )) {
        assert.match(metadata.name, /^[a-z][-a-z0-9]{0,62}$/);
        assert.ok(metadata.name.startsWith(release.replace('.', '-')));
      }
    }
  });

  for (const [values, name] of [
    [['nameOverride=net'], 'lan-net'],
    [['fullnameOverride=net'], 'net'],
    [['nameOverride=a', `fullnameOverride=${'b'.repeat(80)}`], 'b'.repeat(53)],
  ] as const) {
    test(`${values.join(' and ')} is what things are called by`, () => {
      const all = objects(templateOf('lan', ...values.flatMap((value) => ['--set', value])));
      const names = all.filter(isKind('Deployment')).map(({ metadata }) => metadata.name);
      assert.deepEqual(names, [name]);
    });
  }
});

describe('values of the chart', { skip: noHelm }, () => {
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
  for (const [values, operator, agent] of [
    [[], 'dhcp-operator/operator:0.1.0', 'dhcp-operator/agent:0.1.0'],
    [['imageRegistry=r.example:5000/x/'], 'r.example:5000/x/dhcp-operator/operator:0.1.0', null],
    [[`image.digest=${digest}`], `dhcp-operator/operator@${digest}`, null],
    [
      ['imageRegistry=r', `agent.image.digest=${digest}`, 'agent.image.tag=v1'],
      'r/dhcp-operator/operator:0.1.0',
      `r/dhcp-operator/agent:v1@${digest}`,
    ],
  ] as const) {
    test(`with ${values.join(' and ') || 'defaults'} the image is ${operator}`, () => {
      const all = objects(template(...values.flatMap((value) => ['--set', value])));
      const [container] = podOf(all).containers;
      assert.equal(container?.image, operator);
      if (agent !== null) assert.ok(container?.args.includes(`--agent-image=${agent}`));
    });
  }

  test('a pull secret is a text, though YAML may think otherwise, or is written as in a Pod', () => {
    const secrets = [{ name: 'y' }, { name: '0x1' }];
    for (const written of ['["y","0x1"]', '[{"name":"y"},{"name":"0x1"}]']) {
      const pod = podOf(objects(template('--set-json', `imagePullSecrets=${written}`)));
      assert.deepEqual(pod.imagePullSecrets, secrets);
      const [container] = pod.containers;
      assert.ok(container?.args.includes('--agent-pull-secret=0x1'));
    }
  });

  test('labels of the user are everywhere, and take nothing away that is relied on', () => {
    const values = [
      ...['--set', 'commonLabels.team=lan', '--set', 'podLabels.team=pods'],
      ...['--set', 'podLabels.app\\.kubernetes\\.io/name=mine', '--set', 'nodeSelector.pool=x'],
      ...['--set', 'nodeSelector.kubernetes\\.io/os=linux'],
    ];
    const all = objects(template(...values)).filter(
      ({ metadata }) => !metadata.name.endsWith('-test'),
    );
    for (const { kind, metadata } of all) assert.equal(metadata.labels?.team, 'lan', kind);
    const { metadata, spec } = all.find(isKind('Deployment'))!.spec!.template;
    assert.equal(metadata.labels?.team, 'pods');
    assert.equal(metadata.labels?.['app.kubernetes.io/name'], 'dhcp-operator');
    assert.deepEqual(spec.nodeSelector, { 'kubernetes.io/os': 'linux', pool: 'x' });
  });

  test('a ServiceAccount of somebody else is used, and not made', () => {
    const all = objects(
      template('--set', 'serviceAccount.create=false', '--set', 'serviceAccount.name=theirs'),
    );
    assert.equal(all.some(isKind('ServiceAccount')), false);
    assert.equal(podOf(all).serviceAccountName, 'theirs');
    const [subject] = all.find(isKind('ClusterRoleBinding'))!.subjects!;
    assert.equal(subject?.name, 'theirs');
  });

  test("the cluster's roles learn of the kinds unless told otherwise", () => {
    const roles = (...values: string[]): number =>
      objects(template(...values)).filter(isKind('ClusterRole')).length;
    assert.equal(roles(), 3);
    assert.equal(roles('--set', 'rbac.aggregate=false'), 1);
  });
});

describe('values that are wrong', { skip: noHelm }, () => {
  for (const [wrong, complaint] of [
    ['replica=3', /'replica' not allowed/],
    ['replicas=0', /minimum/],
    ['logLevel=loud', /logLevel/],
    ['image.pullPolicy=Sometimes', /pullPolicy/],
    ['image.digest=latest', /image\/digest.*sha256/],
    ['imageRegistry=https://r', /imageRegistry/],
    ['imagePullSecrets[0].nam=x', /imagePullSecrets\/0.*'name'/],
    ['fullnameOverride=Lan', /fullnameOverride/],
    ['serviceAccount.create=false', /say in serviceAccount\.name which/],
    ['metrics.alerts.poolUse=2', /poolUse/],
  ] as const) {
    test(`${wrong} is refused`, () => {
      const { status, stderr } = helm('template', 'dhcp-operator', CHART, '--set', wrong);
      assert.notEqual(status, 0);
      assert.match(stderr, complaint);
    });
  }
});

function template(...values: string[]): string {
  return templateOf('dhcp-operator', ...values);
}

function templateOf(release: string, ...values: string[]): string {
  const { status, stdout, stderr } = helm(
    ...['template', release, CHART, '--namespace', 'dhcp-operator', ...values],
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

// What of an object tells who installed it, and how it is to be uninstalled.
function withoutHelm(object: Rendered): object {
  const own = ['helm.sh/chart', 'helm.sh/resource-policy', 'app.kubernetes.io/managed-by'];
  return JSON.parse(JSON.stringify(object), (key, value) => {
    const empty = key === 'annotations' && Object.keys(value as object).length === 0;
    return own.includes(key) || empty ? undefined : value;
  }) as object;
}

function podOf(all: readonly Rendered[]): Record<string, unknown> & { containers: Container[] } {
  const deployment = all.find(isKind('Deployment'));
  assert.ok(deployment?.spec !== undefined);
  return deployment.spec.template.spec as ReturnType<typeof podOf>;
}

function isKind(kind: string): (object: Rendered) => boolean {
  return (object) => object.kind === kind;
}
