// A Field whose operator and agents reach the API server through a door that can be slammed, with a server on one node, a relay
// on another, and clients on both LANs.
//
//   control ── door ──┬── eth0 node1 lan0 ── lan 192.0.2.0/24 ── clients        DhcpServer lan
//                     └── eth0 node2 far0 ── far 198.51.100.0/24 ── clients     DhcpRelay far, upstream: DhcpServer lan
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually, type Node, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import type { AuditEvent } from './controlplane.ts';
import { Field, LAN, lanServer, NAMESPACE } from './field.ts';
import { storm } from './storm.ts';
import { tool } from './tools.ts';

const OPERATOR = join(import.meta.dirname, '../../bin/dhcp-operator');
const CONTROL = '10.123.0.1';
const FAR = '198.51.100';

/** Who the program is, to the API server. */
const ACCOUNTS = {
  operator: `system:serviceaccount:${NAMESPACE}:${NAMESPACE}`,
  server: 'system:serviceaccount:default:dhcp-server-lan',
  relay: 'system:serviceaccount:default:dhcp-relay-far',
} as const;
export type Who = keyof typeof ACCOUNTS;

/** Requests of one account, by what became of them. */
export interface Tally {
  readonly requests: number;
  /** What was listed, by its path. */
  readonly lists: readonly string[];
  readonly watches: number;
  readonly rejected: number;
}

/** Everything that runs, and how rough it is treated. */
export class Rude {
  readonly field: Field;
  readonly door: Process;
  readonly operator: Process;
  server: Process;
  relay: Process;
  private readonly control: Node;
  private farClients = 0;

  static async start(name: string): Promise<Rude> {
    const field = await Field.start(name);
    try {
      const control = field.lab.nodes.get('control')!;
      const { host } = new URL(field.cluster.server);
      const door = control.start(process.execPath, [
        join(import.meta.dirname, 'door.ts'),
        CONTROL,
        host,
      ]);
      await door.line(/door \S+\n/);
      buildFar(field);
      const rude = new Rude(field, control, door);
      await rude.startAll();
      return rude;
    } catch (error) {
      await field.close();
      throw error;
    }
  }

  private constructor(field: Field, control: Node, door: Process) {
    this.field = field;
    this.control = control;
    this.door = door;
    this.throughDoor(`${NAMESPACE}-${NAMESPACE}`);
    this.operator = this.startOperator();
    // Until startAll has others.
    this.server = this.operator;
    this.relay = this.operator;
  }

  private startOperator(): Process {
    return this.control.start(OPERATOR, [
      '--agent-image=dhcp-operator/agent:e2e',
      `--namespace=${NAMESPACE}`,
      `--kubeconfig=${this.config}`,
      '--http=127.0.0.1:18080',
    ]);
  }

  private get config(): string {
    return join(this.field.cluster.folder, `${NAMESPACE}-${NAMESPACE}.kubeconfig`);
  }

  /** Kills both agents and starts them again, with the state and the tokens that they had. */
  async restartAgents(): Promise<void> {
    await Promise.all([this.server.stop('SIGKILL'), this.relay.stop('SIGKILL')]);
    this.server = this.field.restart('DhcpServer', 'lan');
    this.relay = this.field.restart('DhcpRelay', 'far', 1);
  }

  /** Ends every connection to the API server. */
  cut(): void {
    this.door.signal('SIGHUP');
  }

  /** How many connections each has made, or tried to make, so far. */
  get connections(): Readonly<Record<Who, number>> {
    const { nodes } = this.field;
    const from = (address: string): number => count(this.door, `connection ${address}\n`);
    return {
      operator: from(CONTROL),
      server: from(nodes[0]!.address),
      relay: from(nodes[1]!.address),
    };
  }

  /** Fails unless these processes still run. */
  stillRunning(processes: readonly Process[]): void {
    for (const { pid, title, output } of processes)
      assert.ok(existsSync(`/proc/${pid}`), `${title} has ended:\n${output}`);
  }

  /** A host behind the relay. */
  farClient(): Node {
    const number = this.farClients++;
    const { node } = this.field.nodes[1]!;
    const client = this.field.lab.node(`far${number}`);
    this.field.lab.cable([client, 'eth0'], [node, `f${number}`]);
    node.ip(`link set f${number} master far0`);
    return client;
  }

