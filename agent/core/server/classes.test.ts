// What class expressions see of a request: crds/compile/packetcel.ts says what there is, and here is what it holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRelayInformation, SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import { Bed, type Say, SERVER } from './testbed.ts';

const relay = (parts: { readonly [name in keyof typeof SUB_OPTION]?: string | Uint8Array }) =>
  encodeRelayInformation(
    Object.entries(parts).map(([name, data]) => ({
      code: SUB_OPTION[name as keyof typeof SUB_OPTION],
      data: typeof data === 'string' ? Buffer.from(data) : data,
    })),
  );

/** A client that says all it can, through a relay. */
const TALKATIVE: Say = {
  mac: '02:00:00:00:00:0a',
  giaddr: '192.0.2.3',
  clientId: Buffer.from('\0scanner-7'),
  ask: [1, 3, 121],
  relay: relay({
    circuitId: 'port-7',
    remoteId: Uint8Array.of(2, 0, 0xff),
    subscriberId: 'flat 9',
    relayId: Uint8Array.of(0, 3),
    virtualSubnet: Buffer.from('\0red'),
  }),
  options: {
    12: Buffer.from('door\0'),
    60: Buffer.from('PXEClient:Arch:00007'),
    77: Buffer.from('\x04iPXE'),
    81: Buffer.from([0, 0, 0, ...Buffer.from('door.example.')]),
    93: Uint8Array.of(0, 7, 0, 16),
    97: Uint8Array.of(0, 0xab, 0xcd),
    224: Uint8Array.of(1, 0xfe),
  },
};
const TACITURN: Say = { mac: '02:00:00:00:00:0b' };

function isIn(match: string, say: Say): boolean {
  const bed = new Bed({ classes: [{ name: 'c', match }] });
  return bed.explain(say).includes('classes: c');
}

// [an expression that holds for the talkative client and not for the taciturn one]
for (const match of [
  'packet.hardwareAddress == "02:00:00:00:00:0a"',
  'packet.clientId.startsWith("00:73:63")',
  'packet.clientIdText == "scanner-7"',
  'packet.vendorClass == "PXEClient:Arch:00007"',
  'packet.userClasses == ["iPXE"]',
  'packet.architectures == [7, 16]',
  'packet.hostname == "door"',
  'packet.fqdn == "door.example"',
  'packet.machineId == "abcd"',
  'packet.requestedOptions == [1, 3, 121]',
  'packet.circuitId == "port-7"',
  'packet.remoteId == "02:00:ff"',
  'packet.subscriberId == "flat 9"',
  'packet.relayId == "00:03"',
  'packet.vrf == "red"',
  'packet.giaddr == "192.0.2.3"',
  'packet.option(224) == "01fe"',
  'packet.text(12) == "door"',
  'packet.sent(224)',
]) {
  test(`${match} tells who says so from who does not`, () => {
    assert.equal(isIn(match, TALKATIVE), true);
    assert.equal(isIn(match, TACITURN), false);
  });
}

// [an expression that holds for the taciturn client and not for the talkative one]
for (const match of [
  'packet.interface == "eth0" && packet.giaddr == "0.0.0.0"',
  'packet.hostname == "" && packet.vendorClass == "" && packet.fqdn == ""',
  'packet.clientId == "" && packet.clientIdText == ""',
  'packet.userClasses == [] && packet.architectures == []',
  'packet.machineId == "" && packet.circuitId == "" && packet.vrf == ""',
  'packet.option(224) == "" && packet.text(12) == "" && !packet.sent(12)',
]) {
  test(`${match}: what is not said is empty`, () => {
    assert.equal(isIn(match, TACITURN), true);
    assert.equal(isIn(match, TALKATIVE), false);
  });
}

test('a message is called by its type, and tells where its sender is', () => {
  const renewal: Say = { type: 'REQUEST', ciaddr: '192.0.2.10', to: SERVER };
  assert.equal(isIn('packet.messageType == "DISCOVER"', TACITURN), true);
  assert.equal(isIn('packet.messageType == "REQUEST"', renewal), true);
  assert.equal(isIn('packet.ciaddr == "192.0.2.10"', renewal), true);
  assert.equal(isIn('packet.ciaddr == "0.0.0.0"', TACITURN), true);
});

test('a client identifier that is no text is none as text; one without a type octet is whole', () => {
  const of = (...octets: number[]): Say => ({ clientId: Uint8Array.from(octets) });
  assert.equal(isIn('packet.clientIdText == ""', of(1, 0xff, 0xfe)), true);
  assert.equal(isIn('packet.clientIdText == "ab"', of(0x61, 0x62)), true);
});

test('a virtual subnet that is no name is none', () => {
  const vpn = relay({ virtualSubnet: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 7) });
  assert.equal(isIn('packet.vrf == ""', { giaddr: '192.0.2.3', relay: vpn }), true);
});

test('classes are told in the order in which they are written, and the first that is refused counts', () => {
  const bed = new Bed({
    classes: [
      { name: 'all', match: 'true' },
      { name: 'none', match: 'false' },
      { name: 'b', match: 'true', refuse: true },
      { name: 'a', match: 'true', refuse: true },
    ],
  });
  assert.deepEqual(bed.say(TACITURN), []);
  assert.equal(bed.dropped(), 'refusedByClass');
  const steps = bed.explain(TACITURN);
  assert.ok(steps.includes('classes: all, b, a'));
  assert.ok(steps.includes('refused: class b gets no answer'));
});
