// What the operator tells agents by, and agents read: the contract between the two, which never import each other.

/** The two kinds that agents are made for. */
export type AgentKind = 'DhcpServer' | 'DhcpRelay';

/** The name of everything that is made for an object, and of the Lease that the agents of a server contend for. */
export function childName(kind: AgentKind, name: string): string {
  return `${kind === 'DhcpServer' ? 'dhcp-server' : 'dhcp-relay'}-${name}`;
}

/** The keys of an object's ConfigMap: the object with its references resolved, and a hash of that to report back. */
export const MANIFESTS_KEY = 'manifests.yaml';
export const HASH_KEY = 'hash';

/** On the object in it: "true" when several agents share the server, so that only the holder of a Lease may answer. */
export const FAILOVER = 'dhcp-operator.io/failover';
