// No right is given that is not used. Operator and agents do everything that they ever do, with the rights that the chart and
// the operator give them, and the audit log tells which of those they made use of.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AgentKind } from '../../crds/assignment.ts';
import type { PolicyRule } from '../../crds/client/resources.ts';
import type { Parent } from '../../operator/core/names.ts';
import { agentRules } from '../../operator/core/rbac.ts';
import type { AuditEvent } from './controlplane.ts';
import { conditions, Field, forbidden, LAN, lanServer, NAMESPACE } from './field.ts';
import { POD_MONITORS } from './podmonitors.ts';

const LONG = { timeout: 300_000 };
/** What the audit log cannot show, since it takes part in other requests. Both have tests of their own. */
const FINALIZERS = /^update dhcp-operator\.io\/dhcp(servers|relays)\/finalizers$/;
const ADOPTION = /^delete /;

const CHILD = 'dhcp-relay-second';

let field: Field;

before(async () => {
  field = await Field.start('permissions');
  const { cluster } = field;
  cluster.apply(POD_MONITORS);
  await field.operator();
  // On both nodes: it needs a coordination Lease and a PodDisruptionBudget.
  cluster.apply(lanServer('lan'));
  await field.agent('DhcpServer', 'lan');
  await field.agent('DhcpServer', 'lan', 1);
  cluster.apply(relay('office'));
  await field.agent('DhcpRelay', 'office', 1);
});

after(async () => {
  await field?.close();
});

function relay(name: string): string {
  const spec = { interfaces: [{ match: 'lan0' }], upstreams: [{ address: `${LAN}.1` }] };
  return JSON.stringify({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpRelay',
    metadata: { name },
    spec,
  });
}

interface Role {
  readonly rules: readonly PolicyRule[];
}

/** Each single thing that rules allow, such as `patch apps/daemonsets`. */
function rightsOf(rules: readonly PolicyRule[]): Set<string> {
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) => resources.map((one) => right(verb, group, one))),
    ),
  );
  return new Set(rights);
}

function right(verb: string, group: string, resource: string): string {
  return group === '' ? `${verb} ${resource}` : `${verb} ${group}/${resource}`;
}

/** What a service account was allowed and did. */
function usedBy(namespace: string, account: string): Set<string> {
  const username = `system:serviceaccount:${namespace}:${account}`;
  const events = field.cluster.audit().filter(({ user }) => user.username === username);
  return new Set(events.filter(({ responseStatus }) => allowed(responseStatus)).flatMap(used));
}

function allowed(status: AuditEvent['responseStatus']): boolean {
  return status !== undefined && status.code < 400;
}

function used({ verb, objectRef, responseStatus }: AuditEvent): string[] {
  if (objectRef === undefined) return [];
  const { apiGroup = '', resource, subresource } = objectRef;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  // A patch that creates needs both.
  const verbs = verb === 'patch' && responseStatus?.code === 201 ? [verb, 'create'] : [verb];
  return verbs.map((one) => right(one, apiGroup, what));
}

function unused(
  granted: ReadonlySet<string>,
  ...reasons: readonly ReadonlySet<string>[]
): string[] {
  return [...granted].filter((one) => !reasons.some((reason) => reason.has(one))).sort();
}

function rulesFor(kind: AgentKind): readonly PolicyRule[] {
  const metadata = { name: 'x', namespace: 'default', uid: 'x' };
  return agentRules({ kind, metadata } satisfies Parent);
}

function binding(address: string): string {
  const spec = {
    serverRef: { name: 'lan' },
    address,
    intent: 'Bind',
    hardwareAddress: '02:00:00:00:00:01',
  };
  return JSON.stringify({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name: `lan-${address}` },
    spec,
  });
}

const objects = (): string => field.cluster.kubectl('get', 'dhcpleases', '-o', 'name');

async function leased(): Promise<string> {
  const { address } = await field.lease().lease();
  await field.eventually('its DhcpLease', () => objects().includes(address));
  return address;
}

const rulesOf = (...role: string[]): readonly PolicyRule[] =>
  field.cluster.get<Role>(...role).rules;

/** Whatever the operator makes, in the order of the alphabet. */
const ADOPTED = [
  'apps/daemonsets',
  'configmaps',
  'discovery.k8s.io/endpointslices',
  'monitoring.coreos.com/podmonitors',
  'policy/poddisruptionbudgets',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/roles',
  'serviceaccounts',
  'services',
];

