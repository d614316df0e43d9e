// The foreign programs that our own must get along with, each started in a lab with its files in the lab's folder.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, type Node, type Process } from './lab.ts';

const SCRIPT = fileURLToPath(new URL('client-script.sh', import.meta.url));
let files = 0;

/** What a client was given. */
export interface Given {
  readonly reason: string;
  readonly address: string;
  readonly router: string;
  readonly names: string;
  readonly server: string;
  readonly seconds: number;
}

/** A DHCP client at work on an interface. */
export interface Client {
  readonly process: Process;
  /** Waits for the next lease that was not asked about yet. */
  lease(seconds?: number): Promise<Given>;
  /** Asks the server to extend the lease, by unicast. */
  renew(): void;
  /** Gives the lease back and ends. */
  release(): Promise<void>;
}

/** busybox's client, or with `args` what else it shall be told. */
export function udhcpc(node: Node, ifname: string, args: readonly string[] = []): Client {
  const command = [
    'udhcpc',
    '-i',
    ifname,
    '-f',
    '-s',
    SCRIPT,
    '-t',
    '5',
    '-T',
    '2',
    '-A',
    '1',
    '-R',
    ...args,
  ];
  const process = node.start('busybox', command);
  return {
    process,
    lease: leases(process, ['bound', 'renew']),
    renew: () => process.signal('SIGUSR1'),
    release: async () => {
      await process.stop('SIGTERM');
    },
  };
}

/** ISC's client. `conf` goes into dhclient.conf, `known` is what it remembers: dhclient.leases. */
export function dhclient(node: Node, ifname: string, conf = '', known = ''): Client {
  const folder = folderFor(node, 'dhclient');
  writeFileSync(join(folder, 'leases'), known);
  writeFileSync(
    join(folder, 'conf'),
    `initial-interval 1;\nbackoff-cutoff 2;\ntimeout 30;\n${conf}`,
  );
  const own = [
    '-4',
    '-v',
    '-sf',
    SCRIPT,
    '-pf',
    join(folder, 'pid'),
    '-lf',
    join(folder, 'leases'),
    '-cf',
    join(folder, 'conf'),
  ];
  const process = node.start('dhclient', ['-d', ...own, ifname]);
  return {
    process,
    lease: leases(process, ['BOUND', 'RENEW', 'REBIND', 'REBOOT']),
    renew: () => assert.fail('dhclient renews when it is due'),
    release: async () => {
      await node.start('dhclient', ['-r', '-d', ...own, ifname]).end();
      await process.stop();
    },
  };
}

/** Roy Marples' client, with /run and /var/lib/dhcpcd of its own. It probes by ARP unless `args` say otherwise. */
export function dhcpcd(node: Node, ifname: string, args: readonly string[] = ['--noarp']): Client {
  const folder = folderFor(node, 'dhcpcd');
  writeFileSync(
    join(folder, 'conf'),
    'nodev\nnodelay\noption domain_name_servers, routers\nnohook resolv.conf\n',
  );
  const mounts =
    'mount -t tmpfs tmpfs /run && mkdir -p /run/dhcpcd && mount -t tmpfs tmpfs /var/lib/dhcpcd';
  const command = ['-4', '-B', '-d', '-f', join(folder, 'conf'), '-c', SCRIPT, ...args, ifname];
  const process = node.start('unshare', [
    '-m',
    'sh',
    '-c',
    `${mounts} && exec dhcpcd "$@"`,
    'dhcpcd',
    ...command,
  ]);
  return {
    process,
    lease: leases(process, ['BOUND', 'RENEW', 'REBIND', 'REBOOT', 'INFORM']),
    renew: () => process.signal('SIGUSR1'),
    release: async () => {
      await process.stop('SIGALRM');
    },
  };
}

/**
 * systemd-networkd by itself, without bus and udev, with /run of its own and a read-only /sys, so that it takes links as
 * they are. `settings` are lines of [DHCPv4]. Needs a root that may become another user.
 */
