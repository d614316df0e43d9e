// The servers that are compared, each started on processor 0 alone, with its leases in a file as it keeps them by
// default, and no probing before an offer.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { Node, Process } from '../lab/lab.ts';
import { manifest, writeManifests } from '../netns/office.ts';
import { agentProgram } from './bundle.ts';
import { pinned } from './generator.ts';

/** How clients reach the server: by themselves, or through a relay. */
export type Way = 'broadcast' | 'relayed';

/** Where a server runs, and the empty folder for its leases. */
export interface ServerPlace {
  readonly node: Node;
  readonly way: Way;
  /** How many addresses it has for each of its two subnets. */
  readonly addresses: number;
  readonly folder: string;
}

/** A server, and how to start it. */
export interface ServerContestant {
  readonly name: string;
  readonly program: string;
  start(place: ServerPlace): Promise<Process>;
}

/** The links of the server's node: the client LAN with 10.0.0.1, and the way to relays with 203.0.113.1. */
export const LINKS = { broadcast: 's0', relayed: 'up0' } as const;

interface Subnet {
  readonly cidr: string;
  readonly mask: string;
  readonly first: string;
  readonly last: string;
  readonly router: string;
}

/** No more addresses than needed: a large pool costs ISC dhcpd dear, whoever uses it. */
function subnets(addresses: number): readonly Subnet[] {
  return ['10.0.0.0', '10.64.0.0'].map((network) => {
    const base = parseIpv4(network)!;
    const at = (host: number): string => formatIpv4((base + host) as Ipv4);
    return {
      cidr: `${network}/14`,
      mask: '255.252.0.0',
      first: at(256),
      last: at(256 + addresses - 1),
      router: at(1),
    };
  });
}

const ours = (program: string): ServerContestant => ({
  name: 'dhcp-agent',
  program,
  async start({ node, addresses, folder }) {
    const spec = {
      interfaces: [{ match: LINKS.broadcast }],
      leaseTime: '1h',
      authoritative: true,
      conflictDetection: { mode: 'Off' },
      // Few clients stand for many when they come again at once; the others have no such limit.
      limits: { perClient: 0 },
      subnets: subnets(addresses).map(({ cidr, first, last, router }) => ({
        cidr,
        pools: [{ start: first, end: last }],
        options: { routers: [router], domainNameServers: ['192.0.2.53'] },
      })),
    };
    const file = writeManifests(node.lab, [manifest('DhcpServer', 'bench', spec)]);
    const args = ['run', '-f', file, '--state-dir', folder, '--http', 'off'];
    const server = pinned(node, 0, this.program, args);
    await server.line(/"msg":"running"/, 60);
    return server;
  },
});

const KEA: ServerContestant = {
  name: 'Kea',
  program: '/usr/sbin/kea-dhcp4',
  async start({ node, way, addresses, folder }) {
    const config = {
      Dhcp4: {
        'interfaces-config': {
          interfaces: [LINKS[way]],
          // What is the quicker for relays cannot answer clients that have no address yet.
          'dhcp-socket-type': way === 'relayed' ? 'udp' : 'raw',
        },
        'lease-database': { type: 'memfile', persist: true, name: join(folder, 'leases.csv') },
        'valid-lifetime': 3600,
        authoritative: true,
        subnet4: subnets(addresses).map(({ cidr, first, last, router }, i) => ({
          id: i + 1,
          subnet: cidr,
          pools: [{ pool: `${first} - ${last}` }],
          'option-data': [
            { name: 'routers', data: router },
            { name: 'domain-name-servers', data: '192.0.2.53' },
          ],
        })),
        loggers: [
          { name: 'kea-dhcp4', severity: 'INFO', output_options: [{ output: 'stdout' }] },
          // A line for each lease would cost it dear.
          { name: 'kea-dhcp4.leases', severity: 'WARN' },
        ],
      },
    };
    writeFileSync(join(folder, 'conf'), JSON.stringify(config));
    const server = pinned(node, 0, '/usr/bin/env', [
      `KEA_PIDFILE_DIR=${folder}`,
      `KEA_LOCKFILE_DIR=${folder}`,
      this.program,
      '-c',
      join(folder, 'conf'),
    ]);
    await server.line(/DHCP4_STARTED/);
    return server;
  },
};

const DHCPD: ServerContestant = {
  name: 'ISC dhcpd',
  program: '/usr/sbin/dhcpd',
  async start({ node, way, addresses, folder }) {
    const declared = subnets(addresses).map(
      ({ cidr, mask, first, last, router }) =>
        `subnet ${cidr.split('/')[0]} netmask ${mask} { range ${first} ${last}; option routers ${router}; option domain-name-servers 192.0.2.53; }`,
    );
    const conf = [
      'authoritative; ping-check false; default-lease-time 3600; max-lease-time 3600; log-facility local7;',
      'subnet 203.0.113.0 netmask 255.255.255.0 {}',
      ...declared,
    ];
    writeFileSync(join(folder, 'leases'), '');
    writeFileSync(join(folder, 'conf'), conf.join('\n'));
    const files = ['-cf', join(folder, 'conf'), '-lf', join(folder, 'leases')];
    // Without -d it is silent once it runs: a line for each message would cost it dear.
    const server = pinned(node, 0, this.program, [
      ...['-4', '-f', ...files, '-pf', join(folder, 'pid')],
      LINKS[way],
    ]);
    await server.line(/Sending on/);
    return server;
  },
};

const DNSMASQ: ServerContestant = {
  name: 'dnsmasq',
  program: '/usr/sbin/dnsmasq',
  async start({ node, addresses, folder }) {
    const ranges = subnets(addresses).map(
      ({ mask, first, last }) => `--dhcp-range=${first},${last},${mask},1h`,
    );
    const server = pinned(node, 0, this.program, [
      ...['-d', '-C', '/dev/null', '--port=0', '--user=root', '--no-ping', '--dhcp-authoritative'],
      ...['--quiet-dhcp', '--dhcp-lease-max=1000000'],
      `--dhcp-leasefile=${join(folder, 'leases')}`,
      `--pid-file=${join(folder, 'pid')}`,
      ...ranges,
    ]);
    await server.line(/DHCP, IP range/);
    return server;
  },
};

/** Kea first: at half of what it can do, the answering times of all are compared. `folder` is for files that go with the bench. */
export function servers(folder: string): readonly ServerContestant[] {
  return [KEA, ours(agentProgram(folder)), DHCPD, DNSMASQ];
}
