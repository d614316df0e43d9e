// What is no whole datagram goes no further, and says why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import { PACKET_TYPE, SLOT, STATUS } from '../ring.ts';
import { configOf, INFORMATION, ip, message, RelayBench } from './testing.ts';

const START = 64;

/** Puts a DISCOVER into the ring, lets a test spoil it, and hands it over. */
function relayed(spoil: (packet: Buffer) => void, status = 0, cut = 0): string | null {
  const bench = new RelayBench();
  // What was read before must not be taken for this packet.
  assert.notEqual(typeof bench.receive(message()), 'string');
  const payload = message();
  const at = START + HEADERS_LENGTH;
  const end = at + payload.length;
  bench.ring.set(payload, at);
  writeHeaders(bench.ring, START, ip('0.0.0.0'), 68, ip('255.255.255.255'), 67, at, end);
  spoil(bench.ring.subarray(START, end));
  const meta = new Uint32Array(SLOT.WORDS);
  meta[SLOT.START] = START;
  meta[SLOT.LENGTH] = end - START - cut;
  meta[SLOT.IFINDEX] = 1;
  meta[SLOT.PACKET_TYPE] = PACKET_TYPE.BROADCAST;
  meta[SLOT.STATUS] = status;
  return bench.relay.receive(0, bench.ring, meta, 0, 2048);
}

const spoilChecksum = (packet: Buffer): void => {
  packet[packet.length - 1]! ^= 0xff;
};

// [what is wrong, what is done to the packet, why it is dropped]
for (const [name, spoil, drop] of [
  ['nothing', () => {}, null],
  ['it is IPv6', (packet: Buffer) => packet.writeUInt8(0x65, 0), 'notIpv4'],
  ['its header is shorter than one', (packet: Buffer) => packet.writeUInt8(0x44, 0), 'badIpHeader'],
  ['its header is damaged', (packet: Buffer) => packet.writeUInt8(1, 8), 'badIpChecksum'],
  ['its payload is damaged', spoilChecksum, 'badUdpChecksum'],
] as const) {
  test(`a packet of which the matter is: ${name}`, () => assert.equal(relayed(spoil), drop));
}

test('a packet that was cut off is none', () => {
  assert.equal(
    relayed(() => {}, 0, 1),
    'truncated',
  );
});

for (const [who, status] of [
  ['the kernel says that hardware is to complete', STATUS.CHECKSUM_NOT_READY],
  ['somebody has looked at', STATUS.CHECKSUM_VALID],
] as const) {
  test(`a checksum that ${who} is not looked at`, () => {
    assert.equal(relayed(spoilChecksum, status), null);
  });
}

test('plain BOOTP, which has no options, goes without option 82, and that is no omission', () => {
  const relayInformation = { ...INFORMATION, wanted: true };
  const bench = new RelayBench(configOf({}, { relayInformation }));
  const sent = bench.receive(message({ options: null }));
  assert.ok(typeof sent !== 'string');
  assert.equal(sent[0]?.message.length, 300);
  assert.deepEqual(bench.observed, ['request lan0 0']);
});
