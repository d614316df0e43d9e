/** Why a statement of dhcpd.conf means nothing to the new server, and what to do; null for what is not missed. */
export function remedyOf(words: readonly string[]): { why: string; remedy: string } | null {
  const text = words.join(' ').toLowerCase();
  for (const [pattern, entry] of ENTRIES) {
    if (pattern.test(text)) return entry === null ? null : { why: entry[0], remedy: entry[1] };
  }
  return { why: 'is not known here', remedy: 'look in the reference for what comes near' };
}

const DNS = ['names are not put into the DNS', 'let clients or the DNS server do it'] as const;

const ENTRIES: readonly (readonly [RegExp, readonly [string, string] | null])[] = [
  // What the new server does anyway, or what says that something is not wanted that it does not do.
  [/^(ddns-update-style none|ddns-updates (off|false)|do-forward-updates (off|false))$/, null],
  [/^(pid-file-name|lease-file-name|db-time-format|server-duid|dhcpv6-\S+) /, null],
  [/^(stash-agent-options|boot-unknown-clients|allow|update-static-leases) (on|true)$/, null],
  [
    /^(always-broadcast|one-lease-per-client|get-lease-hostnames|infinite-is-reserved) (off|false)$/,
    null,
  ],
  [
    /^(use-lease-addr-for-default-route|update-optimization|update-static-leases|prefix-length-mode) (off|false)$/,
    null,
  ],
  [/^(ddns-|do-forward-updates|update-|key\b|zone\b|primary\b|secondary\b|update-conflict)/, DNS],
  [/^(allow|deny|ignore) client-updates$/, null],
  [
    /^failover\b/,
    [
      'there is no failover between two servers',
      'run one server in Kubernetes, where another node takes over',
    ],
  ],
  [
    /^(mclt|load balance|split|hba|auto-partner-down|max-(lease-)?(mis)?balance|max-(lease-)?ownership|min-balance)\b/,
    ['belongs to failover', 'nothing to do'],
  ],
  [/^omapi-|^omapi\b/, ['there is no OMAPI', 'write objects: kubectl get dhcpleases']],
  [
    /^(log-facility|log-threshold-(low|high))\b/,
    ['logs go to standard output', 'set --log-level, and let the service manager keep them'],
  ],
  [
    /^(local-port|remote-port|local-address)\b/,
    ['ports are 67 and 68', 'name interfaces in spec.interfaces'],
  ],
  [
    /^always-broadcast\b/,
    [
      'clients say themselves whether they need broadcasts (RFC 2131 §4.1)',
      'nothing to do, unless a client is deaf',
    ],
  ],
  [
    /^one-lease-per-client\b/,
    [
      'old leases run out by themselves',
      'set spec.limits.leasesPerHardwareAddress: 1 if addresses are scarce',
    ],
  ],
  [
    /^get-lease-hostnames\b/,
    ['names are not looked up in the DNS', 'write hostname in reservations'],
  ],
  [
    /^use-lease-addr-for-default-route\b/,
    ['clients are not made their own routers', 'set options.routers'],
  ],
  [
    /^(adaptive-lease-time-threshold|dhcp-cache-threshold|min-secs)\b/,
    ['there is no such threshold', 'nothing to do'],
  ],
  [
    /^(delayed-ack|max-ack-delay|ping-cltt-secs|abandon-lease-time|check-secs-byte-order|echo-client-id)\b/,
    ['is done another way', 'nothing to do'],
  ],
  [
    /^(dynamic-bootp-lease-(cutoff|length)|bootp-lease-)/,
    ['BOOTP clients have their addresses for ever', 'use reservations'],
  ],
  [
    /^ldap-/,
    [
      'the configuration is not read from LDAP',
      'convert the file that dhcpd writes with ldap-debug-file',
    ],
  ],
  [
    /^(log|set|unset|execute|define|eval|add|parse-vendor-option|return|break|on)\b/,
    ['nothing is executed', 'follow events with kubectl, or the log'],
  ],
  [/^switch\b/, ['is not understood', 'write it with classes and boot entries']],
  [
    /^(subnet6|host6|prefix6|range6|fixed-prefix6|fixed-address6|shared-network6|ia-|pool6)/,
    ['is about DHCPv6', 'nothing to do for IPv4'],
  ],
  [
    /^(site-option-space|option-space)\b/,
    ['is not understood', 'write the options by code in options.custom'],
  ],
  [/^(ddns|lease|dynamic)\b/, ['is not a setting', 'nothing to do']],
];
