// A cluster without kubelets: a control plane in a network of its own, and nodes where agents run as processes, all on one LAN.
//
//        cp ──────┐
//        n1 mgmt ─┤ switch "mgmt", 10.123.0.0/24        n1 eth0 ─┐
//        n2 mgmt ─┘                                     n2 eth0 ─┤ switch "lan", 192.0.2.0/24
//                                                   client eth0 ─┘
//
// The Nodes are objects only: DaemonSet controller and scheduler make pods for them, and what a kubelet would do is done here.
import { fileURLToPath } from 'node:url';
import { eventually, Lab, type Node, type Process } from '../lab/lab.ts';
import { ControlPlane } from './controlplane.ts';

const AGENT = fileURLToPath(new URL('../../bin/dhcp-agent', import.meta.url));
const OPERATOR = fileURLToPath(new URL('../../bin/dhcp-operator', import.meta.url));
const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));

/** A node whose agent is a process. */
export interface CampusNode {
  readonly name: string;
  readonly node: Node;
  /** What the kubelet would say it is. */
  readonly address: string;
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
}

/** Everything. */
export class Campus {
  readonly lab: Lab;
  readonly cluster: ControlPlane;
  readonly nodes: readonly CampusNode[];
  readonly client: Node;
  private readonly control: Node;
  private heartbeat: NodeJS.Timeout | undefined;

  static async start(count: number): Promise<Campus> {
    const lab = new Lab('campus');
    try {
      const hub = lab.node('hub');
      hub.ip(
        'link add mgmt type bridge\nlink set mgmt up\nlink add lan type bridge\nlink set lan up',
      );
      const control = lab.node('cp');
      plug(lab, hub, 'mgmt', control, 'eth0');
      control.ip('addr add 10.123.0.1/24 dev eth0\nroute add default via 10.123.0.254');
      const nodes = Array.from({ length: count }, (_, i) => addNode(lab, hub, i + 1));
      const client = lab.node('client');
      plug(lab, hub, 'lan', client, 'eth0');
      const cluster = await ControlPlane.start({ node: control, address: '10.123.0.1' });
      const campus = new Campus(lab, cluster, nodes, client, control);
      await eventually('the kinds to be known', () => campus.knowsKinds(), 30);
      return campus;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  private constructor(
    lab: Lab,
    cluster: ControlPlane,
    nodes: readonly CampusNode[],
    client: Node,
    control: Node,
  ) {
    this.lab = lab;
    this.cluster = cluster;
    this.nodes = nodes;
    this.client = client;
    this.control = control;
    cluster.kubectl(
      'apply',
      '--server-side',
      '-f',
      `${CRDS}/dhcpservers.yaml`,
      '-f',
      `${CRDS}/dhcprelays.yaml`,
      '-f',
      `${CRDS}/dhcpleases.yaml`,
    );
    cluster.kubectl('create', 'namespace', 'dhcp');
    cluster.kubectl('create', 'namespace', 'dhcp-operator');
  }

  async stop(): Promise<void> {
    clearInterval(this.heartbeat);
    await this.cluster.stop();
    await this.lab.close();
  }

  /** Makes the Node objects, ready for pods. */
  announce(nodes: readonly CampusNode[] = this.nodes): void {
    this.beat(nodes);
    this.heartbeat = setInterval(() => this.beat(nodes), 5_000);
    for (const { name, address } of nodes) {
      this.cluster.apply(
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name, labels: { 'kubernetes.io/os': 'linux' } },
        }),
      );
      const conditions = [{ type: 'Ready', status: 'True', reason: 'Here', message: 'here' }];
      const status = {
        addresses: [{ type: 'InternalIP', address }],
        allocatable: { cpu: '4', memory: '4Gi', pods: '20' },
        capacity: { cpu: '4', memory: '4Gi', pods: '20' },
        conditions,
      };
      this.cluster.kubectl(
        'patch',
        'node',
        name,
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status }),
      );
      // What a node is tainted with until somebody has seen it.
      this.cluster.kubectl('patch', 'node', name, '--type=merge', '-p', '{"spec":{"taints":null}}');
    }
  }

  // What kubelets do so that their nodes are not taken for dead.
  private beat(nodes: readonly CampusNode[]): void {
    const renewTime = `${new Date().toISOString().slice(0, -1)}000Z`;
    const leases = nodes.map(({ name }) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
    }));
    try {
      this.cluster.apply(leases.map((lease) => JSON.stringify(lease)).join('\n---\n'));
    } catch {
      // The API server is away, and so no node is looked after.
    }
  }

  /** The operator, as a process beside the control plane. */
  async operator(kubeconfig = this.cluster.kubeconfig): Promise<Process> {
    const args = [
      '--agent-image',
      'agent:1',
      '--kubeconfig',
      kubeconfig,
      '--http',
      '127.0.0.1:8089',
    ];
    const operator = this.control.start(OPERATOR, args);
    await operator.line(/"msg":"leading"/, 30);
    return operator;
  }

  /** The agent of an object on a node, as the DaemonSet's pod there would run it. */
  async agent(
    on: CampusNode,
    object: string,
    kubeconfig = this.cluster.kubeconfig,
  ): Promise<Process> {
    const agent = on.node.start(
      AGENT,
      [
        'kubernetes',
        '--object',
        object,
        '--kubeconfig',
        kubeconfig,
        '--state-dir',
        `${this.lab.folder}/${on.name}`,
        '--http',
        '127.0.0.1:9067',
      ],
      { env: { NODE_NAME: on.name, HOST_IP: on.address } },
    );
    await agent.line(/"msg":"running"/, 30);
    return agent;
  }

  /** Waits for pods on nodes, and says of them what a kubelet would. */
  async podsReady(count: number): Promise<void> {
    await eventually('pods to be placed', () => this.pods().length >= count, 30);
    const status = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
    };
    for (const { metadata } of this.pods())
      this.cluster.kubectl(
        '-n',
        'dhcp',
        'patch',
        'pod',
        metadata.name,
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status }),
      );
  }

  /** Takes a node off the network of the control plane, or back. */
  cut(on: CampusNode, isCut: boolean): void {
    on.node.ip(`link set mgmt ${isCut ? 'down' : 'up'}`);
  }

  /** What it says of a condition: `True Serving`. */
  condition(object: string, type: string): string {
    const path = `{.status.conditions[?(@.type=="${type}")]['status','reason']}`;
    return this.cluster.kubectl('-n', 'dhcp', 'get', object, '-o', `jsonpath=${path}`);
  }

  private knowsKinds(): boolean {
    try {
      this.cluster.kubectl('get', 'dhcpservers,dhcprelays,dhcpleases', '-A');
      return true;
    } catch {
      return false;
    }
  }

  private pods(): Pod[] {
    return this.cluster
      .get<{ items: Pod[] }>('pods', '-n', 'dhcp')
      .items.filter(({ spec }) => spec.nodeName !== undefined);
  }
}

function addNode(lab: Lab, hub: Node, i: number): CampusNode {
  const node = lab.node(`n${i}`);
  const address = `10.123.0.1${i}`;
  plug(lab, hub, 'mgmt', node, 'mgmt');
  plug(lab, hub, 'lan', node, 'eth0');
  node.ip(`addr add ${address}/24 dev mgmt\naddr add 192.0.2.${i}/24 dev eth0`);
  return { name: `n${i}`, node, address };
}

function plug(lab: Lab, hub: Node, bridge: string, node: Node, ifname: string): void {
  const port = `${bridge}-${node.name}`;
  lab.cable([hub, port], [node, ifname]);
  hub.ip(`link set ${port} master ${bridge}`);
}
