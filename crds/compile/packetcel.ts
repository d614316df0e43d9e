import { Environment } from '@marcbachmann/cel-js';

/**
 * What a class expression can ask of a request. Absent is the empty text or the empty list, so that no expression
 * fails for want of an option. Each property is worked out when it is asked for.
 */
export interface PacketFacts {
  readonly messageType: string;
  readonly hardwareAddress: string;
  readonly clientId: string;
  readonly clientIdText: string;
  readonly vendorClass: string;
  readonly userClasses: readonly string[];
  readonly architectures: readonly bigint[];
  readonly hostname: string;
  readonly fqdn: string;
  readonly machineId: string;
  readonly requestedOptions: readonly bigint[];
  readonly circuitId: string;
  readonly remoteId: string;
  readonly subscriberId: string;
  readonly relayId: string;
  readonly vrf: string;
  readonly giaddr: string;
  readonly ciaddr: string;
  readonly interface: string;
  /** Octets in hex of the data of an option. */
  option(code: number): string;
  /** The same as text. */
  text(code: number): string;
  /** Whether the option was sent. */
  sent(code: number): boolean;
}

/** Whether a request belongs to a class; what cannot be evaluated does not. */
export type ClassMatch = (packet: PacketFacts) => boolean;

const FIELDS = {
  messageType: 'string',
  hardwareAddress: 'string',
  clientId: 'string',
  clientIdText: 'string',
  vendorClass: 'string',
  userClasses: 'list<string>',
  architectures: 'list<int>',
  hostname: 'string',
  fqdn: 'string',
  machineId: 'string',
  requestedOptions: 'list<int>',
  circuitId: 'string',
  remoteId: 'string',
  subscriberId: 'string',
  relayId: 'string',
  vrf: 'string',
  giaddr: 'string',
  ciaddr: 'string',
  interface: 'string',
} as const;

/** What CEL sees as `packet`: it tells types by their constructor. */
class Packet {
  facts: PacketFacts;
  constructor(facts: PacketFacts) {
    this.facts = facts;
  }
}
for (const name of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
  Object.defineProperty(Packet.prototype, name, {
    get(this: Packet) {
      return this.facts[name];
    },
  });
}

// Expressions come from whoever may write a DhcpServer; these keep one from taking the server's time.
const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 50,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 8,
};

const CODE_MAX = 254n;

const environment = new Environment({ limits: LIMITS })
  .registerType('Packet', { ctor: Packet, fields: FIELDS })
  .registerVariable('packet', 'Packet')
  .registerFunction('Packet.option(int): string', (packet: Packet, code: bigint) =>
    isCode(code) ? packet.facts.option(Number(code)) : '',
  )
  .registerFunction('Packet.text(int): string', (packet: Packet, code: bigint) =>
    isCode(code) ? packet.facts.text(Number(code)) : '',
  )
  .registerFunction(
    'Packet.sent(int): bool',
    (packet: Packet, code: bigint) => isCode(code) && packet.facts.sent(Number(code)),
  );

/** What is wrong with an expression, with the place of it, or null. */
export function checkClassMatch(expression: string): string | null {
  const result = environment.check(expression);
  if (!result.valid) {
    const { summary, range } = result.error!;
    return `${summary}${range === undefined ? '' : ` at ${placeOf(expression, range.start)}`}`;
  }
  if (result.type === 'bool') return null;
  return `gives ${result.type}, where true or false is wanted: compare it with something`;
}

/** Compiles an expression that `checkClassMatch` has found sound. */
export function compileClassMatch(expression: string): ClassMatch {
  const evaluate = environment.parse(expression);
  return (facts) => {
    try {
      return evaluate({ packet: new Packet(facts) }) === true;
    } catch {
      // Such as an index beyond the end of a list, or a pattern made of what the client sent.
      return false;
    }
  };
}

function isCode(code: bigint): boolean {
  return code >= 1n && code <= CODE_MAX;
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  const column = before.at(-1)!.length + 1;
  return before.length === 1 ? `column ${column}` : `line ${before.length}, column ${column}`;
}
