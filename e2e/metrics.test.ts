// What dashboard and alerts ask Prometheus for is what agents and operator tell it: names, labels, and values of labels.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

const CHART = 'charts/dhcp-operator';
/** What the PodMonitor and the ServiceMonitor add. */
const TARGET = ['namespace', 'pod'];
/** It is no object of prom-client's and names its labels where it fills them in. */
const ROUND_TRIPS = ['relay', 'server', 'le'];

const code = ['agent', 'operator'].flatMap(sourcesIn).join('\n');
const metrics = new Map(
  [...code.matchAll(/name(?::| =) '(dhcp_\w+)'(?:[^}]*?labelNames: \[(.*?)\])?/gs)]
    .map(([, name, labels = '']) => [name!, labels.match(/\w+/g) ?? []] as const)
    .map(([name, labels]) => [name, /round_trip/.test(name) ? ROUND_TRIPS : labels]),
);

interface Query {
  readonly title: string;
  readonly expression: string;
  /** The labels that are shown with its results. */
  readonly shown: readonly string[];
}

const queries: readonly Query[] = [...ofDashboard(), ...ofAlerts()];

test('there is something to compare', () => {
  assert.ok(metrics.size > 20);
  assert.ok(queries.length > 15);
});

for (const { title, expression, shown } of queries) {
  describe(title, () => {
    const asked = [...expression.matchAll(/\b(dhcp_\w+?)(?:_bucket)?\b(?:\{(.*?)\})?/g)];
    const labels = asked.map(([, name]) => metrics.get(name!));

    test('asks for metrics that there are', () => {
      assert.ok(asked.length > 0);
      for (const [, name] of asked) assert.ok(metrics.has(name!), name);
    });

    test('by labels and values that they have', () => {
      const has = (label: string, of: readonly string[] = []): boolean =>
        of.includes(label) || TARGET.includes(label);
      for (const [index, [, , matchers = '']] of asked.entries()) {
        for (const [, label, values] of matchers.matchAll(/(\w+)=~?"(.*?)"/g)) {
          assert.ok(has(label!, labels[index]), label);
          for (const value of values!.split('|'))
            assert.match(code, new RegExp(`'${value}'|\\b${value}: `), value);
        }
      }
      for (const [, list] of expression.matchAll(/\b(?:by|without|ignoring|on) \((.*?)\)/g)) {
        for (const label of list!.split(', '))
          assert.ok(
            labels.some((of) => has(label, of)),
            label,
          );
      }
    });

    test('and shows labels that are left', () => {
      const by = /^\w+ by \((.*?)\)|histogram_quantile\(\S+ sum by \((.*?)\)/.exec(expression);
      const left = by === null ? [...labels.flat(), ...TARGET] : (by[1] ?? by[2])!.split(', ');
      for (const label of shown) assert.ok(left.includes(label), label);
    });
  });
}

// Two servers of the same name in two namespaces are two servers.
test('nothing of a server is added up over namespaces', () => {
  for (const { title, expression } of queries) {
    for (const [, list] of expression.matchAll(/ by \((.*?)\)/g)) {
      const labels = list!.split(', ');
      if (/dhcp_server_/.test(expression) && labels.includes('server'))
        assert.ok(labels.includes('namespace'), title);
    }
  }
});

function ofDashboard(): Query[] {
  const { panels } = JSON.parse(readFileSync(`${CHART}/files/dashboard.json`, 'utf8')) as {
    panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
  };
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({
      title: `panel ${title}: ${legendFormat}`,
      expression: expr,
      shown: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]!),
    })),
  );
}

function ofAlerts(): Query[] {
  const [, ...alerts] = readFileSync(`${CHART}/templates/metrics.yaml`, 'utf8').split('- alert: ');
  return alerts.map((text) => ({
    title: `alert ${text.split('\n')[0]}`,
    expression: / expr: (?:\|\n)?(.*?)\n +(?:for|labels): /s.exec(text)![1]!.trim(),
    shown: [...text.matchAll(/\$labels\.(\w+)/g)].map((match) => match[1]!),
  }));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
}