export function networkd(node: Node, ifname: string, settings: readonly string[] = []): Client {
  const folder = folderFor(node, 'networkd');
  const conf = join(folder, 'lab.network');
  // Its own identifier would be made of the machine's.
  const duid = `DUIDType=vendor\nDUIDRawData=00:00:ab:11:00:00:${node.mac(ifname)}`;
  writeFileSync(
    conf,
    `[Match]\nName=${ifname}\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nLLDP=no\n[DHCPv4]\n${[duid, ...settings].join('\n')}\n`,
  );
  const mounts =
    'mount -t tmpfs tmpfs /run && mount -t sysfs -o ro sysfs /sys && mkdir -p /run/systemd/network';
  const start = `${mounts} && cp ${conf} /run/systemd/network/ && exec /lib/systemd/systemd-networkd`;
  const process = node.start('unshare', ['-m', 'sh', '-c', start], {
    env: { SYSTEMD_LOG_LEVEL: 'debug', SYSTEMD_LOG_TARGET: 'console', SYSTEMD_COLORS: '0' },
  });
  let seen = 0;
  return {
    process,
    lease: async (seconds = 25) => {
      await process.line(new RegExp(`(?:DHCPv4 client: ACK[\\s\\S]*?){${++seen}}\\n`), seconds);
      const index = /^(\d+):/.exec(node.run('ip', '-o', 'link', 'show', 'dev', ifname))![1];
      const file = `/proc/${process.pid}/root/run/systemd/netif/leases/${index}`;
      const text = await eventually('the lease file', () => readLease(file), seconds);
      const value = (key: string): string =>
        new RegExp(`^${key}=(.+)$`, 'm').exec(text)?.[1] ?? '-';
      return {
        reason: seen === 1 ? 'BOUND' : 'RENEW',
        address: value('ADDRESS'),
        router: value('ROUTER'),
        names: value('DNS'),
        server: value('SERVER_ADDRESS'),
        seconds: Number(value('LIFETIME')),
      };
    },
    renew: () => assert.fail('networkd renews when it is due'),
    release: async () => {
      await process.stop();
    },
  };
}

function readLease(file: string): string | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return /^LIFETIME=/m.test(text) ? text : null;
}

// Each call waits for one more lease than the last.
function leases(
  process: Process,
  reasons: readonly string[],
): (seconds?: number) => Promise<Given> {
  let seen = 0;
  return async (seconds = 25) => {
    seen++;
    const line = `LEASE (${reasons.join('|')}) (\\S+) (.+?) (.+?) (\\S+) (\\S+)\\n`;
    const nth = new RegExp(`(?:${line.replaceAll('(', '(?:')}[\\s\\S]*?){${seen - 1}}${line}`);
    const found = await process.line(nth, seconds);
    const [reason, address, router, names, server, time] = found.slice(1);
    return {
      reason: reason!,
      address: address!,
      router: router!,
      names: names!,
      server: server!,
      seconds: Number(time),
    };
  };
}

/** A subnet that a foreign server shall serve. */
export interface ServedSubnet {
  /** `192.0.2` of 192.0.2.0/24, whose router is .1. */
  readonly network: string;
  /** The last octets of the first and the last address given out: 100 and 199. */
  readonly pool?: readonly [number, number];
}

const POOL = [100, 199] as const;

/** What every foreign server is told. */
export interface ServerOptions {
  readonly subnets: readonly ServedSubnet[];
  /** The interface it listens on. */
  readonly ifname: string;
  readonly leaseSeconds?: number;
}

/** dnsmasq as a DHCP server; ready when the promise resolves. */
export async function dnsmasq(
  node: Node,
  options: ServerOptions,
  args: readonly string[] = [],
): Promise<Process> {
  const folder = folderFor(node, 'dnsmasq');
  const ranges = options.subnets.map(
    ({ network, pool: [first, last] = POOL }) =>
      `--dhcp-range=${network}.${first},${network}.${last},255.255.255.0,${Math.max(120, options.leaseSeconds ?? 3600)}`,
  );
  const process = node.start('dnsmasq', [
    '-d',
    '--port=0',
    '-C',
    '/dev/null',
    '--no-ping',
    '--log-dhcp',
    '--dhcp-authoritative',
    '--leasefile-ro',
    `--pid-file=${join(folder, 'pid')}`,
    ...ranges,
    ...args,
  ]);
  await process.line(/DHCP, IP range/);
  return process;
}

