// What clients are told by another server, and by ours when it runs what became of the other's configuration: the same.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab, type Node, type Process } from '../lab/lab.ts';
import { AGENT } from './office.ts';

const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };
const SCRIPT = fileURLToPath(new URL('../lab/told.sh', import.meta.url));

const DHCPD = `
authoritative; ping-check false; ddns-update-style none;
default-lease-time 600; max-lease-time 900;
option domain-name-servers 192.0.2.53, 192.0.2.54;
option domain-name "example.org";
option arch code 93 = unsigned integer 16;
option pair code 222 = { ip-address, unsigned integer 16 };
option pair 192.0.2.9 300;
class "phones" {
  match if substring(option vendor-class-identifier, 0, 5) = "Phone";
  option tftp-server-name "tftp.example.org";
  default-lease-time 700;
}
class "oui" { match if binary-to-ascii(16, 8, ":", substring(hardware, 1, 3)) = "2:0:5e"; }
class "listed" { match hardware; }
subclass "listed" 1:02:00:00:00:00:77;
if option vendor-class-identifier = "MSFT 5.0" { option netbios-name-servers 192.0.2.44; }
subnet 192.0.2.0 netmask 255.255.255.0 {
  option routers 192.0.2.1;
  option domain-search "example.org", "lab.example.org";
  next-server 192.0.2.69;
  if exists user-class and option user-class = "iPXE" { filename "menu.ipxe"; }
  elsif option arch = 00:07 { filename "ipxe.efi"; }
  else { filename "undionly.kpxe"; }
  pool { allow members of "phones"; range 192.0.2.10 192.0.2.19; }
  pool { allow members of "listed"; allow members of "oui"; deny members of "phones"; range 192.0.2.20 192.0.2.29; default-lease-time 800; }
  pool { deny members of "phones"; deny members of "listed"; deny members of "oui"; range 192.0.2.100 192.0.2.199; }
  host printer { hardware ethernet 02:00:00:00:00:0a; fixed-address 192.0.2.5; option host-name "printer"; option ntp-servers 192.0.2.123; filename "printer.bin"; }
  host named { option dhcp-client-identifier 1:2:3; fixed-address 192.0.2.6; }
}
`;

const KEA = JSON.stringify({
  Dhcp4: {
    'interfaces-config': { interfaces: ['lan'] },
    'lease-database': { type: 'memfile', persist: false },
    'valid-lifetime': 600,
    authoritative: true,
    'option-def': [
      { name: 'pair', code: 222, type: 'record', 'record-types': 'ipv4-address, uint16' },
    ],
    'option-data': [
      { name: 'domain-name-servers', data: '192.0.2.53, 192.0.2.54' },
      { name: 'domain-name', data: 'example.org' },
      { name: 'pair', data: '192.0.2.9, 300' },
    ],
    'client-classes': [
      {
        name: 'phones',
        test: "substring(option[60].hex,0,5) == 'Phone'",
        'option-data': [{ name: 'tftp-server-name', data: 'tftp.example.org' }],
        'valid-lifetime': 700,
      },
      { name: 'oui', test: 'substring(pkt4.mac,0,3) == 0x02005e' },
      { name: 'listed', test: "hexstring(pkt4.mac,':') == '02:00:00:00:00:77' or member('oui')" },
      { name: 'others', test: "not member('phones') and not member('listed')" },
      {
        name: 'windows',
        test: "option[60].text == 'MSFT 5.0'",
        'option-data': [{ name: 'netbios-name-servers', data: '192.0.2.44' }],
      },
      {
        name: 'ipxe',
        test: "option[77].hex == 'iPXE'",
        'boot-file-name': 'menu.ipxe',
        'next-server': '192.0.2.69',
      },
      {
        name: 'efi',
        test: "option[93].hex == 0x0007 and not member('ipxe')",
        'boot-file-name': 'ipxe.efi',
        'next-server': '192.0.2.69',
      },
    ],
    subnet4: [
      {
        id: 1,
        subnet: '192.0.2.0/24',
        'next-server': '192.0.2.69',
        'boot-file-name': 'undionly.kpxe',
        pools: [
          { pool: '192.0.2.10 - 192.0.2.19', 'client-class': 'phones' },
          { pool: '192.0.2.20 - 192.0.2.29', 'client-class': 'listed' },
          { pool: '192.0.2.100 - 192.0.2.199', 'client-class': 'others' },
        ],
        'option-data': [
          { name: 'routers', data: '192.0.2.1' },
          { name: 'domain-search', data: 'example.org, lab.example.org' },
        ],
        reservations: [
          {
            'hw-address': '02:00:00:00:00:0a',
            'ip-address': '192.0.2.5',
            hostname: 'printer',
            'boot-file-name': 'printer.bin',
            'option-data': [{ name: 'ntp-servers', data: '192.0.2.123' }],
          },
          { 'client-id': '01:02:03', 'ip-address': '192.0.2.6' },
        ],
      },
    ],
  },
});

