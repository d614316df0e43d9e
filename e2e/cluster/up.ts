// `make cluster`: a control plane to play with, until Ctrl-C. Prints the kubeconfig; FOLDER as the first argument puts it there.

import { dirname } from 'node:path';
import { ControlPlane } from './controlplane.ts';
import { build, CONTROL_PLANE, MACHINE, tool } from './tools.ts';

const [asked] = process.argv.slice(2);
if (asked === '--build') {
  build([...CONTROL_PLANE, ...MACHINE]);
} else {
  const started = performance.now();
  const controlPlane = await ControlPlane.start(null, asked);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`up after ${seconds} s; Ctrl-C ends it and removes ${controlPlane.folder}`);
  console.log(
    `export KUBECONFIG=${controlPlane.kubeconfig} PATH=${dirname(tool('kubectl'))}:${dirname(tool('helm'))}:$PATH`,
  );
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
    setInterval(() => {}, 1 << 30);
  });
  await controlPlane.stop();
  process.exit(0);
}
