// What the cluster is given for an object, as YAML to be read. UPDATE=1 rewrites it; the diff is to be read too.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { type Decision, decideRelay, decideServer } from './decide.ts';
import { daemonSet, gathered, pod, relay, says, server } from './testworld.ts';

const IMAGE = {
  image: 'registry.example/dhcp-agent:1',
  pullPolicy: 'Always',
  pullSecrets: ['registry', 'mirror'],
  monitorLabels: {},
  priorityClass: 'system-node-critical',
  logLevel: 'debug',
} as const;

const TOLERATIONS = [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }];

const MADE: { readonly [name: string]: Decision } = {
  'relay, with the least that it needs': decideRelay(
    gathered(relay({ upstreams: [{ address: '203.0.113.1' }] })),
  ),
  'server on two nodes, with everything that can be said': decideServer(
    gathered(
      server(
        { placement: { nodeSelector: { lan: 'a' }, tolerations: TOLERATIONS } },
        {},
        { nodes: [says('a', 'Active'), says('b', 'Standby')] },
      ),
      {
        daemonSet: daemonSet(2),
        pods: [pod('a'), pod('b')],
        podMonitors: true,
        image: IMAGE,
        print: (object) => stringify(object),
      },
    ),
  ),
};

for (const [name, { children }] of Object.entries(MADE)) {
  test(`what is made for a ${name}`, () => {
    const file = new URL(`golden/${name.replace(/,.*| .*/g, '')}.yaml`, import.meta.url);
    const text = children.map(({ object }) => stringify(object, { lineWidth: 0 })).join('---\n');
    if (process.env.UPDATE === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}