const DNSMASQ = `
port=0
interface=lan
no-ping
dhcp-authoritative
leasefile-ro
domain=example.org
dhcp-range=set:phones,tag:phone,192.0.2.10,192.0.2.19,255.255.255.0,700
dhcp-range=tag:listed,192.0.2.20,192.0.2.29,255.255.255.0,800
dhcp-range=tag:!phone,tag:!listed,192.0.2.100,192.0.2.199,255.255.255.0,600
dhcp-vendorclass=set:phone,Phone
dhcp-vendorclass=set:windows,MSFT
dhcp-mac=set:listed,02:00:5e:*:*:*
dhcp-host=02:00:00:00:00:77,set:listed
dhcp-host=02:00:00:00:00:0a,192.0.2.5,printer,set:printer
dhcp-host=id:01:02:03,192.0.2.6
dhcp-match=set:efi,option:client-arch,7
dhcp-userclass=set:ipxe,iPXE
dhcp-option=option:router,192.0.2.1
dhcp-option=option:dns-server,192.0.2.53,192.0.2.54
dhcp-option=option:domain-search,example.org,lab.example.org
dhcp-option=222,c0:00:02:09:01:2c
dhcp-option=tag:phones,option:tftp-server,tftp.example.org
dhcp-option=tag:windows,option:netbios-ns,192.0.2.44
dhcp-option=tag:printer,option:ntp-server,192.0.2.123
dhcp-boot=undionly.kpxe,,192.0.2.69
dhcp-boot=tag:efi,ipxe.efi,,192.0.2.69
dhcp-boot=tag:ipxe,menu.ipxe,,192.0.2.69
dhcp-boot=tag:printer,printer.bin,,192.0.2.69
`;

/** What udhcpc calls itself, by what the client is. */
const CLIENTS: {
  readonly [who: string]: { readonly mac?: string; readonly args?: readonly string[] };
} = {
  'a client like any other': {},
  'a phone': { args: ['-V', 'Phone 7'] },
  'a phone of a maker': { mac: '02:00:5e:00:00:01', args: ['-V', 'Phone 7'] },
  'a card of a maker': { mac: '02:00:5e:00:00:02' },
  'a card on a list': { mac: '02:00:00:00:00:77' },
  'a Windows': { args: ['-V', 'MSFT 5.0'] },
  'an EFI machine': { args: ['-x', '93:0007'] },
  'an iPXE on an EFI machine': { args: ['-x', '93:0007', '-x', '77:69505845'] },
  'the printer': { mac: '02:00:00:00:00:0a' },
  'who has a client identifier': { args: ['-x', '61:010203'] },
  'who asks for less time': { args: ['-x', '51:00000078'] },
};

/** Options that are asked for, beside those that udhcpc asks for by itself. */
const ASKED = ['42', '44', '66', '119', '222'].flatMap((code) => ['-O', code]);

interface Old {
  readonly conf: string;
  readonly start: (node: Node, conf: string) => Promise<Process>;
}

