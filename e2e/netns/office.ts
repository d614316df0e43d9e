// The topology of most labs:
//
//     client0 eth0 ──── lan0 ┐
//                            node  up0 ──── eth0 server
//     client1 eth0 ──── lan1 ┘
//
//     192.0.2.0/24 on lan0, 198.51.100.0/24 on lan1, 203.0.113.0/24 to the server
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab, type Node, type Process } from '../lab/lab.ts';

/** The agent as it lies in the tree, or the one that somebody names. */
export const AGENT =
  process.env.DHCP_AGENT ?? fileURLToPath(new URL('../../bin/dhcp-agent', import.meta.url));
export const SERVER = '203.0.113.1';
export const LAN0 = '192.0.2';
export const LAN1 = '198.51.100';

/** The nodes of the topology. */
export interface Office {
  readonly lab: Lab;
  readonly clients: readonly [Node, Node];
  readonly node: Node;
  readonly server: Node;
}

/** Builds it; `close` the lab in the end. */
export function office(name: string): Office {
  const lab = new Lab(name);
  const [client0, client1, node, server] = ['client0', 'client1', 'node', 'server'].map((n) =>
    lab.node(n),
  ) as [Node, Node, Node, Node];
  lab.cable([node, 'lan0'], [client0, 'eth0']);
  lab.cable([node, 'lan1'], [client1, 'eth0']);
  lab.cable([node, 'up0'], [server, 'eth0']);
  node.ip(
    `addr add ${LAN0}.1/24 dev lan0\naddr add ${LAN1}.1/24 dev lan1\naddr add 203.0.113.2/24 dev up0`,
  );
  node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  server.ip(`addr add ${SERVER}/24 dev eth0\nroute add default via 203.0.113.2`);
  return { lab, clients: [client0, client1], node, server };
}

/** An object of ours. */
export function manifest(kind: string, name: string, spec: object): object {
  return { apiVersion: 'dhcp-operator.io/v1alpha1', kind, metadata: { name }, spec };
}

/** Both LANs, for a foreign server. */
export const SUBNETS = { ifname: 'eth0', subnets: [{ network: LAN0 }, { network: LAN1 }] };

const ROOT = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

/** A test in this topology, which goes when the test ends, however that is. */
export function officeTest(name: string, body: (site: Office) => Promise<void>): void {
  test(name, { ...ROOT, timeout: 90_000 }, async () => {
    const site = office('relay');
    try {
      await body(site);
    } finally {
      await site.lab.close();
    }
  });
}

/** What our agent on the node says of itself by HTTP. */
export function ask(site: Office, path: string): string {
  return site.node.run('curl', '-s', `http://127.0.0.1:9067${path}`);
}

/** A DhcpRelay with this spec. */
export function relayManifest(spec: object, name = 'office'): object {
  return manifest('DhcpRelay', name, spec);
}

let manifests = 0;

/** Writes manifests into the lab's folder and returns the path. */
export function writeManifests(lab: Lab, objects: readonly object[], path?: string): string {
  const file = path ?? join(lab.folder, `manifest-${manifests++}.yaml`);
  writeFileSync(file, objects.map((object) => JSON.stringify(object, null, 2)).join('\n---\n'));
  return file;
}

/** Starts our agent on a node and waits until it runs. `before` is a command that it is run through. */
export async function agent(
  node: Node,
  objects: readonly object[],
  before: readonly string[] = [],
  args: readonly string[] = [],
): Promise<Process> {
  const file = writeManifests(node.lab, objects);
  const command = [
    ...before,
    AGENT,
    'run',
    '-f',
    file,
    '--state-dir',
    node.lab.folder,
    '--http',
    '127.0.0.1:9067',
    ...args,
  ];
  const process = node.start(command[0]!, command.slice(1));
  await process.line(/"msg":"running"/);
  return process;
}

/** Our relay on the node, from the LANs to the server. */
export function relay(
  site: Office,
  spec: object = {},
  before: readonly string[] = [],
): Promise<Process> {
  const common = { interfaces: [{ match: 'lan*' }], upstreams: [{ address: SERVER }] };
  return agent(site.node, [relayManifest({ ...common, ...spec })], before);
}
