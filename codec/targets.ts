import assert from 'node:assert/strict';
import type { Target } from './fuzz.ts';
import { LIMITED_BROADCAST, UNSPECIFIED } from './ipv4.ts';
import { conflicts, decodeArp } from './link/arp.ts';
import { checksumOf, sumOf } from './link/checksum.ts';
import { Datagram, HEADERS_LENGTH, parseDatagram, writeHeaders } from './link/datagram.ts';
import { decodeFrame, encodeFrame } from './link/ethernet.ts';
import { decodeEcho, decodeIcmp, encodeIcmp } from './link/icmp.ts';
import { decodeIp, encodeIp } from './link/ip.ts';
import { decodeRouteMessages } from './link/rtnetlink.ts';
import { decodeUdp } from './link/udp.ts';
import { describeBytes } from './v4/describe.ts';
import { encodeMessage } from './v4/encode.ts';
import { decodeMessage } from './v4/message.ts';
import { optionByCode, printOption } from './v4/options.ts';
import { printRelayInformation, SUB_OPTIONS, subOptionAt } from './v4/relayinfo.ts';
import { MessageView } from './v4/view.ts';

/** Every decoder that strangers can reach, and what must hold whatever they send. */
export const TARGETS: readonly Target[] = [
  { name: 'view', run: viewTarget },
  { name: 'message', run: messageTarget },
  { name: 'describe', run: describeTarget },
  { name: 'kinds', run: kindsTarget },
  { name: 'relayInformation', run: relayInformationTarget },
  { name: 'datagram', run: datagramTarget },
  { name: 'link', run: linkTarget },
  { name: 'rtnetlink', run: (bytes) => void decodeRouteMessages(bytes.subarray(OPTIONS)) },
];

const OPTIONS = 240;
const ROOM = 64;
const NOISE = 0xa5;
const OPTION = Buffer.of(82, 3, 1, 1, 0x61);

const view = new MessageView();

/** The view reads and writes nothing outside of its message, and taking out what was put in leaves the rest as it was. */
function viewTarget(input: Uint8Array): void {
  const bytes = Buffer.alloc(input.length + 2 * ROOM, NOISE);
  bytes.set(input, ROOM);
  if (view.over(bytes, ROOM, ROOM + input.length) !== null) return;
  view.scan();
  assert.ok(view.endAt <= view.end && view.relayInformationAt <= view.endAt);
  for (let code = 1; code < 255; code++) {
    const at = view.at(code);
    assert.ok(at === -1 || (at >= ROOM + OPTIONS && bytes[at] === code && at + 2 <= view.endAt));
  }
  const before = Buffer.from(bytes.subarray(ROOM, view.endAt));
  const limit = input.length + 8;
  if (view.append(OPTION, limit)) {
    assert.ok(view.length <= limit);
    view.remove(view.relayInformationAt);
    assert.deepEqual(bytes.subarray(ROOM, view.endAt), before);
  }
  view.padTo(300, limit);
  assert.ok(view.length <= Math.max(limit, input.length));
  assert.ok(bytes.subarray(0, ROOM).every((octet) => octet === NOISE));
  assert.ok(bytes.subarray(ROOM + limit).every((octet) => octet === NOISE));
}

/** What decodes can be encoded, within any limit, and decodes to the same again. */
function messageTarget(bytes: Uint8Array): void {
  const message = decodeMessage(bytes);
  if (typeof message === 'string') return;
  const again = decodeMessage(encodeMessage(message, { maxBytes: 8192, overload: true }).bytes);
  const options = [...message.options].sort(
    (a, b) => Number(a.code === 82) - Number(b.code === 82),
  );
  assert.deepEqual(again, { ...message, options });
  const { bytes: small, omitted } = encodeMessage(message, { maxBytes: 548, overload: true });
  assert.ok(small.length <= 548);
  const kept = decodeMessage(small);
  assert.ok(typeof kept !== 'string');
  assert.equal(kept.options.length + omitted.length, message.options.length);
}

function describeTarget(bytes: Uint8Array): void {
  const line = describeBytes(bytes);
  assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
}

/** Any octets as the data of any option: a value that decodes survives encoding. */
function kindsTarget(bytes: Uint8Array): void {
  const code = bytes[0] ?? 0;
  const { kind } = optionByCode(code);
  for (const data of [bytes.subarray(OPTIONS), bytes.subarray(OPTIONS + 2), bytes.subarray(-40)]) {
    printOption(code, data);
    const value = kind.decode(data);
    if (value !== null) assert.deepEqual(kind.decode(kind.encode(value)), value);
  }
}

function relayInformationTarget(bytes: Uint8Array): void {
  const data = bytes.subarray(OPTIONS);
  printRelayInformation(data);
  for (const code of SUB_OPTIONS.keys()) {
    const at = subOptionAt(data, 0, data.length, code);
    assert.ok(at === -1 || at + 2 + data[at + 1]! <= data.length);
  }
}

/** The mutant in a good datagram comes out again; as a packet, or behind a spoilt header, it stays within bounds. */
function datagramTarget(payload: Uint8Array): void {
  const datagram = new Datagram();
  const packet = new Uint8Array(HEADERS_LENGTH + payload.length);
  packet.set(payload, HEADERS_LENGTH);
  writeHeaders(packet, 0, UNSPECIFIED, 68, LIMITED_BROADCAST, 67, HEADERS_LENGTH, packet.length);
  assert.equal(parseDatagram(datagram, packet, 0, packet.length, false), null);
  assert.deepEqual([datagram.payloadAt, datagram.end], [HEADERS_LENGTH, packet.length]);
  packet[(payload[4] ?? 0) % HEADERS_LENGTH]! ^= payload[5] ?? 1;
  for (const bytes of [payload, packet]) {
    const fault = parseDatagram(datagram, bytes, 0, bytes.length, true);
    assert.ok(fault !== null || datagram.payloadAt <= datagram.end);
    assert.ok(fault !== null || datagram.end <= bytes.length);
  }
}

/** The mutant as a frame, and as what frames carry, as it came and with its checksum mended: what decodes can be encoded. */
function linkTarget(bytes: Uint8Array): void {
  const frame = decodeFrame(bytes);
  if (typeof frame !== 'string') assert.deepEqual(decodeFrame(encodeFrame(frame)), frame);
  const payload = bytes.subarray(0, 64);
  const arp = decodeArp(payload, 0, payload.length);
  if (arp !== null) conflicts(arp, arp.targetHardware, arp.target);
  decodeUdp(payload, UNSPECIFIED, LIMITED_BROADCAST);
  decodeEcho(payload);

  // The length field exists, whatever else is missing.
  const packet = Uint8Array.of(0x45, 0, 0, 0, ...payload.subarray(0, 40));
  packet.set([0, packet.length], 2);
  const ip = decodeIp(mended(packet, 10, 20));
  if (packet.length >= 20) assert.ok(typeof ip !== 'string');
  if (typeof ip !== 'string') assert.deepEqual(decodeIp(encodeIp(ip)), ip);
  const icmp = decodeIcmp(mended(payload, 2, payload.length));
  if (typeof icmp !== 'string') assert.deepEqual(decodeIcmp(encodeIcmp(icmp)), icmp);
}

/** A copy in which the checksum at `at` is that of the octets before `end`. */
function mended(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length < at + 2) return copy;
  copy.set([0, 0], at);
  const checksum = checksumOf(sumOf(copy, 0, Math.min(end, copy.length), 0));
  copy.set([checksum >>> 8, checksum & 0xff], at);
  return copy;
}
