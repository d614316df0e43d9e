import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeInformation, holdsSubOption, type InformationParts } from './information.ts';
import { ip } from './testing.ts';

const NOTHING: InformationParts = {
  circuitId: Buffer.from('lan0'),
  remoteId: null,
  subscriberId: null,
  relayId: null,
  linkSelection: null,
  serverIdOverride: null,
  sourcePort: false,
  virtualSubnet: null,
};

test('sub-options come in the order in which they are needed to find the way back', () => {
  const { broadcast, unicast } = encodeInformation({
    ...NOTHING,
    remoteId: Buffer.of(1),
    linkSelection: ip('192.0.2.0'),
    serverIdOverride: ip('192.0.2.1'),
    sourcePort: true,
  });
  const before = [1, 4, ...Buffer.from('lan0'), 5, 4, 192, 0, 2, 0, 11, 4, 192, 0, 2, 1];
  const after = [19, 0, 2, 1, 1];
  assert.deepEqual([...broadcast], [82, 26, ...before, 10, 1, 0, ...after]);
  // RFC 5010 §3: which way the request came is all that differs.
  assert.deepEqual([...unicast], [82, 26, ...before, 10, 1, 0x80, ...after]);
});

// [octets of the remote-id beside a circuit-id of four, whether it fits into the 255 of the option]
for (const [octets, fits] of [
  [246, true],
  [247, true],
  [248, false],
  [249, false],
  [251, false],
] as const) {
  test(`a remote-id of ${octets} octets ${fits ? 'fits' : 'is left out'} beside one circuit-id of four`, () => {
    const { broadcast, omitted } = encodeInformation({
      ...NOTHING,
      remoteId: Buffer.alloc(octets),
    });
    assert.equal(broadcast[1], broadcast.length - 2, 'the length is true');
    assert.equal(broadcast.length, 2 + 6 + (fits ? 2 + octets : 0));
    assert.deepEqual(omitted, fits ? [] : [2]);
  });
}

test('what is shorter may still fit where something longer did not', () => {
  const { broadcast, omitted } = encodeInformation({
    ...NOTHING,
    remoteId: Buffer.alloc(253),
    subscriberId: Buffer.from('flat 9'),
  });
  assert.deepEqual(omitted, [2]);
  assert.deepEqual([...broadcast.subarray(8)], [6, 6, ...Buffer.from('flat 9')]);
});

test('a sub-option is held with this very value, and not with one that begins or ends like it', () => {
  const option = Buffer.from([82, 6, 1, 4, ...Buffer.from('lan0')]);
  const circuit = (text: string): Buffer => Buffer.from([1, text.length, ...Buffer.from(text)]);
  assert.equal(holdsSubOption(option, 0, circuit('lan0')), true);
  for (const other of ['lan1', 'lan', 'lan00', 'an0', '']) {
    assert.equal(holdsSubOption(option, 0, circuit(other)), false, other);
  }
});
