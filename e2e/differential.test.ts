// Our decoder beside two others on the same bytes: tshark's dissection and the npm `dhcp` package.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, describe, test } from 'node:test';
import { mutant, Random } from '../codec/fuzz.ts';
import { formatHardwareAddress, hex } from '../codec/hardware.ts';
import { formatIpv4 } from '../codec/ipv4.ts';
import { parseSubOptions } from '../codec/v4/compound.ts';
import { decodeMessage, type Message, optionOf } from '../codec/v4/message.ts';
import { OPTION, type OptionName, optionByCode, printOption } from '../codec/v4/options.ts';
import { MessageView } from '../codec/v4/view.ts';
import { type NamedSample, readCorpus } from './corpus.ts';
import { type Dissection, dissect, hasTshark } from './tshark.ts';

const CORPUS = readCorpus();
const TSHARK = hasTshark();
const SKIP = TSHARK ? false : 'tshark is not installed: apt-get install tshark';

test('tshark is there in CI', () => {
  assert.ok(TSHARK || process.env.CI !== 'true', 'CI must not skip the differential test');
});

const INFORMATION = 'dhcp.option.agent_information_option';

/** The fixed part: tshark's field, and what ours is written as there. */
const FIXED: readonly (readonly [string, (message: Message) => string])[] = [
  ['dhcp.type', ({ op }) => String(op)],
  ['dhcp.hw.len', ({ chaddr }) => String(chaddr.length)],
  ['dhcp.hops', ({ hops }) => String(hops)],
  ['dhcp.id', ({ xid }) => `0x${xid.toString(16).padStart(8, '0')}`],
  ['dhcp.secs', ({ secs }) => String(secs)],
  ['dhcp.flags', ({ flags }) => `0x${flags.toString(16).padStart(4, '0')}`],
  ['dhcp.ip.client', ({ ciaddr }) => formatIpv4(ciaddr)],
  ['dhcp.ip.your', ({ yiaddr }) => formatIpv4(yiaddr)],
  ['dhcp.ip.server', ({ siaddr }) => formatIpv4(siaddr)],
  ['dhcp.ip.relay', ({ giaddr }) => formatIpv4(giaddr)],
];

/** What tshark should show for the data of an option, or null when the two have different ways to show it. */
type Show = (data: Uint8Array, name: OptionName) => readonly string[] | null;

const decoded = (data: Uint8Array, name: OptionName) =>
  optionByCode(OPTION[name]).kind.decode(data);
const printed: Show = (data, name) => printOption(OPTION[name], data).split(',');
const number: Show = (data, name) => [String(decoded(data, name))];
/** It escapes control characters in its own way. */
const text: Show = (data, name) =>
  data.every((octet) => octet >= 0x20 && octet < 0x7f) ? [String(decoded(data, name))] : null;
const subOption =
  (code: number, show: (data: Uint8Array) => string): Show =>
  (data) =>
    parseSubOptions(data)!
      .filter((one) => one.code === code)
      .map((one) => show(one.data));
const dotted = (data: Uint8Array) => data.join('.');

/** Typed values: tshark's field, our option, and what ours is there. */
const TYPED: readonly (readonly [string, OptionName, Show])[] = [
  ['dhcp.option.subnet_mask', 'subnetMask', printed],
  ['dhcp.option.time_offset', 'timeOffset', printed],
  ['dhcp.option.router', 'routers', printed],
  ['dhcp.option.domain_name_server', 'domainNameServers', printed],
  ['dhcp.option.interface_mtu', 'interfaceMtu', printed],
  ['dhcp.option.broadcast_address', 'broadcastAddress', printed],
  ['dhcp.option.ntp_server', 'ntpServers', printed],
  ['dhcp.option.dhcp_server_id', 'serverIdentifier', printed],
  ['dhcp.option.dhcp_max_message_size', 'maxMessageSize', printed],
  ['dhcp.option.dhcp_dns_domain_search_list_fqdn', 'domainSearch', printed],
  ['dhcp.option.sip_server.name', 'sipServers', printed],
  ['dhcp.option.capwap_access_controller', 'capwapControllers', printed],
  ['dhcp.client_id.uuid', 'clientMachineIdentifier', printed],
  ['dhcp.option.hostname', 'hostName', text],
  ['dhcp.option.domain_name', 'domainName', text],
  ['dhcp.option.vendor_class_id', 'vendorClass', text],
  ['dhcp.option.message', 'message', text],
  ['dhcp.option.captive_portal', 'captivePortal', text],
  ['dhcp.option.dhcp', 'messageType', number],
  ['dhcp.option.ip_address_lease_time', 'leaseTime', number],
  ['dhcp.option.renewal_time_value', 'renewalTime', number],
  ['dhcp.option.rebinding_time_value', 'rebindingTime', number],
  ['dhcp.option.netbios_over_tcpip_node_type', 'netbiosNodeType', number],
  [
    'dhcp.option.client_system_architecture',
    'clientSystemArchitecture',
    (data, name) => (decoded(data, name) as number[]).map(String),
  ],
  ['dhcp.option.request_list_item', 'parameterRequestList', (data) => [...data].map(String)],
  [
    'dhcp.fqdn.name',
    'clientFqdn',
    (data, name) => {
      const { name: shown, wire } = decoded(data, name) as { name: string; wire: boolean };
      // It leaves out the root, which only the canonical wire format has.
      return [wire ? shown.replace(/\.$/, '') : shown];
    },
  ],
  [`${INFORMATION}.agent_circuit_id`, 'relayInformation', subOption(1, hex)],
  [`${INFORMATION}.agent_remote_id`, 'relayInformation', subOption(2, hex)],
  [`${INFORMATION}.link_selection`, 'relayInformation', subOption(5, dotted)],
  [`${INFORMATION}.server_id_override`, 'relayInformation', subOption(11, dotted)],
  [`${INFORMATION}.relay_agent_id`, 'relayInformation', subOption(12, hex)],
];

