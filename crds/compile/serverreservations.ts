import { hex, parseHardwareAddress } from '../../codec/hardware.ts';
import { contains, formatIpv4, formatPrefix, type Ipv4, type Prefix } from '../../codec/ipv4.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import type { Octets, OptionMatch, Reservation } from '../types/dhcpsubnet.ts';
import type { ClientMatch, ReservationConfig } from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';
import { octetsOfHex, optionCode } from './serveroptions.ts';
import { address } from './serverranges.ts';
import type { Levels } from './serversettings.ts';

/** Compiles the reservations of a subnet. */
export function compileReservations(
  reservations: readonly Reservation[] | undefined,
  subnet: Prefix,
  path: string,
  levels: Levels,
): readonly ReservationConfig[] {
  const { findings } = levels;
  const compiled: ReservationConfig[] = [];
  const addresses = new Map<Ipv4, string>();
  const clients = new Map<string, string>();
  for (const [i, reservation] of (reservations ?? []).entries()) {
    const at = `${path}[${i}]`;
    const match = clientMatch(reservation, at, findings);
    const given = reservedAddress(reservation, subnet, at, findings);
    const settings = levels.settings(reservation, at);
    if (match === null) continue;
    const client = JSON.stringify([
      match.kind,
      'code' in match ? match.code : 0,
      hex(match.octets),
    ]);
    unique(clients, client, at, 'the same client', findings);
    if (given !== null) unique(addresses, given, at, formatIpv4(given), findings);
    compiled.push({ address: given, match, hostname: reservation.hostname ?? null, settings });
  }
  return compiled;
}

/** Octets as text or in hex, or null. */
export function octets(given: Octets, path: string, findings: Findings): Uint8Array | null {
  const { text, hex: digits } = given;
  if ((text === undefined) === (digits === undefined)) {
    findings.problem(path, 'ExactlyOneOf', 'exactly one of text and hex gives the octets');
    return null;
  }
  return text !== undefined ? utf8(text) : octetsOfHex(digits!, `${path}.hex`, findings);
}

const MATCHES = ['hardwareAddress', 'clientId', 'circuitId', 'remoteId', 'option'] as const;

/** Compiles what says which client is meant; exactly one of its fields must. */
export function clientMatch(
  given: Pick<Reservation, (typeof MATCHES)[number]>,
  path: string,
  findings: Findings,
): ClientMatch | null {
  const kinds = MATCHES.filter((kind) => given[kind] !== undefined);
  if (kinds.length !== 1) {
    findings.problem(
      path,
      'ExactlyOneOf',
      `exactly one of ${MATCHES.join(', ')} says which client`,
    );
    return null;
  }
  const kind = kinds[0]!;
  const at = `${path}.${kind}`;
  if (kind === 'hardwareAddress') return hardwareMatch(given.hardwareAddress!, at, findings);
  if (kind === 'option') return optionMatch(given.option!, at, findings);
  const found = octets(given[kind]!, at, findings);
  if (found === null) return null;
  if (kind !== 'clientId') return { kind, octets: found };
  return { kind, octets: found, orTyped: given.clientId!.text !== undefined };
}

function hardwareMatch(text: string, path: string, findings: Findings): ClientMatch | null {
  const found = parseHardwareAddress(text);
  if (found !== null) return { kind: 'hardwareAddress', octets: found };
  const message = `"${text}" is not a hardware address such as 02:00:00:00:00:0a`;
  findings.problem(path, 'InvalidHardwareAddress', message);
  return null;
}

function optionMatch(given: OptionMatch, path: string, findings: Findings): ClientMatch | null {
  const code = optionCode(given, path, findings);
  const found = octets(given, path, findings);
  return code === null || found === null ? null : { kind: 'option', code, octets: found };
}

function reservedAddress(
  reservation: Reservation,
  subnet: Prefix,
  path: string,
  findings: Findings,
): Ipv4 | null {
  if (reservation.address === undefined) return null;
  const given = address(reservation.address, `${path}.address`, findings);
  if (given === null || contains(subnet, given)) return given;
  const message = `${reservation.address} is not in ${formatPrefix(subnet)}: move it to its subnet`;
  findings.problem(`${path}.address`, 'OutsideSubnet', message);
  return null;
}

function unique<K>(seen: Map<K, string>, key: K, path: string, what: string, findings: Findings) {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, path);
  else findings.problem(path, 'Duplicate', `${what} is reserved twice: ${first} has it already`);
}
