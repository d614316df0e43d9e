// Who runs a server on a host gives it what it has in a cluster.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { daemonSet } from '../operator/core/children.ts';

const set = daemonSet(
  { kind: 'DhcpServer', metadata: { name: 'lan', namespace: 'default', uid: 'u' } },
  {},
  {
    image: 'agent:1',
    pullPolicy: 'IfNotPresent',
    pullSecrets: [],
    priorityClass: null,
    logLevel: 'info',
    monitorLabels: {},
  },
  9067,
).object as unknown as {
  spec: {
    template: {
      spec: {
        containers: [
          {
            securityContext: { capabilities: { add: string[] } };
            volumeMounts: [{ mountPath: string }];
          },
        ];
      };
    };
  };
};
const [{ securityContext, volumeMounts }] = set.spec.template.spec.containers;
const wanted = [...securityContext.capabilities.add].sort();

for (const [file, written] of [
  ['agent/systemd/dhcp-agent.service', /CAP_([A-Z_]+)/g],
  ['agent/systemd/dhcp-agent.container', /^AddCapability=([A-Z_]+)$/gm],
  ['docs/container.md', /--cap-add ([A-Z_]+)/g],
  ['Dockerfile', /--cap-add ([A-Z_]+)/g],
] as const) {
  test(`${file} gives the capabilities that a server needs and no others`, () => {
    const given = [...readFileSync(file, 'utf8').matchAll(written)].map((match) => match[1]!);
    assert.deepEqual([...new Set(given)].sort(), wanted);
  });
}

for (const file of ['agent/systemd/dhcp-agent.container', 'docs/container.md']) {
  test(`${file} keeps leases when the container goes`, () => {
    const path = volumeMounts[0].mountPath;
    assert.match(readFileSync(file, 'utf8'), new RegExp(`${path}:${path}\\b`));
  });
}

// systemd gives up a unit that fails five times in ten seconds, until somebody starts it by hand.
for (const file of ['agent/systemd/dhcp-agent.service', 'agent/systemd/dhcp-agent.container']) {
  test(`${file} comes up once what was in its way is mended, and one bad manifest keeps nothing down`, () => {
    const [unit = '', service = ''] = readFileSync(file, 'utf8').split(/^\[Service\]$/m);
    assert.match(unit, /^StartLimitIntervalSec=0$/m);
    assert.match(service, /^Restart=always$/m);
    assert.doesNotMatch(service, /^ExecStartPre=/m);
  });
}
