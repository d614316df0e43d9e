// Clients and servers set up to say as much as they can, so that their messages are worth keeping.
import type { Node, Process } from './lab.ts';
import * as peers from './peers.ts';

/** The client link: LAN.0/24. */
export const LAN = '192.0.2';
export const SUBNETS = { ifname: 'eth0', subnets: [{ network: LAN }] };

/** Raw: it may answer a client that has no address yet, on its own link. */
export const RAW = { 'interfaces-config': { interfaces: ['eth0'], 'dhcp-socket-type': 'raw' } };

/** Each client with all that it likes to say. */
export const CLIENTS: { readonly [kind: string]: (node: Node) => peers.Client } = {
  udhcpc: (node) =>
    peers.udhcpc(node, 'eth0', ['-F', 'door', '-x', 'hostname:door', '-O', 'search']),
  dhclient: (node) =>
    peers.dhclient(
      node,
      'eth0',
      `option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
       send host-name "desk"; send fqdn.fqdn "desk.example.org."; send fqdn.encoded on; send fqdn.server-update on;
       send user-class "staff"; request subnet-mask, routers, domain-name-servers, domain-search, ntp-servers, rfc3442-classless-static-routes, interface-mtu, host-name;`,
    ),
  dhcpcd: (node) =>
    peers.dhcpcd(node, 'eth0', [
      ...['--noarp', '-h', 'phone', '-F', 'both', '-I', '', '-u', 'staff'],
      ...[
        '-i',
        'dhcpcd-9.4.1:Linux-6.1.0:x86_64',
        '-o',
        'rapid_commit,ntp_servers,classless_static_routes',
      ],
    ]),
  networkd: (node) =>
    peers.networkd(node, 'eth0', [
      'Hostname=node-7',
      'MUDURL=https://example.org/mud',
      'RequestOptions=119 114',
    ]),
};

/** Each server with all that it can say. */
export const SERVERS: { readonly [kind: string]: (node: Node) => Promise<Process> } = {
  dnsmasq: (node) =>
    peers.dnsmasq(node, SUBNETS, [
      ...[
        '--domain=example.org',
        '--dhcp-option=option:ntp-server,192.0.2.123',
        '--dhcp-option=26,1400',
      ],
      ...[
        '--dhcp-option=option:domain-search,lab.example.org,example.org',
        '--dhcp-option=option:dns-server,192.0.2.53,198.51.100.53',
      ],
      ...[
        '--dhcp-option=121,0.0.0.0/0,192.0.2.1,10.0.0.0/8,192.0.2.2',
        '--dhcp-option-force=114,https://portal.example.org/',
      ],
      ...[
        '--dhcp-rapid-commit',
        '--dhcp-match=set:uefi,option:client-arch,7',
        '--dhcp-boot=tag:uefi,ipxe.efi,boot,192.0.2.69',
      ],
      ...['--pxe-service=tag:uefi,X86-64_EFI,"Install",ipxe.efi', '--bootp-dynamic'],
    ]),
  dhcpd: (node) =>
    peers.dhcpd(
      node,
      SUBNETS,
      `option rfc3442 code 121 = array of unsigned integer 8; option rfc3442 0, 192,0,2,1, 8,10, 192,0,2,2;
       option domain-name "example.org"; option domain-search "lab.example.org", "example.org";
       option ntp-servers 192.0.2.123, 192.0.2.124; option vendor-encapsulated-options 06:01:08;
       option netbios-name-servers 192.0.2.44; option netbios-node-type 8; option interface-mtu 1400; option time-offset -18000;
       filename "vmunix"; next-server 192.0.2.69; server-name "boot"; allow leasequery; allow bootp; use-host-decl-names on;
       subnet 198.51.100.0 netmask 255.255.255.0 { range dynamic-bootp 198.51.100.10 198.51.100.20; }
       host printer { hardware ethernet 00:00:5e:00:53:b0; fixed-address 192.0.2.20; option root-path "/srv/printer"; }`,
    ),
  kea: (node) =>
    peers.kea(node, SUBNETS, {
      'option-data': [
        { name: 'domain-name', data: 'example.org' },
        { name: 'domain-search', data: 'lab.example.org, example.org' },
        { name: 'ntp-servers', data: '192.0.2.123' },
        { name: 'interface-mtu', data: '1400' },
        { name: 'time-offset', data: '-18000' },
        { code: 121, data: '00C0000201080AC0000202', 'csv-format': false },
        { code: 43, data: '060108', 'csv-format': false },
        {
          code: 114,
          data: '68747470733A2F2F706F7274616C2E6578616D706C652E6F72672F',
          'csv-format': false,
          'always-send': true,
        },
      ],
      'next-server': '192.0.2.69',
      'boot-file-name': 'ipxe.efi',
      'calculate-tee-times': true,
      ...RAW,
    }),
};
