import { hex as toHex } from '../hardware.ts';
import { type FromYaml, isFault, type JsonSchema, type Kind, refuse } from './kind.ts';
import { octets, u8List } from './kinds.ts';
import { REGISTRY } from './registry.ts';

/** An option of RFC 2132 and its successors: the one row that drives parsing, printing, YAML and the reference. */
export interface OptionDefinition {
  readonly code: number;
  /** In YAML and in what is printed. */
  readonly name: string;
  readonly title: string;
  readonly kind: Kind<unknown>;
  /** Where it is specified. */
  readonly rfc: string;
  /** Whether a user may set it; the others are made by the protocol. */
  readonly settable: boolean;
}

export type OptionName = (typeof REGISTRY)[number][1];

/** Codes by name. */
export const OPTION = Object.fromEntries(REGISTRY.map(([code, name]) => [name, code])) as {
  readonly [Row in (typeof REGISTRY)[number] as Row[1]]: Row[0];
};

/** Codes that a server or a client chooses by itself; `options:` in a spec may not have them. */
const PROTOCOL: ReadonlySet<number> = new Set<number>([
  OPTION.pad,
  OPTION.requestedAddress,
  OPTION.leaseTime,
  OPTION.overload,
  OPTION.messageType,
  OPTION.serverIdentifier,
  OPTION.parameterRequestList,
  OPTION.message,
  OPTION.maxMessageSize,
  OPTION.clientIdentifier,
  OPTION.rapidCommit,
  OPTION.relayInformation,
  OPTION.authentication,
  OPTION.clientLastTransactionTime,
  OPTION.associatedAddresses,
  OPTION.subnetSelection,
  OPTION.forceRenewNonce,
  OPTION.statusCode,
  OPTION.baseTime,
  OPTION.startTimeOfState,
  OPTION.queryStartTime,
  OPTION.queryEndTime,
  OPTION.leaseState,
  OPTION.dataSource,
  OPTION.end,
]);

/** Site-specific options, for private use (RFC 3942 §4). */
const PRIVATE_MIN = 224;
const PRIVATE_MAX = 254;

/** Option 55: in YAML by name. */
const parameterRequestList: Kind<readonly number[]> = {
  ...u8List,
  name: 'optionCodes',
  example: ['subnetMask', 'routers'],
  schema: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
  print: (value) => value.map((code) => optionByCode(code).name).join(','),
  fromYaml: (yaml) => {
    if (!Array.isArray(yaml) || yaml.length === 0)
      return refuse(yaml, 'a list of option names such as [subnetMask, routers]');
    const codes: number[] = [];
    for (const [i, entry] of yaml.entries()) {
      const option = optionByName(String(entry));
      if (option === null)
        return { path: `[${i}]`, message: `is not an option: ${closest(entry)}` };
      codes.push(option.code);
    }
    return { value: codes };
  },
};

/** Every option that has a name: the registry and the site-specific ones, by ascending code. */
export const OPTIONS: readonly OptionDefinition[] = defineAll();

const BY_CODE: readonly OptionDefinition[] = Array.from(
  { length: 256 },
  (_, code) => OPTIONS.find((option) => option.code === code) ?? unassigned(code),
);
const BY_NAME: ReadonlyMap<string, OptionDefinition> = new Map(
  OPTIONS.map((option) => [option.name, option]),
);

/** The definition of a code from 0 to 255; what nobody has registered is octets by the name of `option96`. */
export function optionByCode(code: number): OptionDefinition {
  return BY_CODE[code]!;
}

/** The definition of a name, or null. */
export function optionByName(name: string): OptionDefinition | null {
  return BY_NAME.get(name) ?? null;
}

/** The data of an option as people read it; data that is not of the option's kind is shown in hex. */
export function printOption(code: number, data: Uint8Array): string {
  const { kind } = optionByCode(code);
  const value = kind.decode(data);
  return value === null ? `malformed 0x${toHex(data)}` : kind.print(value);
}

/** The data of the option `name` from its value in YAML; an unknown name is a fault that says which is meant. */
export function optionFromYaml(
  name: string,
  yaml: unknown,
): FromYaml<{ readonly code: number; readonly data: Uint8Array }> {
  const option = optionByName(name);
  if (option === null) return { path: '', message: `is not an option: ${closest(name)}` };
  const result = option.kind.fromYaml(yaml);
  if (isFault(result)) return result;
  return { value: { code: option.code, data: option.kind.encode(result.value) } };
}

/** A schema property for each option that a user may set, by name. */
export function optionSchemas(): { readonly [name: string]: JsonSchema } {
  return Object.fromEntries(
    OPTIONS.filter((option) => option.settable).map(({ code, name, title, kind, rfc }) => [
      name,
      { ...kind.schema, description: describeSchema(`${title} (option ${code}, ${rfc}).`, kind) },
    ]),
  );
}

function describeSchema(about: string, kind: Kind<unknown>): string {
  const more = kind.schema.description;
  return more === undefined ? about : `${about} ${more}`;
}

function defineAll(): readonly OptionDefinition[] {
  const registered: OptionDefinition[] = REGISTRY.map(([code, name, title, kind, rfc]) => ({
    code,
    name,
    title,
    kind: code === OPTION.parameterRequestList ? parameterRequestList : kind,
    rfc,
    settable: !PROTOCOL.has(code),
  }));
  for (let code = PRIVATE_MIN; code <= PRIVATE_MAX; code++) {
    if (registered.some((option) => option.code === code)) continue;
    const title = `Site-Specific ${code}`;
    registered.push({
      code,
      name: `private${code}`,
      title,
      kind: octets,
      rfc: 'RFC 3942',
      settable: true,
    });
  }
  return registered.sort((a, b) => a.code - b.code);
}

function unassigned(code: number): OptionDefinition {
  const name = `option${code}`;
  return { code, name, title: 'Unassigned', kind: octets, rfc: 'RFC 3679', settable: true };
}

/** `did you mean routers?`, or where to look. */
function closest(name: unknown): string {
  const wanted = String(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  const near = OPTIONS.find((option) => {
    const known = option.name.toLowerCase();
    return (
      wanted.length > 2 &&
      (known === wanted || known.startsWith(wanted) || wanted.startsWith(known))
    );
  });
  return near === undefined
    ? 'see the option reference for the names, or give it by code'
    : `did you mean ${near.name}?`;
}
