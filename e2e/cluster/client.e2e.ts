// The rules that our stand-in for an API server follows, on a real one.
import { after, before, test } from 'node:test';
import { type Cluster, openCluster } from '../../crds/client/cluster.ts';
import { RULES } from '../../crds/client/conformance.ts';
import { eventually } from '../lab/lab.ts';
import { ControlPlane } from './controlplane.ts';

let controlPlane: ControlPlane;
let kube: Cluster;

before(async () => {
  controlPlane = await ControlPlane.start();
  const crds = new URL('../../crds', import.meta.url).pathname;
  for (const plural of ['dhcpservers', 'dhcprelays', 'dhcpleases'])
    controlPlane.kubectl('apply', '--server-side', '-f', `${crds}/${plural}.yaml`);
  await eventually('the kinds to be known', () => {
    try {
      return controlPlane.kubectl('get', 'dhcpservers,dhcprelays,dhcpleases', '-A') !== null;
    } catch {
      return false;
    }
  });
  kube = await openCluster(controlPlane.kubeconfig, { failed: () => {}, threw: () => {} });
});
after(() => controlPlane?.stop());

for (const [i, [name, body]] of RULES.entries())
  test(name, async () => {
    controlPlane.kubectl('create', 'namespace', `rule-${i}`);
    await body(kube, `rule-${i}`);
  });
