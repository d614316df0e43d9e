// A real control plane: etcd, kube-apiserver, controller-manager and scheduler, with RBAC on and an audit log. It lives in
// one folder, on ports of its own, and ends with the process that started it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Node, Process } from '../lab/lab.ts';
import { Authority } from './pki.ts';
import { build, CONTROL_PLANE, type Tool, tool } from './tools.ts';

/** Where a control plane runs; nothing said, on loopback of the machine's own network. */
export interface Site {
  /** A host of a laboratory that is all its own, and the address there that others know. */
  readonly node: Node;
  readonly address: string;
}

/** Kubernetes' range of Service addresses. */
const SERVICES = '10.96.0.0/16';
const SERVICES_FIRST = '10.96.0.1';
/** TEST-NET-1: loopback may not be advertised, and nobody connects to it. */
const NOWHERE = '192.0.2.1';

/** A running control plane. */
export class ControlPlane {
  readonly folder: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly server: string;
  readonly authority: Authority;
  private readonly site: Site | null;
  private readonly ports: { readonly api: number; readonly etcd: number; readonly peer: number };
  private readonly accounts: { readonly secret: string; readonly open: string };
  private readonly running = new Map<string, Process>();
  private closed = false;

  /** Builds what is missing, starts all of it and resolves when it takes objects. */
  static async start(site: Site | null = null, folder?: string): Promise<ControlPlane> {
    build(CONTROL_PLANE);
    const ports = { api: await freePort(), etcd: await freePort(), peer: await freePort() };
    const made = folder ?? mkdtempSync(join(tmpdir(), 'dhcp-operator-kube-'));
    const controlPlane = new ControlPlane(made, site, ports);
    try {
      await controlPlane.startAll();
    } catch (error) {
      await controlPlane.stop();
      throw error;
    }
    return controlPlane;
  }

  private constructor(folder: string, site: Site | null, ports: ControlPlane['ports']) {
    this.folder = folder;
    this.site = site;
    this.ports = ports;
    mkdirSync(join(folder, 'pki'), { recursive: true });
    mkdirSync(join(folder, 'log'));
    this.authority = new Authority(join(folder, 'pki'));
    this.accounts = this.authority.keyPair('accounts');
    this.server = `https://${this.address}:${ports.api}`;
    this.kubeconfig = this.userConfig('admin', { name: 'admin', group: 'system:masters' });
    process.once('exit', this.remove);
  }

  /** Where the API server listens. */
  get address(): string {
    return this.site?.address ?? '127.0.0.1';
  }

  /** Runs kubectl as the administrator and returns what it printed; throws with what it complained about. */
  kubectl(...args: string[]): string {
    return this.run('kubectl', args);
  }

  /** As kubectl, with something on its standard input. */
  apply(manifests: string, ...args: string[]): string {
    return this.run('kubectl', ['apply', '-f', '-', ...args], manifests);
  }

  helm(...args: string[]): string {
    return this.run('helm', args);
  }

  /** What kubectl gets as JSON. */
  get<T = unknown>(...args: string[]): T {
    return JSON.parse(this.kubectl('get', '-o', 'json', ...args)) as T;
  }

  /** A kubeconfig for a user who shows a certificate. */
  userConfig(file: string, user: { readonly name: string; readonly group?: string }): string {
    const { certificate, key } = this.authority.issue(file, user);
    return this.writeConfig(file, `{client-certificate: ${certificate}, client-key: ${key}}`);
  }

  /** A kubeconfig with a token of a service account: who uses it may do what its roles allow and nothing else. */
  accountConfig(namespace: string, name: string): string {
    const token = this.kubectl('-n', namespace, 'create', 'token', name, '--duration=3h').trim();
    return this.writeConfig(`${namespace}-${name}`, `{token: ${token}}`);
  }

  /** Starts one of Kubernetes' programs beside it, as a part that ends with it. */
  startPart(name: Tool, args: readonly string[]): Process {
    const log = join(this.folder, 'log', `${name}.log`);
    // Its end must be theirs too, whatever ends it.
    const [command, ...rest] = ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c'];
    const words = [...rest, `exec "$@" >>${log} 2>&1`, 'sh', tool(name), ...args];
    const started =
      this.site === null
        ? new Process(name, command!, words, {})
        : this.site.node.start(command!, words);
    this.running.set(name, started);
    return started;
  }

  /** Kills a part, as a crash would. */
  async killPart(name: Tool): Promise<void> {
    await this.running.get(name)?.stop('SIGKILL');
    this.running.delete(name);
  }