  /** Clients on both LANs that keep their leases: busybox's, and one of ISC. */
  async clients(): Promise<readonly Renewing[]> {
    return Promise.all([
      ...Array.from({ length: 3 }, () => Renewing.start(this.field.lease())),
      Renewing.start(peers.dhclient(this.field.client(), 'eth0')),
      ...Array.from({ length: 2 }, () => this.farLease()),
    ]);
  }

  /** A new client on the server's LAN, and one behind the relay. */
  async newcomers(): Promise<readonly Renewing[]> {
    return Promise.all([Renewing.start(this.field.lease()), this.farLease()]);
  }

  private farLease(): Promise<Renewing> {
    return Renewing.start(peers.udhcpc(this.farClient(), 'eth0'));
  }

  /** What each account has asked for from a moment on. */
  tally(since: Date): Readonly<Record<Who, Tally>> {
    // A watch is told of twice, when it begins and when it ends.
    const requests = new Map(
      (this.field.cluster.audit() as Audited[])
        .filter(({ requestReceivedTimestamp }) => new Date(requestReceivedTimestamp) >= since)
        .map((event) => [event.auditID, event]),
    );
    const of = (who: Who): Tally => {
      const own = [...requests.values()].filter(({ user }) => user.username === ACCOUNTS[who]);
      const having = (test: (one: Audited) => boolean): number => own.filter(test).length;
      return {
        requests: own.length,
        lists: own
          .filter(({ verb, responseStatus }) => verb === 'list' && responseStatus?.code === 200)
          .map(({ requestURI }) => requestURI),
        watches: having(({ verb }) => verb === 'watch'),
        rejected: having(({ responseStatus }) => responseStatus?.code === 429),
      };
    };
    return { operator: of('operator'), server: of('server'), relay: of('relay') };
  }

  /** From now on all that our accounts ask for is answered with 429 and Retry-After, until the promised function is called. */
  storm(): Promise<() => Promise<void>> {
    const { cluster } = this.field;
    return storm(cluster, this.control, this.config, Object.values(ACCOUNTS));
  }

  /** Edits the server. */
  edit(spec: object): void {
    this.field.cluster.apply(ruleServer(spec));
  }

  /** Waits until the server's agent has applied another configuration than `before`, and gives its hash. */
  applied(before: string, seconds: number): Promise<string> {
    return eventually(
      `another configuration than ${before}`,
      () => {
        const { hash } = this;
        return hash !== before && hash;
      },
      seconds,
    );
  }

  /** Of the configuration that the server's agent applied last. */
  get hash(): string {
    const all = [...this.server.output.matchAll(/"hash":"(\w+)","msg":"configuration applied"/g)];
    return all.at(-1)?.[1] ?? '';
  }

  /** A process beside the API server that gets to it through the door, as the operator. */
  start(script: string): Process {
    return this.control.start(process.execPath, [join(import.meta.dirname, script), this.config]);
  }

  /** Runs a shell script beside the API server, as the administrator. */
  script(text: string): Process {
    const env = {
      KUBECONFIG: this.field.cluster.kubeconfig,
      PATH: `${dirname(tool('kubectl'))}:${process.env.PATH}`,
    };
    return this.control.start('sh', ['-c', text], { env });
  }

  /** From now on nothing passes on the connections that are open at the door, and nobody is told; new ones work. */
  blackhole(): number {
    const [, port] = /door \S+:(\d+)\n/.exec(this.door.output)!;
    const all = this.control.run('ss', '-Htn', 'state', 'established', `( sport = :${port} )`);
    const peers = [...all.matchAll(/ (\S+):(\d+) *$/gm)];
    for (const [, address, peer] of peers) {
      const there = ['-p', 'tcp', '-s', address!, '--sport', peer!, '--dport', port!];
      const back = ['-p', 'tcp', '-d', address!, '--dport', peer!, '--sport', port!];
      this.control.run('iptables', '-A', 'INPUT', ...there, '-j', 'DROP');
      this.control.run('iptables', '-A', 'OUTPUT', ...back, '-j', 'DROP');
    }
    return peers.length;
  }

  /** The DhcpLease objects by address. */
  leases(): ReadonlyMap<string, LeaseStatus> {
    const { items } = this.field.cluster.get<{ items: LeaseItem[] }>('dhcpleases');
    return new Map(items.map(({ spec, status }) => [spec.address, status ?? {}]));
  }

