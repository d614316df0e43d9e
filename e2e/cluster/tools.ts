// The programs of a real Kubernetes: taken from KUBEBUILDER_ASSETS, or built by Go from the modules beside this file, whose
// go.mod and go.sum pin every version and hash. From nothing that takes ten minutes of two processors and 5 GB of Go's
// caches, and happens once: what was built stays in ${XDG_CACHE_HOME:-~/.cache}/dhcp-operator/kube, under a hash of the module.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const KUBERNETES = 'k8s.io/kubernetes/cmd';
const CONTAINERD = 'github.com/containerd/containerd/v2/cmd';
const PLUGINS = 'github.com/containernetworking/plugins/plugins';

/** Which module a program is built in, and from which package. */
const PACKAGES = {
  etcd: ['kubernetes', 'go.etcd.io/etcd/server/v3'],
  'kube-apiserver': ['kubernetes', `${KUBERNETES}/kube-apiserver`],
  'kube-controller-manager': ['kubernetes', `${KUBERNETES}/kube-controller-manager`],
  'kube-scheduler': ['kubernetes', `${KUBERNETES}/kube-scheduler`],
  kubectl: ['kubernetes', `${KUBERNETES}/kubectl`],
  helm: ['node', 'helm.sh/helm/v4/cmd/helm'],
  kubelet: ['kubernetes', `${KUBERNETES}/kubelet`],
  'kube-proxy': ['kubernetes', `${KUBERNETES}/kube-proxy`],
  containerd: ['node', `${CONTAINERD}/containerd`],
  'containerd-shim-runc-v2': ['node', `${CONTAINERD}/containerd-shim-runc-v2`],
  ctr: ['node', `${CONTAINERD}/ctr`],
  'cni/bridge': ['node', `${PLUGINS}/main/bridge`],
  'cni/host-local': ['node', `${PLUGINS}/ipam/host-local`],
  'cni/loopback': ['node', `${PLUGINS}/main/loopback`],
} as const;

export type Tool = keyof typeof PACKAGES;

/** What a control plane and its users need. */
export const CONTROL_PLANE: readonly Tool[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'helm',
];

/** What a machine needs besides. */
export const MACHINE: readonly Tool[] = [
  'kubelet',
  'kube-proxy',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'cni/bridge',
  'cni/host-local',
  'cni/loopback',
];

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'dhcp-operator/kube');
const GO = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' };
const VERSION = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(
  readFileSync(join(moduleFolder('kubernetes'), 'go.mod'), 'utf8'),
)!;

/** The path of a program; build() must have been asked for it before. */
export function tool(name: Tool): string {
  const given = join(process.env.KUBEBUILDER_ASSETS ?? '/nonexistent', name);
  return existsSync(given) ? given : join(cacheFolder(PACKAGES[name][0]), name);
}

/** Which of these are not there yet. */
export function missing(names: readonly Tool[]): readonly Tool[] {
  return names.filter((name) => !existsSync(tool(name)));
}

/** Builds what is missing; throws an Error of one line when it cannot. */
export function build(names: readonly Tool[]): void {
  const wanted = missing(names);
  if (wanted.length === 0) return;
  if (spawnSync('go', ['version']).status !== 0) {
    throw new Error(
      `needs Go 1.26 to build ${wanted.join(' ')}, or their folder in KUBEBUILDER_ASSETS`,
    );
  }
  for (const name of wanted) buildOne(name);
}

/** As build, for programs of their own: says on one line why it cannot, and ends. */
export function buildOrEnd(names: readonly Tool[]): void {
  try {
    build(names);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function buildOne(name: Tool): void {
  const [module, source] = PACKAGES[name];
  const path = join(cacheFolder(module), name);
  const half = `${path}.${process.pid}`;
  const started = performance.now();
  mkdirSync(dirname(path), { recursive: true });
  // Without its version kube-proxy does not start, and kubectl compares nothing.
  const stamp = ['gitVersion', 'gitMajor', 'gitMinor'].map(
    (field, index) => `-X k8s.io/component-base/version.${field}=${VERSION[index + 1]}`,
  );
  execFileSync(
    'go',
    ['build', '-trimpath', '-ldflags', `-s -w ${stamp.join(' ')}`, '-o', half, source],
    {
      cwd: moduleFolder(module),
      env: { ...process.env, ...GO },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  renameSync(half, path);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.error(
    `built ${basename(name)} in ${seconds} s, ${(statSync(path).size / 1e6).toFixed(0)} MB`,
  );
}

function cacheFolder(module: string): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) {
    hash.update(readFileSync(join(moduleFolder(module), file)));
  }
  return join(CACHE, `${module}-${hash.digest('hex').slice(0, 12)}`);
}

function moduleFolder(module: string): string {
  return join(import.meta.dirname, 'tools', module);
}
