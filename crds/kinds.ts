/** The API group of every kind of ours. */
export const GROUP = 'dhcp-operator.io';
/** Its one version. */
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** What Kubernetes has to know of a kind besides its schema. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  /** Columns of `kubectl get`. */
  readonly columns: readonly Column[];
  /** Fields that `kubectl get --field-selector` takes; a kind may have eight. */
  readonly selectableFields: readonly string[];
  /** CEL that a spec has to satisfy, beyond what tags beside the types say. */
  readonly rules: readonly Rule[];
}

export interface Column {
  readonly name: string;
  readonly path: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description: string;
  /** Only with `-o wide`. */
  readonly wide?: true;
}

export interface Rule {
  readonly rule: string;
  readonly message: string;
}

const READY: Column = {
  name: 'Ready',
  path: '.status.conditions[?(@.type=="Ready")].status',
  type: 'string',
  description: 'Whether it does what its spec says.',
};
const NODES: readonly Column[] = [
  {
    name: 'Nodes',
    path: '.status.readyNodes',
    type: 'integer',
    description: 'Nodes whose agent is ready.',
  },
  {
    name: 'Desired',
    path: '.status.desiredNodes',
    type: 'integer',
    description: 'Nodes that should have one.',
  },
];
const REASON: Column = {
  name: 'Reason',
  path: '.status.conditions[?(@.type=="Ready")].reason',
  type: 'string',
  description: 'Why it is ready, or why not.',
  wide: true,
};
const AGE: Column = {
  name: 'Age',
  path: '.metadata.creationTimestamp',
  type: 'date',
  description: 'Time since it was created.',
};

const CLIENT =
  '[has(self.hardwareAddress), has(self.clientId), has(self.circuitId), has(self.remoteId)]';

/** Every kind of ours; the types are in `types/`, one file a kind. */
export const KINDS: readonly KindDefinition[] = [
  {
    kind: 'DhcpRelay',
    plural: 'dhcprelays',
    shortName: 'dr',
    columns: [READY, ...NODES, REASON, AGE],
    selectableFields: [],
    rules: [],
  },
  {
    kind: 'DhcpServer',
    plural: 'dhcpservers',
    shortName: 'dsrv',
    columns: [
      READY,
      ...NODES,
      {
        name: 'Endpoint',
        path: '.status.endpoints[0]',
        type: 'string',
        description: 'Where it answers relays.',
      },
      REASON,
      AGE,
    ],
    selectableFields: [],
    rules: [],
  },
  {
    kind: 'DhcpLease',
    plural: 'dhcpleases',
    shortName: 'dl',
    columns: [
      { name: 'IP', path: '.spec.address', type: 'string', description: 'The address.' },
      {
        name: 'MAC',
        path: '.spec.hardwareAddress',
        type: 'string',
        description: 'The hardware address of its client.',
      },
      {
        name: 'Hostname',
        path: '.status.hostname',
        type: 'string',
        description: 'What the client calls itself, or is called.',
      },
      {
        name: 'State',
        path: '.status.state',
        type: 'string',
        description: 'What became of the address.',
      },
      {
        // A column of type date shows how long ago a time was, which for one to come is "<invalid>".
        name: 'Expires',
        path: '.status.expires',
        type: 'string',
        description: 'When the state ends.',
      },
      {
        name: 'Server',
        path: '.spec.serverRef.name',
        type: 'string',
        description: 'The DhcpServer that it belongs to.',
      },
      {
        name: 'Relay',
        path: '.status.relay.giaddr',
        type: 'string',
        description: 'The relay that the client is behind.',
      },
      {
        name: 'Intent',
        path: '.spec.intent',
        type: 'string',
        description: 'What somebody wants of the address.',
        wide: true,
      },
      {
        name: 'Client-ID',
        path: '.status.clientId',
        type: 'string',
        description: 'Option 61 in hex.',
        wide: true,
      },
      {
        name: 'Node',
        path: '.status.node',
        type: 'string',
        description: 'Where the server that gave it runs.',
        wide: true,
      },
      {
        name: 'Subnet',
        path: '.status.subnet',
        type: 'string',
        description: 'The subnet that it is of.',
        wide: true,
      },
      {
        name: 'Vendor-Class',
        path: '.status.vendorClass',
        type: 'string',
        description: 'Option 60.',
        wide: true,
      },
      { ...AGE, wide: true },
    ],
    selectableFields: [
      '.spec.address',
      '.spec.hardwareAddress',
      '.spec.intent',
      '.spec.serverRef.name',
      '.status.clientId',
      '.status.node',
      '.status.state',
      '.status.subnet',
    ],
    rules: [
      {
        rule: `self.intent != 'Reserve' || self.pin || self.revoke || ${CLIENT}.exists_one(given, given)`,
        message:
          'a reservation is for exactly one of hardwareAddress, clientId, circuitId and remoteId',
      },
      {
        rule: `${CLIENT}.filter(given, given).size() <= 1`,
        message:
          'at most one of hardwareAddress, clientId, circuitId and remoteId says which client',
      },
      {
        rule: "!self.pin || (!self.revoke && self.intent != 'Quarantine')",
        message:
          'pin keeps the address, and revoke or intent: Quarantine takes it away: drop one of them',
      },
      {
        rule: "!has(self.quarantineUntil) || self.intent == 'Quarantine'",
        message: 'quarantineUntil is of no effect without intent: Quarantine',
      },
    ],
  },
];

/** The definition of a kind, or null. */
export function kindOf(kind: string): KindDefinition | null {
  return KINDS.find((definition) => definition.kind === kind) ?? null;
}