const SERVERS: { readonly [name: string]: Old } = {
  dhcpd: {
    conf: DHCPD,
    start: async (node, conf) => {
      const leases = join(node.lab.folder, 'dhcpd.leases');
      writeFileSync(leases, '');
      const files = ['-cf', conf, '-lf', leases, '-pf', join(node.lab.folder, 'pid')];
      const process = node.start('/usr/sbin/dhcpd', ['-4', '-d', '-f', ...files, 'lan']);
      await process.line(/Server starting service/);
      return process;
    },
  },
  kea: {
    conf: KEA,
    start: async (node, conf) => {
      const { folder } = node.lab;
      const env = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder };
      const process = node.start('kea-dhcp4', ['-c', conf], { env });
      await process.line(/DHCP4_STARTED/);
      return process;
    },
  },
  dnsmasq: {
    conf: DNSMASQ,
    start: async (node, conf) => {
      const own = [`--pid-file=${join(node.lab.folder, 'pid')}`, '--log-facility=-', '--user=root'];
      const process = node.start('dnsmasq', ['-d', '-C', conf, ...own]);
      await process.line(/DHCP, IP range/);
      return process;
    },
  },
};

for (const [name, { conf, start }] of Object.entries(SERVERS)) {
  test(`clients are told the same as by ${name}`, { ...root, timeout: 180_000 }, async () => {
    const made = new Lab('converted');
    try {
      const [client, server] = [made.node('client'), made.node('server')];
      made.cable([client, 'eth0'], [server, 'lan']);
      server.ip('addr add 192.0.2.1/24 dev lan');
      made.open();
      const file = join(made.folder, `${name}.conf`);
      writeFileSync(file, conf);

      const old = await start(server, file);
      const before = await askAll(client);
      await old.stop();
      const ours = await convertAndStart(server, file);
      const after = await askAll(client);
      await ours.stop();
      assert.deepEqual(after, before);
    } finally {
      await made.close();
    }
  });
}

async function convertAndStart(node: Node, conf: string): Promise<Process> {
  const manifest = `${conf}.yaml`;
  node.run('sh', '-c', `${AGENT} convert ${conf} --interface lan > ${manifest}`);
  const options = ['--state-dir', node.lab.folder, '--http', 'off'];
  const process = node.start(AGENT, ['run', '-f', manifest, ...options]);
  await process.line(/"msg":"running"/);
  return process;
}

async function askAll(node: Node): Promise<Record<string, readonly string[]>> {
  const told: Record<string, readonly string[]> = {};
  let last = 0x10;
  for (const [
    who,
    { mac = `02:00:00:00:01:${(last++).toString(16)}`, args = [] },
  ] of Object.entries(CLIENTS)) {
    node.ip(`link set eth0 down\nlink set eth0 address ${mac}\nlink set eth0 up`);
    told[who] = await ask(node, args);
  }
  return told;
}

async function ask(node: Node, args: readonly string[]): Promise<readonly string[]> {
  const command = ['udhcpc', '-i', 'eth0', '-f', '-n', '-q', '-t', '8', '-T', '1', '-s', SCRIPT];
  const process = node.start('busybox', [...command, ...ASKED, ...args]);
  await process.end();
  const text = /TOLD\n(.*?)DONE/s.exec(process.output)?.[1] ?? process.output;
  return text
    .trim()
    .split('\n')
    .filter((line) => !OURS.test(line))
    .map(comparable);
}

/** Our server says these to everybody, the others only when they are told to: 28, 58, 59, and 61 as RFC 6842 wants. */
const OURS = /^(broadcast|opt(53|58|59|61))=/;

// Which address of a pool it is, each server decides for itself.
function comparable(line: string): string {
  const last = Number(/^ip=192\.0\.2\.(\d+)$/.exec(line)?.[1] ?? 0);
  if (last < 10) return line;
  return `ip=192.0.2.${last < 20 ? '10-19' : last < 30 ? '20-29' : '100-199'}`;
}
