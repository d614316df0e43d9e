// Renders the chart with its defaults to one plain YAML for kubectl: build/manifests.yaml. Needs helm (make kube builds it).
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildOrEnd, tool } from '../e2e/cluster/tools.ts';

const OUT = 'build/manifests.yaml';
const NAMESPACE = 'dhcp-operator';
const HEADER = `# kubectl apply --server-side -f manifests.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
`;

buildOrEnd(['helm']);
const rendered = execFileSync(
  tool('helm'),
  ['template', 'dhcp-operator', 'charts/dhcp-operator', '--namespace', NAMESPACE, '--skip-tests'],
  { encoding: 'utf8', maxBuffer: 1 << 26 },
);
// It is not helm that looks after these.
const plain = rendered
  .replace(/app\.kubernetes\.io\/managed-by: Helm/g, 'app.kubernetes.io/managed-by: kubectl')
  .replace(/^ +helm\.sh\/chart: .*\n/gm, '')
  .replace(/^ +annotations:\n +helm\.sh\/resource-policy: keep\n/gm, '')
  .replace(/^# Source: .*\n/gm, '');
mkdirSync('build', { recursive: true });
writeFileSync(OUT, HEADER + plain);
console.log(`${OUT}: ${plain.match(/^kind: /gm)?.length} objects`);
