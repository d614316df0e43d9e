import type { Remedies } from './fields.ts';

const DNS = ['names are not put into the DNS', 'let clients or the DNS server do it'] as const;
const NOT_NEEDED = ['is done another way', 'nothing to do'] as const;
const ONLY_GLOBAL = [
  'is a setting of the whole server',
  'set it in spec if it holds for all',
] as const;
const ADDITIONAL = [
  'classes are not evaluated in turn',
  'put what the class says where it is wanted',
] as const;
const DATABASE = ['there is no such database', 'export what is in it, and convert that'] as const;

/** What any level of Kea's configuration may have. */
const COMMON: Remedies = {
  comment: null,
  'user-context': null,
  id: null,
  'ddns-send-updates': null,
  'ddns-override-no-update': null,
  'ddns-override-client-update': null,
  'ddns-replace-client-name': null,
  'ddns-generated-prefix': null,
  'ddns-qualifying-suffix': DNS,
  'ddns-update-on-renew': null,
  'ddns-use-conflict-resolution': null,
  'ddns-conflict-resolution-mode': null,
  'ddns-ttl': null,
  'ddns-ttl-percent': null,
  'ddns-ttl-min': null,
  'ddns-ttl-max': null,
  'hostname-char-set': null,
  'hostname-char-replacement': null,
  'cache-threshold': null,
  'cache-max-age': null,
  'store-extended-info': null,
  'reservations-out-of-pool': null,
  'reservations-in-subnet': null,
  'reservations-global': null,
  'reservation-mode': null,
  'match-client-id': ONLY_GLOBAL,
  authoritative: ONLY_GLOBAL,
  allocator: ['addresses are chosen another way', 'nothing to do'],
  'offer-lifetime': ONLY_GLOBAL,
  'require-client-classes': ADDITIONAL,
  'evaluate-additional-classes': ADDITIONAL,
  '4o6-interface': ['is about DHCPv4 over DHCPv6', 'nothing to do otherwise'],
  '4o6-interface-id': ['is about DHCPv4 over DHCPv6', 'nothing to do otherwise'],
  '4o6-subnet': ['is about DHCPv4 over DHCPv6', 'nothing to do otherwise'],
  't1-percent': ONLY_GLOBAL,
  't2-percent': ONLY_GLOBAL,
  'calculate-tee-times': null,
};

export const SUBNET_REMEDIES: Remedies = { ...COMMON, 'server-tags': null };

export const POOL_REMEDIES: Remedies = COMMON;

export const CLASS_REMEDIES: Remedies = {
  ...COMMON,
  'template-test': ['classes are not made as clients come', 'write a class for each'],
  'only-if-required': ADDITIONAL,
  'only-in-additional-list': ADDITIONAL,
};

export const RESERVATION_REMEDIES: Remedies = { ...COMMON, 'ip-addresses': null, prefixes: null };

export const GLOBAL_REMEDIES: Remedies = {
  ...COMMON,
  'lease-database': null,
  'expired-leases-processing': null,
  'sanity-checks': null,
  'statistic-default-sample-count': null,
  'statistic-default-sample-age': null,
  'multi-threading': null,
  'dhcp-queue-control': null,
  'parked-packet-limit': null,
  'server-tag': null,
  'host-reservation-identifiers': null,
  'early-global-reservations-lookup': null,
  'reservations-lookup-first': null,
  'ip-reservations-unique': null,
  'stash-agent-options': null,
  'dhcp-ddns': DNS,
  'control-socket': ['there is no such socket', 'write objects, and ask 127.0.0.1:9067 with curl'],
  'control-sockets': ['there is no such socket', 'write objects, and ask 127.0.0.1:9067 with curl'],
  'hosts-database': DATABASE,
  'hosts-databases': DATABASE,
  'config-control': DATABASE,
  loggers: ['logs go to standard output', 'set --log-level, and let the service manager keep them'],
  compatibility: NOT_NEEDED,
  'dhcp4o6-port': ['is about DHCPv4 over DHCPv6', 'nothing to do otherwise'],
};

/** Hooks by the middle of their library's name. */
export const HOOK_REMEDIES: Remedies = {
  bootp: null,
  lease_cmds: ['there are no such commands', 'use kubectl get dhcpleases, or dhcp-agent'],
  host_cmds: ['there are no such commands', 'write reservations or DhcpLeases'],
  subnet_cmds: ['there are no such commands', 'write subnets in the manifest'],
  class_cmds: ['there are no such commands', 'write classes in the manifest'],
  cb_cmds: ['there are no such commands', 'write the manifest'],
  stat_cmds: ['there are no such commands', 'read /metrics'],
  ha: [
    'there is no such pair of servers',
    'run the server in Kubernetes, where another node takes over',
  ],
  lease_query: ['needs to know who asks', 'set spec.leaseQuery.from'],
  legal_log: ['there is no such log', 'keep the events of DhcpLeases'],
  flex_id: ['clients are told by one option', 'write reservations with option'],
  flex_option: ['options are not worked out', 'write options of classes'],
  ping_check: null,
  limits: ['limits are for clients and circuits', 'see spec.limits'],
  perfmon: ['is not needed', 'read /metrics'],
  ddns_tuning: DNS,
};