  private async startAll(): Promise<void> {
    const { cluster } = this.field;
    await this.operator.line(/"msg":"leading"/, 60);
    cluster.kubectl('label', 'node', 'node1', 'dhcp=lan');
    cluster.kubectl('label', 'node', 'node2', 'dhcp=far');
    cluster.apply(ruleServer({}));
    this.server = await this.field.agent('DhcpServer', 'lan');
    this.field.wait('dhcpserver/lan', 'Ready');
    cluster.apply(FAR_RELAY);
    this.relay = await this.field.agent('DhcpRelay', 'far', 1);
    this.field.wait('dhcprelay/far', 'Ready');
    // From now on through the door, too.
    this.throughDoor('default-dhcp-server-lan');
    this.throughDoor('default-dhcp-relay-far');
    await this.restartAgents();
    await this.server.line(/"msg":"this agent serves"/, 60);
    await this.relay.line(/"msg":"configuration applied"/, 60);
  }

  private throughDoor(config: string): void {
    const path = join(this.field.cluster.folder, `${config}.kubeconfig`);
    const [, at] = /door (\S+)\n/.exec(this.door.output)!;
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(this.field.cluster.server, `https://${at}`));
  }
}

/** A client that renews all the while, and must never lose its address. */
export class Renewing {
  readonly address: string;
  private readonly client: peers.Client;

  /** Resolves when it has its first lease. */
  static async start(client: peers.Client): Promise<Renewing> {
    return new Renewing(client, (await client.lease()).address);
  }

  private constructor(client: peers.Client, address: string) {
    this.client = client;
    this.address = address;
  }

  /** How often its lease has been extended. */
  get renewals(): number {
    return this.client.process.output.match(/^LEASE (renew|RENEW|REBIND) /gm)?.length ?? 0;
  }

  /** Gives the lease back, and ends. */
  release(): Promise<void> {
    return this.client.release();
  }

  /** Fails if it was ever without its address, or given another. */
  check(): void {
    const { output } = this.client.process;
    const told = [...output.matchAll(/^LEASE (\S+) (\S+)/gm)];
    const first = told.findIndex(([, reason]) => /^bound$/i.test(reason!));
    for (const [, reason, address] of told.slice(first)) {
      assert.match(reason!, /^(bound|renew|rebind)$/i, output);
      assert.equal(address, this.address, output);
    }
  }
}

type Audited = AuditEvent & { readonly auditID: string };

interface LeaseStatus {
  readonly state?: string;
  readonly expires?: string;
  readonly lastTransaction?: string;
}

interface LeaseItem {
  readonly spec: { readonly address: string };
  readonly status?: LeaseStatus;
}

/** Seconds that clients are given: they renew every ten. */
export const LEASE_SECONDS = 20;

function ruleServer(spec: object): string {
  return lanServer('lan', {
    leaseTime: `${LEASE_SECONDS}s`,
    minLeaseTime: '10s',
    conflictDetection: { mode: 'Off' },
    placement: { nodeSelector: { dhcp: 'lan' } },
    subnets: [
      {
        cidr: `${LAN}.0/24`,
        pools: [{ start: `${LAN}.100`, end: `${LAN}.199` }],
        options: { routers: [`${LAN}.1`] },
      },
      {
        cidr: `${FAR}.0/24`,
        pools: [{ start: `${FAR}.100`, end: `${FAR}.199` }],
        options: { routers: [`${FAR}.1`] },
      },
    ],
    ...spec,
  });
}

const FAR_RELAY = JSON.stringify({
  apiVersion: 'dhcp-operator.io/v1alpha1',
  kind: 'DhcpRelay',
  metadata: { name: 'far' },
  spec: {
    interfaces: [{ match: 'far0' }],
    upstreams: [{ serverRef: { name: 'lan' } }],
    placement: { nodeSelector: { dhcp: 'far' } },
  },
});

// node2 routes between its LAN and the server, which clients renew with directly.
function buildFar({ nodes: [near, far] }: Field): void {
  far!.node.ip(`link add far0 type bridge\naddr add ${FAR}.1/24 dev far0\nlink set far0 up`);
  far!.node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  near!.node.ip(`route add ${FAR}.0/24 via ${far!.address}`);
}

/** How often a process has said something. */
export function count(process: Process, text: string): number {
  return process.output.split(text).length - 1;
}
