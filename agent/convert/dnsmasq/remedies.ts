/** Why a directive means nothing to the new server, and what to do; null for what is not missed; undefined for the DNS's. */
export function remedyOf(name: string): readonly [string, string] | null | undefined {
  if (Object.hasOwn(REMEDIES, name)) return REMEDIES[name];
  return /^(dhcp-|pxe-|tftp-|bootp-|ra-)/.test(name)
    ? ['is not known here', 'look in the reference for what comes near']
    : undefined;
}

const IPV6 = ['is about IPv6', 'keep dnsmasq, or another, for that'] as const;
const TFTP = ['there is no TFTP server', 'keep dnsmasq for it, without dhcp-range'] as const;
const PXE = [
  'there are no boot menus',
  'let iPXE or GRUB show one, and name it in boot entries',
] as const;

const REMEDIES: { readonly [name: string]: readonly [string, string] | null } = {
  'dhcp-leasefile': null,
  'leasefile-ro': null,
  'log-dhcp': null,
  'quiet-dhcp': null,
  'quiet-dhcp6': null,
  'quiet-ra': null,
  'dhcp-no-override': null,
  'dhcp-sequential-ip': null,
  'dhcp-fqdn': null,
  'dhcp-client-update': null,
  'dhcp-ttl': null,
  'dhcp-ignore-names': null,
  'dhcp-duid': null,
  'bind-interfaces': null,
  'bind-dynamic': null,
  'no-ping': null,
  user: null,
  group: null,
  'pid-file': null,
  'log-facility': [
    'logs go to standard output',
    'set --log-level, and let the service manager keep them',
  ],
  'log-async': null,
  'no-daemon': null,
  'keep-in-foreground': null,
  'enable-dbus': null,
  'enable-ubus': null,
  'script-arp': null,
  'script-on-renewal': null,
  'dhcp-lease-max': ['there is no such limit', 'size the pools, or see spec.limits'],
  'dhcp-script': ['nothing is executed', 'follow DhcpLeases with kubectl'],
  'dhcp-luascript': ['nothing is executed', 'follow DhcpLeases with kubectl'],
  'dhcp-scriptuser': null,
  'dhcp-relay': ['is the work of a relay', 'write a DhcpRelay'],
  'dhcp-proxy': ['renewals are not taken from clients', 'see spec.options of a DhcpRelay'],
  'dhcp-split-relay': ['is the work of a relay', 'write a DhcpRelay'],
  'dhcp-alternate-port': ['ports are 67 and 68', 'nothing to do'],
  'dhcp-reply-delay': ['answers come at once', 'nothing to do'],
  'dhcp-generate-names': ['names are not made up', 'write hostname in reservations'],
  'dhcp-broadcast': [
    'clients say themselves whether they need broadcasts (RFC 2131 §4.1)',
    'nothing to do, unless a client is deaf',
  ],
  'dhcp-vendor-encap': ['is not understood', 'write option 43 by hand'],
  'read-ethers': ['/etc/ethers is not read', 'write reservations'],
  'dhcp-pxe-vendor': PXE,
  'pxe-service': PXE,
  'pxe-prompt': PXE,
  'enable-tftp': TFTP,
  'tftp-root': TFTP,
  'tftp-unique-root': TFTP,
  'tftp-secure': TFTP,
  'tftp-max': TFTP,
  'tftp-mtu': TFTP,
  'tftp-no-blocksize': TFTP,
  'tftp-no-fail': TFTP,
  'tftp-lowercase': TFTP,
  'tftp-port-range': TFTP,
  'tftp-single-port': TFTP,
  'enable-ra': IPV6,
  'ra-param': IPV6,
  'shared-network': [
    'several networks on one link are told by their subnets',
    'name the same sharedNetwork in both subnets, or the link or relay in selectors',
  ],
  'conf-script': ['nothing is executed', 'run it, and convert what it prints'],
};