const OPTION_FIELDS = ['dhcp.option.type', 'dhcp.option.length', 'dhcp.option.value'];
const FIELDS = [
  ...FIXED.map(([field]) => field),
  ...OPTION_FIELDS,
  ...TYPED.map(([field]) => field),
  '_ws.malformed',
];

describe('tshark', { skip: SKIP }, () => {
  let dissections: readonly Dissection[] = [];
  const seen = new Set<string>();

  before(() => {
    dissections = dissect(
      CORPUS.map(({ bytes }) => bytes),
      FIELDS,
    );
  });

  for (const [i, sample] of CORPUS.entries()) {
    test(sample.name, () => {
      const theirs = dissections[i]!;
      const ours = decodeMessage(sample.bytes);
      assert.equal(typeof ours === 'string', theirs['_ws.malformed']!.length > 0);
      if (typeof ours === 'string') return;
      for (const [field, print] of FIXED) assert.deepEqual([print(ours)], theirs[field], field);
      assert.deepEqual(piecesOf(ours), theirPieces(theirs));
      for (const field of sameValues(ours, theirs)) seen.add(field);
    });
  }

  test('every typed value above occurs in the corpus', () => {
    const fields = TYPED.map(([field]) => field);
    assert.deepEqual(
      fields.filter((field) => !seen.has(field)),
      [],
    );
  });
});

/** The fields whose values were compared, and are the same. */
function sameValues(ours: Message, theirs: Dissection): readonly string[] {
  const same: string[] = [];
  for (const [field, name, show] of TYPED) {
    const shown = theirs[field]!;
    // What is malformed it shows as `<...>`.
    if (shown.length === 0 || shown[0]!.startsWith('<')) continue;
    const wanted = show(optionOf(ours, OPTION[name])!, name);
    if (wanted === null) continue;
    assert.deepEqual(shown, wanted, field);
    same.push(field);
  }
  return same;
}

describe('tshark on mutants of the corpus', { skip: SKIP }, () => {
  test('the options of 500 messages that both read are the same', () => {
    const random = new Random(82);
    const mutants = Array.from({ length: 3000 }, () => mutant(CORPUS, random))
      .filter(isPlain)
      .slice(0, 500);
    assert.equal(mutants.length, 500);
    const dissections = dissect(mutants, [...OPTION_FIELDS, '_ws.malformed']);
    let compared = 0;
    for (const [i, bytes] of mutants.entries()) {
      const ours = decodeMessage(bytes);
      const theirs = dissections[i]!;
      if (typeof ours === 'string' || theirs['_ws.malformed']!.length > 0) continue;
      assert.deepEqual(piecesOf(ours), theirPieces(theirs), hex(bytes));
      compared++;
    }
    assert.ok(compared > 400, `${compared} of 500`);
  });
});

/** What the npm package makes of a message; it has no types. */
interface NpmMessage {
  readonly op: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  readonly chaddr: string;
  readonly options: { readonly [code: string]: unknown };
}

const require = createRequire(import.meta.url);
const { parse } = require('dhcp/lib/protocol.js') as { parse(bytes: Buffer): NpmMessage };
const { opts } = require('dhcp/lib/options.js') as {
  opts: { readonly [code: string]: { readonly type: string } };
};

