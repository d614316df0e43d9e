// What the tests of a DhcpServer on a Campus share.
import { eventually } from '../lab/lab.ts';
import type { Campus, CampusNode } from './campus.ts';

const SPEC = {
  interfaces: [{ match: 'eth0' }],
  authoritative: true,
  leaseTime: '1m',
  minLeaseTime: '10s',
  conflictDetection: { mode: 'Off' },
  subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.100', end: '192.0.2.199' }] }],
};

/** What agents are told whose they are. */
export const OBJECT = 'DhcpServer/dhcp/lab';

/** A DhcpServer dhcp/lab on eth0, as a manifest. */
export function server(spec: object = {}): string {
  const metadata = { name: 'lab', namespace: 'dhcp' };
  const apiVersion = 'dhcp-operator.io/v1alpha1';
  return JSON.stringify({ apiVersion, kind: 'DhcpServer', metadata, spec: { ...SPEC, ...spec } });
}

/** What an agent says of itself by HTTP. */
export function statusOf({ node }: CampusNode): { readonly hash: string; readonly state: string } {
  return JSON.parse(node.run('curl', '-s', 'http://127.0.0.1:9067/status'));
}

/** Waits for a condition of the DhcpServer, such as `True Serving`. */
export async function conditionIs(campus: Campus, type: string, value: string): Promise<void> {
  await eventually(
    `${type} to be ${value}`,
    () => campus.condition('dhcpserver/lab', type) === value,
    30,
  );
}