test('leases come, change and go, and mistakes are told', LONG, async () => {
  const { cluster } = field;
  field.wait('dhcpserver/lan', 'Ready');
  // A binding that nobody has, and one whose object is deleted.
  cluster.apply(binding('192.0.2.150'));
  await field.eventually('the claim to be refuted', () => !objects().includes('192.0.2.150'));
  const revoked = await leased();
  cluster.kubectl('delete', 'dhcplease', `lan-${revoked}`);
  cluster.apply(
    lanServer('lan', {
      subnets: [{ cidr: '198.51.100.0/24', pools: [{ start: '192.0.2.1', end: '192.0.2.2' }] }],
    }),
  );
  await field.eventually('the refusal', () =>
    conditions(field, 'dhcpserver/lan').Accepted?.startsWith('False'),
  );
  await field.eventually('the PodMonitor', () =>
    cluster.kubectl('get', 'podmonitor', 'dhcp-server-lan', '-o', 'name'),
  );
});

test('the operator uses every right that it has, or gives it to agents', LONG, () => {
  const granted = rightsOf(rulesOf('clusterrole', NAMESPACE));
  const given = rightsOf([...rulesFor('DhcpServer'), ...rulesFor('DhcpRelay')]);
  const left = unused(granted, usedBy(NAMESPACE, NAMESPACE), given);
  const ofOwners = left.filter((one) => FINALIZERS.test(one));
  const toAdopt = left.filter((one) => ADOPTION.test(one)).map((one) => one.split(' ')[1]);
  assert.equal(ofOwners.length, 2, 'it has the rights that a later test is about');
  assert.deepEqual(toAdopt, ADOPTED);
  assert.equal(left.length, ofOwners.length + toAdopt.length);
});

for (const name of ['dhcp-server-lan', 'dhcp-relay-office']) {
  test(`the agents of ${name} use every right that they have`, LONG, async () => {
    await field.eventually(`every right of ${name} to be used`, () => {
      const left = unused(rightsOf(rulesOf('role', name)), usedBy('default', name));
      assert.deepEqual(left, []);
      return true;
    });
  });
}

test('nobody asked for anything that he may not', LONG, () => {
  assert.deepEqual(forbidden(field), []);
});

function set(rules: readonly PolicyRule[]): void {
  const patch = JSON.stringify({ rules });
  field.cluster.kubectl('patch', 'clusterrole', NAMESPACE, '--type=merge', '-p', patch);
}

/** Waits until the operator may not do something any more. */
function lost(...what: string[]): Promise<unknown> {
  const account = `system:serviceaccount:${NAMESPACE}:${NAMESPACE}`;
  return field.eventually('the right to be gone', () => {
    // kubectl fails when the answer is no.
    try {
      field.cluster.kubectl('auth', 'can-i', ...what, '--as', account);
      return false;
    } catch {
      return true;
    }
  });
}

test(
  'without the right to finalizers an owner cannot be named where that is enforced',
  LONG,
  async () => {
    const { cluster } = field;
    const rules = rulesOf('clusterrole', NAMESPACE);
    set(rules.filter(({ resources }) => !resources.some((one) => one.endsWith('/finalizers'))));
    await lost('update', 'dhcprelays', '--subresource=finalizers');
    cluster.apply(relay('second'));
    await field.eventually('the refusal', () =>
      field.cluster
        .audit()
        .some(
          ({ verb, objectRef, responseStatus }) =>
            verb === 'patch' &&
            objectRef?.name === 'dhcp-relay-second' &&
            responseStatus?.code === 403,
        ),
    );
    set(rules);
    await field.eventually('the relay to have agents', () =>
      cluster.kubectl('get', 'daemonset', 'dhcp-relay-second', '-o', 'name'),
    );
  },
);

test(
  'without the right to delete nothing that lost its owner can be taken over where that is enforced',
  LONG,
  async () => {
    const { cluster } = field;
    const uidOf = (kind: string, name: string): string =>
      cluster.kubectl('get', kind, name, '-o', 'jsonpath={.metadata.uid}');
    const ownerOf = (kind: string): string =>
      cluster.kubectl('get', kind, CHILD, '-o', 'jsonpath={.metadata.ownerReferences[*].uid}');
    const programmed = (): string | undefined => conditions(field, 'dhcprelay/second').Programmed;
    const agents = uidOf('daemonset', CHILD);
    const rules = rulesOf('clusterrole', NAMESPACE);
    set(rules.map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'delete') })));
    await lost('delete', 'daemonsets');
    cluster.kubectl('delete', 'dhcprelay', 'second', '--cascade=orphan');
    await field.eventually('it to lose its owner', () => ownerOf('daemonset') === '');
    cluster.apply(relay('second'));
    await field.eventually('the refusal', () => programmed() === 'False Refused');
    set(rules);
    const owner = uidOf('dhcprelay', 'second');
    for (const kind of ['daemonset', 'configmap', 'serviceaccount', 'role', 'rolebinding'])
      await field.eventually(`the ${kind} to be taken over`, () => ownerOf(kind) === owner, 120);
    assert.equal(uidOf('daemonset', CHILD), agents, 'its agents go on');
  },
);
