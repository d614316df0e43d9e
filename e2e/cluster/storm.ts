// A storm of 429 from a real API server, by API Priority and Fairness: a priority level that has no seats. It lets one request in
// nevertheless as long as no other is there, so one is sent that does not end.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from '../lab/lab.ts';
import type { ControlPlane } from './controlplane.ts';

/**
 * Makes one for service accounts, with the kubeconfig of one of them. Resolves when it is there, with what ends it; until then
 * all that they ask for is answered with 429 and Retry-After, apart from watches that are open.
 */
export async function storm(
  cluster: ControlPlane,
  control: Node,
  kubeconfig: string,
  accounts: readonly string[],
): Promise<() => Promise<void>> {
  const [, token] = /token: ([^}\s]+)/.exec(readFileSync(kubeconfig, 'utf8'))!;
  const url = `${cluster.server}/api/v1/namespaces/default/configmaps`;
  const curl = `curl -sk -D - -H 'Authorization: Bearer ${token}'`;
  const isUp = (): boolean => {
    const answer = control.run('sh', '-c', `${curl} -o /dev/null '${url}?limit=1'`);
    return /^HTTP\/\S+ 429/.test(answer) && /^retry-after: 1\r$/im.test(answer);
  };
  cluster.apply(manifests(accounts));
  const endless = `sleep 1000 | ${curl} -H 'Content-Type: application/json' -X POST -T - ${url}`;
  for (let i = 0; i < 60; i++) {
    const blocker = control.start('sh', ['-c', endless]);
    await sleep(1_000);
    if (isUp())
      return async () => {
        cluster.kubectl('delete', 'flowschema,prioritylevelconfiguration', 'storm');
        await blocker.stop();
      };
    await blocker.stop();
  }
  throw new Error('no request of ours got the seat');
}

function manifests(accounts: readonly string[]): string {
  const common = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata: { name: 'storm' } };
  const seats = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0 };
  const level = { type: 'Limited', limited: { ...seats, limitResponse: { type: 'Reject' } } };
  const everything = {
    verbs: ['*'],
    apiGroups: ['*'],
    resources: ['*'],
    namespaces: ['*'],
    clusterScope: true,
  };
  const subjects = accounts.map((account) => {
    const [namespace, name] = account.split(':').slice(2);
    return { kind: 'ServiceAccount', serviceAccount: { namespace, name } };
  });
  const schema = {
    priorityLevelConfiguration: { name: 'storm' },
    // The lowest is kept for another.
    matchingPrecedence: 2,
    rules: [{ subjects, resourceRules: [everything] }],
  };
  return [
    { ...common, kind: 'PriorityLevelConfiguration', spec: level },
    { ...common, kind: 'FlowSchema', spec: schema },
  ]
    .map((one) => JSON.stringify(one))
    .join('\n---\n');
}
