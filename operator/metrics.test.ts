import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorRegistry } from './metrics.ts';

test('conditions are told of each object, and of none that is gone', async () => {
  const conditions = new Map([
    ['DhcpServer default/lan Ready', true],
    ['DhcpRelay office/far Ready', false],
  ]);
  const registry = operatorRegistry({
    controller: {
      objects: { DhcpServer: 1, DhcpRelay: 1, DhcpLease: 0 },
      backlog: 0,
      writes: new Map(),
      eachCondition: (visit) => {
        for (const [words, isTrue] of conditions) {
          const [kind, object, type] = words.split(' ') as [string, string, string];
          visit(kind, object, type, isTrue);
        }
      },
    },
    requests: () => 0,
    isLeader: () => true,
  });
  const told = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('dhcp_operator_cond'));
  const lan = 'dhcp_operator_condition{kind="DhcpServer",object="default/lan",type="Ready"} 1';
  const far = 'dhcp_operator_condition{kind="DhcpRelay",object="office/far",type="Ready"} 0';
  assert.deepEqual(await told(), [lan, far]);
  conditions.delete('DhcpRelay office/far Ready');
  assert.deepEqual(await told(), [lan]);
});