/** ISC dhcpd, by its path: the npm package `dhcp` has a program of that name too. */
export async function dhcpd(node: Node, options: ServerOptions, conf = ''): Promise<Process> {
  const folder = folderFor(node, 'dhcpd');
  const seconds = options.leaseSeconds ?? 3600;
  writeFileSync(join(folder, 'leases'), '');
  writeFileSync(
    join(folder, 'conf'),
    [
      `authoritative; ping-check false; default-lease-time ${seconds}; max-lease-time ${seconds}; min-lease-time ${seconds};`,
      ...node
        .addresses(options.ifname)
        .map((own) => `subnet ${own.replace(/\d+$/, '0')} netmask 255.255.255.0 {}`),
      ...options.subnets.map(
        ({ network, pool: [first, last] = POOL }) =>
          `subnet ${network}.0 netmask 255.255.255.0 { range ${network}.${first} ${network}.${last}; option routers ${network}.1; option domain-name-servers 192.0.2.53; }`,
      ),
      conf,
    ].join('\n'),
  );
  const process = node.start('/usr/sbin/dhcpd', [
    '-4',
    '-d',
    '-f',
    '-cf',
    join(folder, 'conf'),
    '-lf',
    join(folder, 'leases'),
    '-pf',
    join(folder, 'pid'),
    options.ifname,
  ]);
  await process.line(/Server starting service/);
  return process;
}

/** Kea, with its leases in memory. */
export async function kea(
  node: Node,
  options: ServerOptions,
  extra: object = {},
): Promise<Process> {
  const folder = folderFor(node, 'kea');
  const seconds = options.leaseSeconds ?? 3600;
  const config = {
    Dhcp4: {
      'interfaces-config': { interfaces: [options.ifname], 'dhcp-socket-type': 'udp' },
      'lease-database': { type: 'memfile', persist: false },
      'valid-lifetime': seconds,
      authoritative: true,
      subnet4: options.subnets.map(({ network, pool: [first, last] = POOL }, i) => ({
        id: i + 1,
        subnet: `${network}.0/24`,
        pools: [{ pool: `${network}.${first} - ${network}.${last}` }],
        'option-data': [
          { name: 'routers', data: `${network}.1` },
          { name: 'domain-name-servers', data: '192.0.2.53' },
        ],
      })),
      loggers: [{ name: 'kea-dhcp4', severity: 'INFO', output_options: [{ output: 'stdout' }] }],
      ...extra,
    },
  };
  writeFileSync(join(folder, 'conf'), JSON.stringify(config));
  const env = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder };
  const process = node.start('kea-dhcp4', ['-c', join(folder, 'conf')], { env });
  await process.line(/DHCP4_STARTED/);
  return process;
}

/** ISC dhcrelay. */
export async function dhcrelay(node: Node, args: readonly string[]): Promise<Process> {
  const folder = folderFor(node, 'dhcrelay');
  const process = node.start('dhcrelay', ['-4', '-d', '--no-pid', ...args], { cwd: folder });
  await process.line(/Sending on {3}Socket|Listening on Socket|Sending on {3}LPF/);
  return process;
}

/** dnsmasq as a relay, from the link where it has the address `own`. */
export async function dnsmasqRelay(node: Node, own: string, server: string): Promise<Process> {
  const files = [`--pid-file=${join(folderFor(node, 'dnsmasq'), 'pid')}`, '--leasefile-ro'];
  const relay = ['--port=0', '-C', '/dev/null', `--dhcp-relay=${own},${server}`, '--log-dhcp'];
  const process = node.start('dnsmasq', ['-d', ...relay, ...files]);
  await process.line(/DHCP relay from/);
  return process;
}

function folderFor(node: Node, name: string): string {
  const folder = join(node.lab.folder, `${node.name}-${name}-${files++}`);
  mkdirSync(folder);
  return folder;
}

/** Sends a DHCPINFORM from an address, and says who answered. */
export function inform(node: Node, ifname: string, address: string): Process {
  const script = fileURLToPath(new URL('inform.py', import.meta.url));
  return node.start('python3', [script, ifname, address, node.mac(ifname)]);
}

/** A server that hands out one address per client link and forgets to echo option 82 (scapy); `given` is by link selection or giaddr. */
export async function deafServer(
  node: Node,
  given: Readonly<Record<string, string>>,
): Promise<Process> {
  const script = fileURLToPath(new URL('deaf-server.py', import.meta.url));
  const process = node.start('python3', [
    script,
    node.addresses('eth0')[0]!,
    JSON.stringify(given),
  ]);
  await process.line(/listening/);
  return process;
}

/** The clients that run anywhere, also as root of a user namespace. */
export const CLIENTS = { udhcpc, dhclient, dhcpcd } as const;
/** Every kind of client, and of server, by name. */
export const ALL_CLIENTS = { ...CLIENTS, networkd } as const;
export const SERVERS = { dnsmasq, dhcpd, kea } as const;
