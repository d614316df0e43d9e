// Real nodes: kubelet, containerd and kube-proxy in the namespaces of a host of the laboratory.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Node } from '../lab/lab.ts';
import type { ControlPlane } from './controlplane.ts';
import { build, MACHINE, tool } from './tools.ts';

const HERE = import.meta.dirname;
const IMAGES = join(HERE, '../../build/images');
const CGROUPS = '/sys/fs/cgroup';
/** The kubelet sets these for the whole machine. */
const SYSCTLS = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops'];

/** What a machine is started with. */
export interface MachineParts {
  readonly cluster: ControlPlane;
  readonly node: Node;
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
}

/** Starts a machine; its Node appears when it is up. Returns what puts back what cannot be a namespace's. */
export function startMachine({ cluster, node, name, address, podCidr }: MachineParts): () => void {
  build(MACHINE);
  for (const program of ['runc', 'iptables', 'conntrack']) need(program);
  const cgroup = `/dhcp-operator-e2e-${process.pid}-${name}`;
  const restore = remember(cgroup);
  for (const path of cgroupFolders(cgroup)) mkdirSync(path, { recursive: true });
  fillCpuset(cgroup);
  const folder = join(cluster.folder, name);
  mkdirSync(folder);
  const user = { name: `system:node:${name}`, group: 'system:nodes' };
  const names = [`IP:${address}`, `DNS:${name}`];
  const files = cluster.authority.issue(`kubelet-${name}`, { ...user, names });
  const environment = {
    NAME: name,
    ADDRESS: address,
    POD_CIDR: podCidr,
    DIR: folder,
    BIN: dirname(tool('containerd')),
    KUBE_BIN: dirname(tool('kubelet')),
    CNI_BIN: dirname(tool('cni/bridge')),
    CGROUP: cgroup,
    KUBECONFIG: cluster.userConfig(name, user),
    PROXY_KUBECONFIG: cluster.userConfig(`proxy-${name}`, { name: 'system:kube-proxy' }),
    CERTIFICATE: files.certificate,
    KEY: files.key,
    CA: cluster.authority.certificate,
    IMAGES: [
      pauseImage(cluster.folder),
      join(IMAGES, 'agent.tar'),
      join(IMAGES, 'operator.tar'),
    ].join(' '),
  };
  const namespaces = [
    '--mount',
    '--uts',
    '--ipc',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  node.start('unshare', [...namespaces, 'bash', join(HERE, 'machine.sh')], { env: environment });
  return restore;
}

function need(program: string): void {
  const found = ['/usr/sbin', '/usr/bin', '/sbin'].some((path) => existsSync(join(path, program)));
  if (!found) throw new Error(`needs ${program}: apt-get install runc iptables conntrack`);
}

function remember(cgroup: string): () => void {
  const values = SYSCTLS.map(
    (name) => [join('/proc/sys', name), readFileSync(join('/proc/sys', name))] as const,
  );
  return () => {
    for (const [path, value] of values) writeFileSync(path, value);
    for (const path of cgroupFolders(cgroup)) removeCgroup(path);
  };
}

function cgroupFolders(cgroup: string): string[] {
  return readdirSync(CGROUPS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(CGROUPS, name, cgroup));
}

// A cpuset that names no processors takes no process.
function fillCpuset(cgroup: string): void {
  const top = join(CGROUPS, 'cpuset');
  if (!existsSync(top)) return;
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(top, cgroup, file), readFileSync(join(top, file)));
  }
}

// Leaves first; the kernel may still be busy with what was in them.
function removeCgroup(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  for (let tries = 0; tries < 50; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

/** The image of the process that every pod begins with; there is no registry to have it from. */
function pauseImage(folder: string): string {
  const work = join(folder, 'pause');
  const archive = join(folder, 'pause.tar');
  if (existsSync(archive)) return archive;
  mkdirSync(join(work, 'root'), { recursive: true });
  const run = (command: string, ...args: string[]): void => {
    execFileSync(command, args, { stdio: 'pipe' });
  };
  run('cc', '-static', '-Os', '-s', '-o', join(work, 'root/pause'), join(HERE, 'pause.c'));
  run('tar', '-cf', join(work, 'layer.tar'), '-C', join(work, 'root'), '.');
  const digest = createHash('sha256')
    .update(readFileSync(join(work, 'layer.tar')))
    .digest('hex');
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
  const config = { architecture, os: 'linux', config: { Entrypoint: ['/pause'] }, rootfs };
  writeFileSync(join(work, 'config.json'), JSON.stringify(config));
  const tags = { Config: 'config.json', RepoTags: ['localhost/pause:e2e'], Layers: ['layer.tar'] };
  writeFileSync(join(work, 'manifest.json'), JSON.stringify([tags]));
  run('tar', '-cf', archive, '-C', work, 'manifest.json', 'config.json', 'layer.tar');
  return archive;
}
