// A laboratory with a real control plane in it, the chart installed, and nodes that are namespaces without a kubelet: operators
// and agents run as processes, with the rights of the service accounts that they would have as pods.
//
//   control ── br0 10.123.0.1 ──┬── eth0 node1 lan0 ──┬── lan (a switch) ── eth0 client0
//   (API server, operators)     └── eth0 node2 lan0 ──┘                  ── eth0 client1 …
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, Lab, type Node, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { AGENT } from '../netns/office.ts';
import { ControlPlane } from './controlplane.ts';
import { startMachine } from './machine.ts';

const OPERATOR = join(import.meta.dirname, '../../bin/dhcp-operator');
export const CHART = join(import.meta.dirname, '../../charts/dhcp-operator');
const CONTROL = '10.123.0.1';
/** Where the chart is installed, and under which name. */
export const NAMESPACE = 'dhcp-operator';
/** Documentation addresses (RFC 5737). */
export const LAN = '192.0.2';

/** One node without a kubelet. */
interface FieldNode {
  readonly name: string;
  readonly node: Node;
  readonly address: string;
}

/** A laboratory with a cluster in it. */
export class Field {
  readonly lab: Lab;
  readonly cluster: ControlPlane;
  readonly nodes: readonly FieldNode[];
  private readonly control: Node;
  private readonly switch: Node;
  private readonly operatorConfig: string;
  private readonly machines: boolean;
  private readonly restore: (() => void)[] = [];
  private operators = 0;
  private agents = 0;
  private clients = 0;

