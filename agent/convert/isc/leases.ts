import { hex } from '../../../codec/hardware.ts';
import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import type { WallMillis } from '../../../codec/machine.ts';
import type { ImportedLease } from '../model.ts';
import type { Report } from '../report.ts';
import type { SourceFile } from '../source.ts';
import { octetsOfWord } from './expressions.ts';
import type { Token } from './lexer.ts';
import { textOf } from './options.ts';
import { leaseStatementsOf, type Statement } from './statements.ts';

const NEVER = Number.POSITIVE_INFINITY as WallMillis;

/** Reads dhcpd.leases: of several records of an address the last one counts. */
export function readDhcpdLeases(file: SourceFile, report: Report): ImportedLease[] {
  const leases = new Map<Ipv4, ImportedLease>();
  for (const statement of leaseStatementsOf(file, report)) {
    const { tokens, block, place } = statement;
    const verb = tokens[0]!.text.toLowerCase();
    if (verb === 'lease' && block !== null) {
      const address = parseIpv4(tokens[1]?.text ?? '');
      const lease = address === null ? null : leaseOf(address, statement);
      if (lease === null)
        report.add(place, textOf(tokens), 'is no lease', 'nothing to do: the client will renew');
      else leases.set(lease.address, lease);
    } else if (verb === 'host') {
      const remedy = 'write a reservation, or a DhcpLease with intent: Reserve';
      report.add(place, textOf(tokens), 'was made by OMAPI', remedy);
    }
  }
  return [...leases.values()];
}

/** What the statements of one lease have said so far. */
interface Draft {
  state: ImportedLease['state'] | null;
  hardwareType: number;
  hardwareAddress: Uint8Array;
  clientId: Uint8Array | null;
  starts: WallMillis | null;
  ends: WallMillis | null;
  cltt: WallMillis | null;
  hostname: string | null;
  fqdn: string | null;
  vendorClass: Uint8Array | null;
  readonly relay: Map<number, Uint8Array>;
}

function leaseOf(address: Ipv4, { block, place }: Statement): ImportedLease | null {
  const draft: Draft = {
    state: null,
    hardwareType: 1,
    hardwareAddress: new Uint8Array(),
    clientId: null,
    starts: null,
    ends: null,
    cltt: null,
    hostname: null,
    fqdn: null,
    vendorClass: null,
    relay: new Map(),
  };
  for (const one of block!) take(one, draft);
  const { hardwareType, hardwareAddress, clientId, hostname, fqdn, vendorClass } = draft;
  const starts = draft.starts ?? (0 as WallMillis);
  return {
    place,
    address,
    // Before there were states, a lease was in use until its end.
    state: draft.state ?? (draft.ends === null ? 'free' : 'bound'),
    hardwareType,
    hardwareAddress,
    clientId,
    starts,
    lastTransaction: draft.cltt ?? starts,
    expires: draft.ends ?? NEVER,
    hostname,
    fqdn,
    vendorClass,
    relayInformation: relayInformation(draft.relay),
  };
}

function take({ tokens }: Statement, draft: Draft): void {
  const words = tokens.map(({ text }) => text.toLowerCase());
  switch (words[0]) {
    case 'starts':
      draft.starts = timeOf(words);
      return;
    case 'ends':
      draft.ends = timeOf(words);
      return;
    case 'cltt':
      draft.cltt = timeOf(words);
      return;
    case 'binding':
      draft.state = stateOf(words[2]);
      return;
    case 'abandoned':
      draft.state = 'declined';
      return;
    case 'hardware':
      draft.hardwareType =
        HARDWARE.get(words[1] ?? '') ??
        Number(/^unknown-(\d{1,3})$/.exec(words[1] ?? '')?.[1] ?? 1);
      draft.hardwareAddress = (octetsOfWord(words.slice(2).join('')) ?? new Uint8Array()).subarray(
        0,
        16,
      );
      return;
    case 'uid':
      draft.clientId = octetsOf(tokens[1]);
      return;
    case 'client-hostname':
      draft.hostname = tokens[1]?.text || null;
      return;
    case 'option':
      draft.relay.set(
        SUB_OPTIONS.get(words[1] ?? '') ?? 0,
        octetsOf(tokens[2]) ?? new Uint8Array(),
      );
      return;
    case 'set':
      setVariable(words[1], tokens.at(-1), draft);
      return;
  }
}

function setVariable(name: string | undefined, value: Token | undefined, draft: Draft): void {
  if (name === 'vendor-class-identifier') draft.vendorClass = octetsOf(value);
  if (name === 'ddns-fwd-name' || name === 'ddns-client-fqdn') draft.fqdn = value?.text ?? null;
}

const HARDWARE = new Map([
  ['ethernet', 1],
  ['token-ring', 6],
  ['fddi', 8],
  ['infiniband', 32],
]);

const SUB_OPTIONS = new Map([
  ['agent.circuit-id', 1],
  ['agent.remote-id', 2],
  ['agent.subscriber-id', 6],
  ['agent.link-selection', 5],
]);

function stateOf(word: string | undefined): ImportedLease['state'] {
  if (word === 'active') return 'bound';
  return word === 'abandoned' ? 'declined' : 'free';
}

function octetsOf(token: Token | undefined): Uint8Array | null {
  const octets = token?.octets ?? octetsOfWord(token?.text ?? '');
  return octets === null || octets.length === 0 || octets.length > 255 ? null : octets;
}

function relayInformation(subOptions: ReadonlyMap<number, Uint8Array>): Uint8Array | null {
  let text = '';
  for (const [code, data] of subOptions) {
    if (code === 0 || data.length === 0) continue;
    text += hex(Uint8Array.of(code, data.length)) + hex(data);
  }
  const octets = Buffer.from(text, 'hex');
  return octets.length === 0 || octets.length > 255 ? null : new Uint8Array(octets);
}

/** `4 2026/01/31 12:00:00`, `epoch 1769860800` or `never`; what is no time is long ago. */
function timeOf(words: readonly string[]): WallMillis {
  if (words[1] === 'never') return NEVER;
  const epoch = words[1] === 'epoch' ? Number(words[2]) * 1000 : Number.NaN;
  if (!Number.isNaN(epoch)) return Math.min(Math.max(epoch, 0), TIME_MAX) as WallMillis;
  const [, , date, time, ...rest] = words;
  const [year, month, day] = (date ?? '').split('/').map(Number);
  const [hour, minute, second] = (time ?? '').split(':').map(Number);
  const offset = /^([+-]\d\d)(\d\d)$/.exec(rest.join(''));
  const shift = offset === null ? 0 : (Number(offset[1]) * 60 + Number(offset[2])) * 60_000;
  const at = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) - shift;
  return (Number.isNaN(at) ? 0 : Math.min(Math.max(at, 0), TIME_MAX)) as WallMillis;
}

/** The latest that times of 32 bits can be, in milliseconds. */
const TIME_MAX = 0xffffffff * 1000;