  /** Starts the API server, again after killPart, with more arguments if there are any; resolves when it is ready. */
  async startApi(more: readonly string[] = []): Promise<void> {
    const { certificate, key } = existsSync(join(this.folder, 'pki/apiserver.crt'))
      ? this.files('apiserver')
      : this.authority.issue('apiserver', {
          name: 'kube-apiserver',
          group: 'system:masters',
          names: [`IP:${this.address}`, `IP:${SERVICES_FIRST}`, 'IP:127.0.0.1', 'DNS:kubernetes'],
        });
    const ca = this.authority.certificate;
    this.startPart('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.ports.etcd}`,
      `--bind-address=${this.address}`,
      `--secure-port=${this.ports.api}`,
      `--advertise-address=${this.site?.address ?? NOWHERE}`,
      ...(this.site === null ? ['--endpoint-reconciler-type=none'] : []),
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
      '--allow-privileged=true',
      `--service-cluster-ip-range=${SERVICES}`,
      `--client-ca-file=${ca}`,
      `--tls-cert-file=${certificate}`,
      `--tls-private-key-file=${key}`,
      `--kubelet-certificate-authority=${ca}`,
      `--kubelet-client-certificate=${certificate}`,
      `--kubelet-client-key=${key}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--service-account-key-file=${this.accounts.open}`,
      `--service-account-signing-key-file=${this.accounts.secret}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--audit-policy-file=${this.auditPolicy()}`,
      `--audit-log-path=${join(this.folder, 'log/audit.log')}`,
      '--profiling=false',
      ...more,
    ]);
    await this.until('the API server', () => this.kubectl('get', '--raw', '/readyz') === 'ok');
    // After an outage the garbage collector has stayed blind for over a minute; a kubelet would have restarted it.
    if (this.running.has('kube-controller-manager')) {
      await this.killPart('kube-controller-manager');
      this.startController();
    }
  }

  /** Every request so far of service accounts and users, one parsed audit event each. */
  audit(): AuditEvent[] {
    const text = readFileSync(join(this.folder, 'log/audit.log'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent);
  }

  /** Ends everything and removes the folder. */
  async stop(): Promise<void> {
    // Their data goes anyway, and the API server would wait for every open watch.
    const parts = [...this.running.values()].reverse();
    await Promise.all(parts.map((part) => part.stop('SIGKILL')));
    this.remove();
  }

  private async startAll(): Promise<void> {
    const { etcd, peer } = this.ports;
    this.startPart('etcd', [
      '--unsafe-no-fsync',
      `--data-dir=${join(this.folder, 'etcd')}`,
      `--listen-client-urls=http://127.0.0.1:${etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      '--log-level=warn',
    ]);
    await this.startApi();
    this.userConfig('controller', { name: 'system:kube-controller-manager' });
    // Started before the roles of the bootstrap are there it would give up.
    this.startController();
    this.startScheduler();
    await this.until('the default service account', () =>
      this.kubectl('-n', 'default', 'get', 'serviceaccount', 'default', '-o', 'name'),
    );
  }

  private startController(): void {
    const config = join(this.folder, 'controller.kubeconfig');
    this.startPart('kube-controller-manager', [
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${this.accounts.secret}`,
      `--root-ca-file=${this.authority.certificate}`,
      '--leader-elect=false',
      '--secure-port=0',
      // At the default of 20 a second its first minute is spent waiting for itself.
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      // Nodes without a kubelet tell nobody that they are there.
      '--node-monitor-grace-period=2h',
      '--node-startup-grace-period=2h',
    ]);
  }

  private startScheduler(): void {
    const config = this.userConfig('scheduler', { name: 'system:kube-scheduler' });
    this.startPart('kube-scheduler', [
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      '--leader-elect=false',
      '--secure-port=0',
    ]);
  }

  private files(name: string): { certificate: string; key: string } {
    const path = join(this.folder, 'pki', name);
    return { certificate: `${path}.crt`, key: `${path}.key` };
  }

  private auditPolicy(): string {
    const path = join(this.folder, 'audit.yaml');
    writeFileSync(
      path,
      `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, namespaces: [kube-system], users: ["system:kube-controller-manager"]}
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
`,
    );
    return path;
  }

  private writeConfig(file: string, user: string): string {
    const path = join(this.folder, `${file}.kubeconfig`);
    const cluster = `{server: "${this.server}", certificate-authority: ${this.authority.certificate}}`;
    writeFileSync(
      path,
      `apiVersion: v1
kind: Config
current-context: e2e
contexts:
- {name: e2e, context: {cluster: e2e, user: me}}
clusters:
- {name: e2e, cluster: ${cluster}}
users:
- {name: me, user: ${user}}
`,
      { mode: 0o600 },
    );
    return path;
  }

  private run(name: Tool, args: readonly string[], input?: string): string {
    const { node } = this.site ?? {};
    const enter = node === undefined ? [] : ['nsenter', `--net=/run/netns/${node.namespace}`];
    const [command, ...words] = [...enter, tool(name), ...args];
    const result = spawnSync(command!, words, {
      encoding: 'utf8',
      input: input ?? '',
      maxBuffer: 1 << 28,
      env: { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.folder },
    });
    if (result.status === 0) return result.stdout;
    throw new Error(`${name} ${args.join(' ')}: ${result.error ?? result.stderr.trim()}`);
  }

  private async until(what: string, test: () => unknown): Promise<void> {
    // A machine that has other things to do has taken 40 s.
    const deadline = Date.now() + 120_000;
    for (;;) {
      try {
        if (test()) return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`${what} did not come up: ${error}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private readonly remove = (): void => {
    if (this.closed) return;
    this.closed = true;
    process.removeListener('exit', this.remove);
    if (process.env.KEEP !== '1') rmSync(this.folder, { recursive: true, force: true });
  };
}

/** What is read of an audit event (audit.k8s.io/v1). */
export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly message?: string };
  readonly requestReceivedTimestamp: string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
