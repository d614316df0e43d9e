// `make demo-cluster`: a control plane and a real node, the chart, a DhcpServer, clients that come one by one, and what kubectl
// says of them. Everything lives in namespaces and is gone afterwards.
import { spawn } from 'node:child_process';
import { Field, LAN, lanServer, NAMESPACE } from './field.ts';
import { tool } from './tools.ts';

const CLIENTS = 5;
const started = performance.now();

const field = await Field.start('demo-cluster', 1, true);
try {
  await demo();
} finally {
  await field.close();
}
say('everything is gone again');

async function demo(): Promise<void> {
  const { cluster } = field;
  say(`control plane up, chart installed (helm install ${NAMESPACE} charts/dhcp-operator)`);
  await field.eventually('the node', () => {
    field.wait('node/node1', 'Ready', 5);
    return true;
  });
  say('the node is Ready (kubelet, containerd and kube-proxy in a namespace)');
  cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', `deployment/${NAMESPACE}`);
  say('the operator runs');
  console.log(cluster.kubectl('-n', NAMESPACE, 'get', 'pods'));
  cluster.apply(lanServer('lan'));
  field.wait('dhcpserver/lan', 'Ready', 120);
  say(`a DhcpServer for ${LAN}.0/24 is Ready\n`);
  console.log(cluster.kubectl('get', 'dhcpservers,pods', '-o', 'wide'));
  await watchClientsArrive();
}

async function watchClientsArrive(): Promise<void> {
  say(`${CLIENTS} clients come to the LAN; kubectl get dhcpleases -w says:\n`);
  const watch = spawn(
    'nsenter',
    [
      `--net=/run/netns/${field.lab.nodes.get('control')!.namespace}`,
      ...[tool('kubectl'), 'get', 'dhcpleases', '-w'],
    ],
    {
      env: { ...process.env, KUBECONFIG: field.cluster.kubeconfig },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  try {
    for (let number = 0; number < CLIENTS; number++) await field.lease().lease();
    await field.eventually('the last DhcpLease', () => {
      const names = field.cluster.kubectl('get', 'dhcpleases', '-o', 'name').trim().split('\n');
      return names.length === CLIENTS;
    });
  } finally {
    watch.kill();
  }
  console.log();
}

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);
}
