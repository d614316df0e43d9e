import { formatHardwareAddress } from '../hardware.ts';
import { formatIpv4 } from '../ipv4.ts';
import * as H from './header.ts';
import { clientIdentifier } from './identity.ts';
import { printOctets } from './kinds.ts';
import { decodeMessage, type Message, messageTypeOf, type Option, optionOf } from './message.ts';
import { OPTION, optionByCode, printOption } from './options.ts';

/** Characters of one option's value; a line is read by people. */
const VALUE_MAX = 120;

/** What a person looks for first, in this order; all other options follow in the order they have in the message. */
const FIRST: readonly number[] = [
  OPTION.hostName,
  OPTION.clientFqdn,
  OPTION.requestedAddress,
  OPTION.serverIdentifier,
  OPTION.leaseTime,
  OPTION.message,
  OPTION.clientIdentifier,
  OPTION.vendorClass,
  OPTION.userClass,
  OPTION.clientSystemArchitecture,
];
/** Not told again: the type begins the line, and the two long ones end it. */
const ELSEWHERE: ReadonlySet<number> = new Set<number>([
  OPTION.messageType,
  OPTION.parameterRequestList,
  OPTION.relayInformation,
]);

/**
 * One line for one message:
 * `DISCOVER from 02:00:00:00:00:0a xid 0x3903f326, hostName "door", asks for routers, relayInformation {circuitId "eth0"}`.
 */
export function describe(message: Message): string {
  const reply = message.op === H.BOOTREPLY;
  const head = [
    typeOf(message),
    reply ? 'to' : 'from',
    clientOf(message),
    `xid 0x${message.xid.toString(16).padStart(8, '0')}`,
  ];
  return [head.join(' '), ...fixedPart(message), ...optionsPart(message)].join(', ');
}

/** Describes bytes that may be no message at all. */
export function describeBytes(bytes: Uint8Array): string {
  const message = decodeMessage(bytes);
  return typeof message === 'string'
    ? `not a DHCP message: ${message}, ${bytes.length} octets`
    : describe(message);
}

function typeOf(message: Message): string {
  if (message.op !== H.BOOTREQUEST && message.op !== H.BOOTREPLY) return `op ${message.op}`;
  return H.messageTypeName(messageTypeOf(message));
}

function clientOf({ chaddr, htype }: Message): string {
  const address = chaddr.length === 0 ? 'no hardware address' : formatHardwareAddress(chaddr);
  return htype === H.HTYPE_ETHERNET ? address : `${address} (htype ${htype})`;
}

function fixedPart(message: Message): readonly string[] {
  const parts: string[] = [];
  for (const field of ['ciaddr', 'yiaddr', 'siaddr'] as const)
    if (message[field] !== 0) parts.push(`${field} ${formatIpv4(message[field])}`);
  if (message.giaddr !== 0) parts.push(`via ${formatIpv4(message.giaddr)}`);
  if (message.hops !== 0) parts.push(`hops ${message.hops}`);
  if (message.secs !== 0) parts.push(`secs ${message.secs}`);
  if ((message.flags & H.BROADCAST_FLAG) !== 0) parts.push('broadcast');
  if (message.sname.length > 0) parts.push(`sname ${printOctets(message.sname)}`);
  if (message.file.length > 0) parts.push(`file ${printOctets(message.file)}`);
  return parts;
}

function optionsPart(message: Message): readonly string[] {
  const first = FIRST.flatMap((code) => message.options.filter((option) => option.code === code));
  const rest = message.options.filter(({ code }) => !FIRST.includes(code) && !ELSEWHERE.has(code));
  const parts = [...first, ...rest]
    .filter((option) => !repeatsAddress(option, message))
    .map(({ code, data }) => named(code, printOption(code, data)));
  const wanted = optionOf(message, OPTION.parameterRequestList);
  if (wanted !== null) parts.push(`asks for ${printOption(OPTION.parameterRequestList, wanted)}`);
  const relay = optionOf(message, OPTION.relayInformation);
  if (relay !== null)
    parts.push(`relayInformation {${printOption(OPTION.relayInformation, relay)}}`);
  return parts;
}

/** Whether a client identifier is the hardware address, which the line has already. */
function repeatsAddress({ code, data }: Option, { chaddr, htype }: Message): boolean {
  if (code !== OPTION.clientIdentifier) return false;
  const identifier = clientIdentifier.decode(data);
  return (
    identifier?.form === 'hardware' &&
    identifier.htype === htype &&
    formatHardwareAddress(identifier.address) === formatHardwareAddress(chaddr)
  );
}

function named(code: number, value: string): string {
  const { name } = optionByCode(code);
  const whole = [...value];
  if (whole.length <= VALUE_MAX) return value === '' || value === 'yes' ? name : `${name} ${value}`;
  return `${name} ${whole.slice(0, VALUE_MAX).join('')}...`;
}
