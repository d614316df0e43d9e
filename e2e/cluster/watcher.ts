// Follows the ConfigMaps of namespace default as the operator follows its objects, and prints what it is told, a line each:
// `node watcher.ts kubeconfig`.
import { openCluster } from '../../crds/client/cluster.ts';
import { CONFIG_MAPS } from '../../crds/client/resources.ts';

const kube = await openCluster(process.argv[2] ?? null, {
  failed: ({ reason }) => console.log(`trouble ${reason}`),
  threw: (error) => console.log(`threw ${error}`),
});
const following = kube.follow(CONFIG_MAPS, { namespace: 'default' }, ({ kind, object }) => {
  console.log(`${kind} ${object.metadata.name} ${object.data?.n ?? ''}`);
});
await following.ready;
console.log('ready');
