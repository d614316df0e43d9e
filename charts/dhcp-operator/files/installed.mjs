// What `helm test` runs, as the operator's own account: that its kinds are served, and that one of it leads and renews its Lease.
import { readFileSync } from 'node:fs';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, NAMESPACE } = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const headers = { authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8')}` };
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/dhcp-operator`;
/** Several terms of the Lease. */
const PATIENCE_MS = 90_000;

async function get(path) {
  const response = await fetch(server + path, { headers });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

// Clocks of nodes differ, so what counts is that a second look sees another time.
let renewed;

async function check() {
  for (const plural of ['dhcpservers', 'dhcprelays', 'dhcpleases']) {
    await get(`/apis/dhcp-operator.io/v1alpha1/${plural}?limit=1`);
  }
  const { holderIdentity, renewTime } = (await get(LEASE)).spec;
  if (!holderIdentity) throw new Error(`nobody holds the Lease ${NAMESPACE}/dhcp-operator`);
  const before = renewed;
  renewed = renewTime;
  if (before === undefined || before === renewTime)
    throw new Error(`${holderIdentity} has the Lease and does not renew it`);
  return `the kinds are served, and ${holderIdentity} leads`;
}

const until = performance.now() + PATIENCE_MS;
for (;;) {
  try {
    console.log(await check());
    break;
  } catch (error) {
    if (performance.now() > until) {
      console.error(error.message);
      process.exit(1);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
