// A control plane to play with, until Ctrl-C: prints its kubeconfig.
//   node e2e/cluster/up.ts [FOLDER]          the folder must not be there yet
//   node e2e/cluster/up.ts --build [TOOL…]   only builds, all that there is when nothing is named
import { dirname } from 'node:path';
import { ControlPlane } from './controlplane.ts';
import { buildOrEnd, CONTROL_PLANE, MACHINE, type Tool, tool } from './tools.ts';

const [first, ...rest] = process.argv.slice(2);
if (first === '--build') {
  buildOrEnd(rest.length > 0 ? (rest as Tool[]) : [...CONTROL_PLANE, ...MACHINE]);
} else {
  await playground(first);
}

async function playground(folder: string | undefined): Promise<void> {
  const started = performance.now();
  const controlPlane = await ControlPlane.start(null, folder);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`up after ${seconds} s; Ctrl-C ends it and removes ${controlPlane.folder}`);
  const path = [...new Set([dirname(tool('kubectl')), dirname(tool('helm'))])].join(':');
  console.log(`export KUBECONFIG=${controlPlane.kubeconfig} PATH=${path}:$PATH`);
  const idle = setInterval(() => {}, 1 << 30);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
  });
  clearInterval(idle);
  await controlPlane.stop();
}
