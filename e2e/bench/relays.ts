// The relays that are compared, each started on processor 0 alone.
import { join } from 'node:path';
import type { Node, Process } from '../lab/lab.ts';
import { relayManifest, writeManifests } from '../netns/office.ts';
import { agentProgram } from './bundle.ts';
import { pinned } from './generator.ts';

/** A relay, and how to start it on lan0 and up0 of a node whose address towards clients is `giaddr`. */
export interface Contestant {
  readonly name: string;
  readonly program: string;
  start(node: Node, giaddr: string, server: string): Promise<Process>;
}

const ours = (program: string): Contestant => ({
  name: 'dhcp-agent',
  program,
  async start(node, _giaddr, server) {
    const spec = {
      interfaces: [{ match: 'lan0' }],
      upstreams: [{ address: server }],
      // A few hundred clients stand for very many; the others have no such limit.
      rateLimit: { perClient: 0, perInterface: 0 },
    };
    const file = writeManifests(node.lab, [relayManifest(spec)]);
    const relay = pinned(node, 0, this.program, ['run', '-f', file, '--http', 'off']);
    await relay.line(/"msg":"running"/);
    return relay;
  },
});

const DHCRELAY: Contestant = {
  name: 'ISC dhcrelay',
  program: '/usr/sbin/dhcrelay',
  async start(node, _giaddr, server) {
    const args = ['-4', '-d', '--no-pid', '-id', 'lan0', '-iu', 'up0', server];
    const relay = pinned(node, 0, this.program, args);
    // It opens two sockets on every interface there is, whatever it is told, which takes 16 s for 1,000.
    await relay.line(/Sending on {3}Socket/, 120);
    return relay;
  },
};

const DNSMASQ: Contestant = {
  name: 'dnsmasq',
  program: '/usr/sbin/dnsmasq',
  async start(node, giaddr, server) {
    const relay = pinned(node, 0, this.program, [
      '-d',
      '-C',
      '/dev/null',
      '--port=0',
      '--user=root',
      '--leasefile-ro',
      `--pid-file=${join(node.lab.folder, 'dnsmasq.pid')}`,
      `--dhcp-relay=${giaddr},${server}`,
    ]);
    await relay.line(/DHCP relay/);
    return relay;
  },
};

/** Ours first, then those it is measured against; `folder` is for files that go with the bench. */
export function contestants(folder: string): readonly Contestant[] {
  return [ours(agentProgram(folder)), DHCRELAY, DNSMASQ];
}
