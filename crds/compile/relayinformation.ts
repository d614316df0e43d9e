import { unhex } from '../../codec/hardware.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import type { RelayInformationConfig, Template } from '../types/agentconfig.ts';
import type { RelayInformation, VirtualSubnet } from '../types/dhcprelay.ts';
import type { Findings } from './findings.ts';
import { compileTemplate, literalOctets } from './relaytemplate.ts';

/** One level of settings, and where it stands. */
export interface InformationLevel {
  readonly settings: RelayInformation;
  readonly path: string;
}

const INTERFACE_NAME: Template = [{ kind: 'field', field: 'interface' }];

/** Option 82's length is one octet. */
const DATA_MAX = 255;
/** RFC 8415 §11.1: a type of two octets and up to 128 octets of identifier. */
const DUID_MIN = 3;
const DUID_MAX = 130;
/** That of a node: type and UUID (RFC 6355). */
const NODE_DUID = 18;

/** What sub-options a level asks for, such that `mode: Never` contradicts them. */
export function askedFor(settings: RelayInformation): readonly string[] {
  const { linkSelection, serverIdOverride, existing } = settings;
  const named = (
    ['circuitId', 'remoteId', 'subscriberId', 'relayId', 'virtualSubnet'] as const
  ).filter((name) => settings[name] !== undefined);
  return [
    ...named,
    ...(linkSelection === 'Always' ? ['linkSelection: Always'] : []),
    ...(serverIdOverride === true ? ['serverIdOverride'] : []),
    ...(existing === 'Append' || existing === 'Replace' ? [`existing: ${existing}`] : []),
  ];
}

/** Compiles what a link says in option 82: its own settings over those of the spec, one by one. */
export function compileInformation(
  spec: InformationLevel,
  own: InformationLevel | null,
  findings: Findings,
): RelayInformationConfig {
  const merged: RelayInformation = { ...spec.settings, ...own?.settings };
  const placeOf = (name: keyof RelayInformation): string =>
    `${own?.settings[name] === undefined ? spec.path : own.path}.${name}`;
  const template = (name: 'circuitId' | 'remoteId' | 'subscriberId'): Template | null =>
    merged[name] === undefined ? null : compileTemplate(merged[name], placeOf(name), findings);
  const { mode = 'Auto', existing = 'Forward', linkSelection = 'Auto' } = merged;
  const { serverIdOverride = false, circuitId, remoteId, subscriberId, relayId } = merged;
  const asked = [circuitId, remoteId, subscriberId, relayId].some((one) => one !== undefined);
  return {
    mode,
    existing,
    circuitId: template('circuitId') ?? INTERFACE_NAME,
    remoteId: template('remoteId'),
    subscriberId: template('subscriberId'),
    relayId: relayId === undefined ? null : compileRelayId(relayId, placeOf('relayId'), findings),
    linkSelection,
    serverIdOverride,
    virtualSubnet:
      merged.virtualSubnet === undefined
        ? null
        : compileVirtualSubnet(merged.virtualSubnet, placeOf('virtualSubnet'), findings),
    wanted: asked,
  };
}

/** Octets that option 82 has at least, whatever the names on the node are; above 255 it can never be whole. */
export function leastOctets(config: RelayInformationConfig, otherPort: boolean): number {
  const { circuitId, remoteId, subscriberId, relayId, virtualSubnet } = config;
  const templates = [circuitId, remoteId, subscriberId].filter((one) => one !== null);
  const duid = relayId === 'Auto' ? NODE_DUID : (relayId?.length ?? null);
  const sizes = [
    ...templates.map(literalOctets),
    ...(duid === null ? [] : [duid]),
    // The selection, and the empty one that tells whether the server understood it (RFC 6607 §3.5).
    ...(virtualSubnet === null ? [] : [virtualSubnet.length, 0]),
    ...(config.linkSelection === 'Always' ? [4] : []),
    ...(config.serverIdOverride ? [4, 1] : []),
    ...(otherPort ? [0] : []),
  ];
  return sizes.reduce((sum, size) => sum + 2 + size, 0);
}

/** Says so when option 82 cannot hold all that is asked of it. */
export function checkRoom(
  config: RelayInformationConfig,
  otherPort: boolean,
  path: string,
  findings: Findings,
): void {
  const octets = leastOctets(config, otherPort);
  if (octets <= DATA_MAX) return;
  const message = `needs ${octets} octets at least; option 82 has ${DATA_MAX}: shorten or leave out some`;
  findings.problem(path, 'TooLong', message);
}

function compileRelayId(
  text: string,
  path: string,
  findings: Findings,
): Uint8Array | 'Auto' | null {
  if (text === 'Auto') return text;
  const duid = unhex(text);
  if (duid !== null && duid.length >= DUID_MIN && duid.length <= DUID_MAX) return duid;
  const message = `"${text}" is not a DUID: write ${DUID_MIN} to ${DUID_MAX} octets in hex (RFC 8415 §11), or Auto`;
  findings.problem(path, 'InvalidDuid', message);
  return null;
}

const NVT_ASCII = 0;
const VPN_ID = 1;

function compileVirtualSubnet(
  { name, vpnId }: VirtualSubnet,
  path: string,
  findings: Findings,
): Uint8Array | null {
  if ((name === undefined) === (vpnId === undefined)) {
    const message = 'exactly one of name and vpnId must be given';
    findings.problem(path, 'ExactlyOneOf', message);
    return null;
  }
  if (name !== undefined) {
    if (/^[\x20-\x7e]+$/.test(name)) return Uint8Array.of(NVT_ASCII, ...utf8(name));
    const message = `${JSON.stringify(name)} is not ASCII: write printable ASCII, or vpnId`;
    findings.problem(`${path}.name`, 'InvalidName', message);
    return null;
  }
  const octets = unhex(vpnId!);
  if (octets?.length === 7) return Uint8Array.of(VPN_ID, ...octets);
  const message = `"${vpnId}" is not a VPN identifier: write seven octets in hex (RFC 2685), 14 digits`;
  findings.problem(`${path}.vpnId`, 'InvalidVpnId', message);
  return null;
}