/** Octets of a value, or of one of several, by the package's type; it reads so many whatever the length octet says. */
const NPM_SIZES: { readonly [type: string]: number } = {
  IP: 4,
  IPs: 4,
  Int32: 4,
  UInt32: 4,
  UInt16: 2,
  UInt16s: 2,
};

describe('the npm package dhcp', () => {
  let compared = 0;

  for (const sample of CORPUS.filter(isForNpm)) {
    test(sample.name, (t) => {
      t.mock.method(console, 'error', () => {}); // It tells of every option it does not know.
      const theirs = parse(Buffer.from(sample.bytes));
      const ours = decodeMessage(sample.bytes);
      assert.ok(typeof ours !== 'string');
      for (const field of ['op', 'xid', 'secs', 'flags'] as const)
        assert.equal(theirs[field], ours[field], field);
      for (const field of ['ciaddr', 'yiaddr', 'siaddr', 'giaddr'] as const)
        assert.equal(theirs[field], formatIpv4(ours[field]), field);
      assert.equal(
        theirs.chaddr.replaceAll('-', ':').toLowerCase(),
        formatHardwareAddress(ours.chaddr),
      );
      for (const [code, value] of Object.entries(theirs.options)) {
        const wanted = asNpm(opts[code]!.type, Number(code), optionOf(ours, Number(code))!);
        if (wanted === undefined) continue;
        assert.deepEqual(value, wanted, optionByCode(Number(code)).name);
        compared++;
      }
    });
  }

  test('enough of it was compared to mean something', () =>
    assert.ok(compared > 30, `${compared}`));
});

/** Our octets as the package's types; undefined for those it gets wrong: booleans, text with NUL or beyond ASCII. */
function asNpm(type: string, code: number, data: Uint8Array): unknown {
  const { kind } = optionByCode(code);
  switch (type) {
    case 'IP':
      return printOption(code, data);
    case 'IPs':
      return data.length % 4 === 0 && code !== OPTION.classlessStaticRoutes
        ? Array.from({ length: data.length / 4 }, (_, i) =>
            data.subarray(4 * i, 4 * i + 4).join('.'),
          )
        : undefined;
    case 'UInt8':
    case 'UInt16':
    case 'UInt32':
    case 'Int32': {
      const value = kind.decode(data);
      return typeof value === 'number' ? value : undefined;
    }
    case 'UInt8s':
      return [...data];
    case 'ASCII': {
      const value = kind.decode(data);
      return typeof value === 'string' && data.every((octet) => octet > 0 && octet < 128)
        ? value
        : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * What the package can read: Ethernet only, no overload, no pieces, no lengths but those it expects; and no pad
 * between options, of which it skips two octets each.
 */
function isForNpm({ bytes }: NamedSample): boolean {
  const message = decodeMessage(bytes);
  if (typeof message === 'string' || message.htype !== 1 || message.chaddr.length !== 6)
    return false;
  const octets = message.options.reduce((sum, { data }) => sum + 2 + data.length, 0);
  return (
    isPlain(bytes) &&
    bytes[240 + octets] === 255 &&
    message.options.every(
      ({ code, data }) => data.length % (NPM_SIZES[opts[code]?.type ?? ''] ?? 1) === 0,
    )
  );
}

/** Whether the message has a cookie, and all its options are whole and in the options field. */
function isPlain(bytes: Uint8Array): boolean {
  const view = new MessageView();
  if (view.over(Buffer.from(bytes), 0, bytes.length) !== null || !view.hasCookie) return false;
  view.scan();
  return view.optionsFault === null && view.overload === 0;
}

/** `code:hex` of every option. */
function piecesOf(message: Message): readonly string[] {
  return message.options.map(({ code, data }) => `${code}:${hex(data)}`).sort();
}

/** The same from tshark, which shows each piece apart, and pad, END (as 0) and overload too. */
function theirPieces(theirs: Dissection): readonly string[] {
  const values = [...theirs['dhcp.option.value']!];
  const lengths = [...theirs['dhcp.option.length']!];
  const whole = new Map<string, string>();
  for (const code of theirs['dhcp.option.type']!) {
    if (code === '0' || code === '255') continue;
    const value = values.shift()!.replace('<MISSING>', '');
    assert.equal(2 * Number(lengths.shift()), value.length);
    if (code !== String(OPTION.overload)) whole.set(code, (whole.get(code) ?? '') + value);
  }
  return [...whole].map(([code, value]) => `${code}:${value}`).sort();
}