  /** Starts the control plane and installs the chart; with `machines` the nodes are real ones, and run pods. */
  static async start(name: string, nodes = 2, machines = false): Promise<Field> {
    const lab = new Lab(name);
    try {
      const control = lab.node('control');
      control.ip(`link add br0 type bridge\naddr add ${CONTROL}/24 dev br0\nlink set br0 up`);
      const folder = join(lab.folder, 'kube');
      const cluster = await ControlPlane.start({ node: control, address: CONTROL }, folder);
      return new Field(lab, control, cluster, nodes, machines);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  private constructor(
    lab: Lab,
    control: Node,
    cluster: ControlPlane,
    nodes: number,
    machines: boolean,
  ) {
    this.machines = machines;
    this.lab = lab;
    this.control = control;
    this.cluster = cluster;
    this.switch = lab.node('lan');
    this.switch.ip('link add br0 type bridge\nlink set br0 up');
    this.nodes = Array.from({ length: nodes }, (_, i) => this.addNode(i + 1));
    cluster.helm('install', NAMESPACE, CHART, '--namespace', NAMESPACE, '--create-namespace');
    this.operatorConfig = cluster.accountConfig(NAMESPACE, NAMESPACE);
  }

  /** Another replica of the operator, with the rights that the chart gives. */
  async operator(): Promise<Process> {
    const number = ++this.operators;
    const running = this.control.start(OPERATOR, [
      '--agent-image=dhcp-operator/agent:e2e',
      `--namespace=${NAMESPACE}`,
      `--kubeconfig=${this.operatorConfig}`,
      `--http=127.0.0.1:${18_080 + number}`,
    ]);
    await running.line(/"msg":"the cluster is known"/, 60);
    return running;
  }

  /** The agent of an object on a node, with the rights that the operator gave its service account. */
  async agent(kind: 'DhcpServer' | 'DhcpRelay', name: string, on = 0): Promise<Process> {
    const child = childOf(kind, name);
    await this.eventually(`rights of ${child}`, () =>
      this.cluster.kubectl('get', 'rolebinding', child, '-o', 'name'),
    );
    this.cluster.accountConfig('default', child);
    const running = this.restart(kind, name, on);
    await running.line(/"msg":"configuration applied"/, 60);
    await this.pretendPod(child, this.nodes[on]!.name);
    return running;
  }

  /** The same agent again, with the state and the token that it had; resolves at once. */
  restart(kind: 'DhcpServer' | 'DhcpRelay', name: string, on = 0): Process {
    const child = childOf(kind, name);
    const { name: nodeName, node, address } = this.nodes[on]!;
    const state = join(this.lab.folder, `${nodeName}-${child}`);
    mkdirSync(state, { recursive: true });
    const config = join(this.cluster.folder, `default-${child}.kubeconfig`);
    const args = ['kubernetes', `--object=${kind}/default/${name}`, `--kubeconfig=${config}`];
    // Every agent of a node needs a port of its own.
    const http = `--http=${address}:${20_000 + this.agents++}`;
    return node.start(AGENT, [...args, `--state-dir=${state}`, http], {
      env: { NODE_NAME: nodeName, HOST_IP: address },
    });
  }

  /** A host on the LAN. */
  client(): Node {
    const number = this.clients++;
    const client = this.lab.node(`client${number}`);
    this.lab.cable([client, 'eth0'], [this.switch, `c${number}`]);
    this.switch.ip(`link set c${number} master br0`);
    return client;
  }

  /** A client that keeps its lease. */
  lease(client: Node = this.client()): peers.Client {
    return peers.udhcpc(client, 'eth0');
  }

  /** Waits for a condition of an object, as kubectl wait does. */
  wait(object: string, condition: string, seconds = 60): void {
    this.cluster.kubectl('wait', `--for=condition=${condition}`, object, `--timeout=${seconds}s`);
  }

  /** Waits until this neither throws nor is false. */
  eventually<T>(what: string, test: () => T | null | false, seconds = 60): Promise<T> {
    let last: unknown;
    return eventually(
      what,
      () => {
        try {
          return test();
        } catch (error) {
          last = error;
          return null;
        }
      },
      seconds,
    ).catch((error: Error) => {
      throw new Error(`${error.message}${last === undefined ? '' : `: ${last}`}`);
    });
  }

  async close(): Promise<void> {
    await this.cluster.stop();
    await this.lab.close();
    for (const restore of this.restore) restore();
  }

  // What the kubelet would say of the pod, if there was one.
  private async pretendPod(child: string, nodeName: string): Promise<void> {
    const labels = `app.kubernetes.io/instance=${child.replace(/^dhcp-(server|relay)-/, '')}`;
    const where = ['pods', '-l', labels, `--field-selector=spec.nodeName=${nodeName}`];
    const pod = await this.eventually(`a pod of ${child} on ${nodeName}`, () => {
      return this.cluster.kubectl('get', ...where, '-o', 'name').trim() || null;
    }).catch((error: Error) => {
      const seen = this.cluster.kubectl('get', 'ds,pods,events,nodes', '-o', 'wide');
      throw new Error(`${error.message}\n${seen}`);
    });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    this.cluster.kubectl('patch', pod, ...patch);
  }

  private addNode(number: number): FieldNode {
    const name = `node${number}`;
    const node = this.lab.node(name);
    const address = `10.123.0.${10 + number}`;
    this.lab.cable([node, 'eth0'], [this.control, name]);
    this.control.ip(`link set ${name} master br0`);
    this.lab.cable([node, 'lan0'], [this.switch, name]);
    this.switch.ip(`link set ${name} master br0`);
    node.ip(`addr add ${address}/24 dev eth0\naddr add ${LAN}.${number}/24 dev lan0`);
    if (this.machines) {
      const podCidr = `10.244.${number}.0/24`;
      this.control.ip(`route add ${podCidr} via ${address}`);
      node.ip(`route add default via ${CONTROL}`);
      const { cluster } = this;
      this.restore.push(startMachine({ cluster, node, name, address, podCidr }));
    } else {
      this.pretendNode(name, address);
    }
    return { name, node, address };
  }

  // What the kubelet would say of the node, if there was one.
  private pretendNode(name: string, address: string): void {
    this.cluster.apply(
      `{apiVersion: v1, kind: Node, metadata: {name: ${name}, labels: {kubernetes.io/os: linux}}}`,
    );
    const amount = { cpu: '4', memory: '8Gi', pods: '110' };
    const status = {
      capacity: amount,
      allocatable: amount,
      addresses: [{ type: 'InternalIP', address }],
      conditions: [{ type: 'Ready', status: 'True', reason: 'Pretended' }],
    };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    this.cluster.kubectl('patch', 'node', name, ...patch);
  }
}

function childOf(kind: 'DhcpServer' | 'DhcpRelay', name: string): string {
  return `${kind === 'DhcpServer' ? 'dhcp-server' : 'dhcp-relay'}-${name}`;
}

/** The YAML of a DhcpServer for the LAN; `spec` is merged over what it needs. */
export function lanServer(name: string, spec: object = {}): string {
  return JSON.stringify({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    metadata: { name },
    spec: {
      interfaces: [{ match: 'lan0' }],
      subnets: [
        {
          cidr: `${LAN}.0/24`,
          pools: [{ start: `${LAN}.100`, end: `${LAN}.199` }],
          options: { routers: [`${LAN}.1`] },
        },
      ],
      ...spec,
    },
  });
}

/** The conditions of an object by type, as `True Reason`. */
export function conditions(field: Field, object: string): Record<string, string> {
  const { status } = field.cluster.get<{ status?: { conditions?: Condition[] } }>(object);
  assert.ok(status !== undefined, `${object} has no status`);
  return Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  );
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

/** What the operator or an agent asked for and may not, as `WHO VERB PATH`. */
export function forbidden(field: Field): readonly string[] {
  return (
    field.cluster
      .audit()
      .filter(({ responseStatus }) => responseStatus?.code === 403)
      // What it says for some seconds about kinds that have just been installed.
      .filter(({ responseStatus }) => !responseStatus?.message?.includes('cannot find RESTMapping'))
      .filter(({ user }) => /:dhcp-(operator|server-|relay-)/.test(user.username))
      .map(({ verb, user, requestURI }) => `${user.username} ${verb} ${requestURI}`)
  );
}
