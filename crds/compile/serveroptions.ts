import { unhex } from '../../codec/hardware.ts';
import { parseIpv4, writeIpv4 } from '../../codec/ipv4.ts';
import { isFault, utf8 } from '../../codec/v4/kind.ts';
import { OPTION, optionByCode, optionByName, optionFromYaml } from '../../codec/v4/options.ts';
import type { CustomOption, DhcpOptions, OptionSelector } from '../types/dhcpoptions.ts';
import type { OptionsConfig } from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';

const NO_OPTIONS: OptionsConfig = { values: [], force: [], suppress: [] };

/** A value that needs more than this has no chance to fit into any message. */
const DATA_MAX = 1024;

/** What the server says by itself, and the field that sets it: beside `options`, or of `spec` alone. */
const OTHERWISE = new Map<number, string>([
  [OPTION.leaseTime, 'leaseTime'],
  [OPTION.renewalTime, 'renewalPercent'],
  [OPTION.rebindingTime, 'rebindingPercent'],
  [OPTION.serverIdentifier, 'serverIdentifier'],
  [OPTION.ipv6OnlyPreferred, 'ipv6OnlyWait'],
  [OPTION.autoConfigure, 'autoConfigure'],
  [OPTION.rapidCommit, 'rapidCommit'],
]);

/** Encodes the options of one level. */
export function compileOptions(
  options: DhcpOptions | undefined,
  path: string,
  findings: Findings,
): OptionsConfig {
  if (options === undefined) return NO_OPTIONS;
  const { custom, force, suppress, fromServices, ...named } = options;
  if (fromServices !== undefined) {
    const message = 'is followed in Kubernetes only: write the addresses here';
    findings.problem(`${path}.fromServices`, 'OnlyInKubernetes', message);
  }
  const values = new Map<number, Uint8Array>();
  for (const [name, value] of Object.entries(named)) {
    const option = optionFromYaml(name, value);
    if (isFault(option)) {
      findings.problem(`${path}.${name}${option.path}`, 'InvalidOption', option.message);
    } else {
      put(values, option.value.code, option.value.data, `${path}.${name}`, findings);
    }
  }
  for (const [i, entry] of (custom ?? []).entries()) {
    const data = customData(entry, `${path}.custom[${i}]`, findings);
    if (data !== null) put(values, entry.code, data, `${path}.custom[${i}]`, findings);
  }
  const forced = codesOf(force, `${path}.force`, findings);
  const suppressed = codesOf(suppress, `${path}.suppress`, findings);
  for (const code of forced.filter((c) => suppressed.includes(c))) {
    const { name } = optionByCode(code);
    findings.problem(
      `${path}.force`,
      'Contradiction',
      `${name} is in suppress too: keep it in one`,
    );
  }
  return {
    values: [...values].map(([code, data]) => ({ code, data })).sort((a, b) => a.code - b.code),
    force: forced,
    suppress: suppressed,
  };
}

/** The code that a name or a number stands for, or null. */
export function optionCode(
  selector: OptionSelector,
  path: string,
  findings: Findings,
): number | null {
  const { name, code } = selector;
  if ((name === undefined) === (code === undefined)) {
    findings.problem(path, 'ExactlyOneOf', 'exactly one of name and code says which option');
    return null;
  }
  if (name === undefined) return code!;
  const option = optionByName(name);
  if (option !== null) return option.code;
  // The option table knows what may have been meant.
  const fault = optionFromYaml(name, undefined);
  findings.problem(`${path}.name`, 'UnknownOption', isFault(fault) ? fault.message : '');
  return null;
}

function fieldPath(field: string, path: string): string {
  const everywhere = field === 'leaseTime' || field === 'ipv6OnlyWait';
  return `${everywhere ? path.slice(0, path.lastIndexOf('.options')) : 'spec'}.${field}`;
}

function put(
  values: Map<number, Uint8Array>,
  code: number,
  data: Uint8Array,
  path: string,
  findings: Findings,
): void {
  const { name, settable } = optionByCode(code);
  const field = OTHERWISE.get(code);
  if (field !== undefined || !settable) {
    const remedy = field === undefined ? 'leave it out' : `set ${fieldPath(field, path)} instead`;
    findings.problem(path, 'ProtocolOption', `${name} is said by the server itself: ${remedy}`);
  } else if (values.has(code)) {
    findings.problem(path, 'Duplicate', `${name} (${code}) is set twice here: keep one`);
  } else if (data.length > DATA_MAX) {
    findings.problem(path, 'TooLong', `is ${data.length} octets long; a message has room for few`);
  } else {
    values.set(code, data);
  }
}

const FORMS = ['hex', 'text', 'addresses', 'u8', 'u16', 'u32', 'flag'] as const;

function customData(entry: CustomOption, path: string, findings: Findings): Uint8Array | null {
  const given = FORMS.filter((form) => entry[form] !== undefined);
  if (given.length !== 1) {
    findings.problem(path, 'ExactlyOneOf', `exactly one of ${FORMS.join(', ')} says what it holds`);
    return null;
  }
  if (entry.hex !== undefined) return octetsOfHex(entry.hex, `${path}.hex`, findings);
  if (entry.text !== undefined) return utf8(entry.text);
  if (entry.addresses !== undefined) return octetsOfAddresses(entry.addresses, path, findings);
  if (entry.u8 !== undefined) return bigEndian(entry.u8, 1);
  if (entry.u16 !== undefined) return bigEndian(entry.u16, 2);
  if (entry.u32 !== undefined) return bigEndian(entry.u32, 4);
  return new Uint8Array();
}

/** The octets that hex stands for, with or without `0x`, or null. */
export function octetsOfHex(text: string, path: string, findings: Findings): Uint8Array | null {
  const octets = unhex(text.replace(/^0x/, ''));
  if (octets === null) {
    findings.problem(path, 'InvalidHex', `"${text}" is not hex: write octets as 01:04 or 0104`);
  }
  return octets;
}

function octetsOfAddresses(
  texts: readonly string[],
  path: string,
  findings: Findings,
): Uint8Array | null {
  const data = new Uint8Array(4 * texts.length);
  for (const [i, text] of texts.entries()) {
    const address = parseIpv4(text);
    if (address === null) {
      const message = `"${text}" is not an IPv4 address such as 192.0.2.1`;
      findings.problem(`${path}.addresses[${i}]`, 'InvalidAddress', message);
      return null;
    }
    writeIpv4(data, 4 * i, address);
  }
  return data;
}

function bigEndian(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => value >>> (8 * (size - 1 - i)));
}

function codesOf(
  selectors: readonly OptionSelector[] | undefined,
  path: string,
  findings: Findings,
): number[] {
  const codes = (selectors ?? []).map((entry, i) => optionCode(entry, `${path}[${i}]`, findings));
  return codes.filter((code) => code !== null);
}
