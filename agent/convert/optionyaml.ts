import { hex } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { fromUtf8, isFault } from '../../codec/v4/kind.ts';
import { OPTION, optionByCode, optionByName, optionFromYaml } from '../../codec/v4/options.ts';
import type { CustomOption, DhcpOptions } from '../../crds/types/dhcpoptions.ts';

/** Writes options as a manifest has them: by name where that gives the very same octets, else by code. */
export function optionsYaml(
  values: ReadonlyMap<number, Uint8Array>,
  force: Iterable<number>,
  suppress: Iterable<number>,
): DhcpOptions | undefined {
  const named: Record<string, unknown> = {};
  const custom: CustomOption[] = [];
  for (const [code, data] of [...values].sort(([a], [b]) => a - b)) {
    const { name } = optionByCode(code);
    const value = namedValue(code, data);
    if (value === undefined) custom.push(customOption(code, data));
    else named[name] = value;
  }
  const forced = [...force].sort(ascending).map(selector);
  const suppressed = [...suppress].sort(ascending).map(selector);
  const options = {
    ...named,
    ...(custom.length > 0 && { custom }),
    ...(forced.length > 0 && { force: forced }),
    ...(suppressed.length > 0 && { suppress: suppressed }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** An option as `force`, `suppress` and reservations name it. */
export function selector(code: number): { name: string } | { code: number } {
  const { name } = optionByCode(code);
  return optionByName(name) === null ? { code } : { name };
}

/** The value in YAML whose octets are these, or undefined when there is none. */
function namedValue(code: number, data: Uint8Array): unknown {
  const { name, kind, settable } = optionByCode(code);
  if (!settable) return undefined;
  const value = kind.decode(data);
  if (value === null) return undefined;
  const yaml = yamlOf(value, kind.name);
  const back = optionFromYaml(name, yaml);
  return !isFault(back) && Buffer.compare(back.value.data, data) === 0 ? yaml : undefined;
}

/** A decoded value as YAML has it, for the kinds that most options are of. */
function yamlOf(value: unknown, kind: string): unknown {
  switch (kind) {
    case 'ipv4':
      return formatIpv4(value as Ipv4);
    case 'ipv4List':
      return (value as Ipv4[]).map(formatIpv4);
    case 'addressMasks':
    case 'hostRoutes':
    case 'routes':
      return (value as object[]).map(record);
    case 'hex':
      return hex(value as Uint8Array);
    case 'octets': {
      const text = printable(value as Uint8Array);
      return text !== null && !text.startsWith('0x') ? text : `0x${hex(value as Uint8Array)}`;
    }
    default:
      return value;
  }
}

// Fields of routes and of pairs are addresses, and networks that are written as such.
function record(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (typeof value === 'number') return [name, formatIpv4(value as Ipv4)];
      const { address, length } = value as { address: Ipv4; length: number };
      return [name, `${formatIpv4(address)}/${length}`];
    }),
  );
}

function customOption(code: number, data: Uint8Array): CustomOption {
  if (data.length === 0) return { code, flag: true };
  const text = printable(data);
  // Short values are numbers more often than text.
  if (text !== null && data.length > 4 && code !== OPTION.vendorSpecific) return { code, text };
  return { code, hex: hex(data) };
}

/** The text that octets are, when all of them are printable ASCII. */
export function printable(data: Uint8Array): string | null {
  const isText = data.length > 0 && data.every((octet) => octet >= 0x20 && octet < 0x7f);
  return isText ? fromUtf8(data) : null;
}
