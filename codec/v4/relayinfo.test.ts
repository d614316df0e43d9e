import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { unhex } from '../hardware.ts';
import { encodeSubOptions } from './compound.ts';
import {
  encodeRelayInformation,
  parseRelayInformation,
  printRelayInformation,
  SUB_OPTION,
  SUB_OPTIONS,
  subOptionAt,
  subOptionOf,
} from './relayinfo.ts';

describe('each registered sub-option, in hex and as people read it', () => {
  for (const [rule, data, want] of [
    ['RFC 3046 §3.1 circuit-id that is text', '010465746830', 'circuitId "eth0"'],
    ['RFC 3046 §3.1 circuit-id that is not', '0106000401020003', 'circuitId 0x000401020003'],
    ['RFC 3046 §3.2 remote-id', '020602000000000a', 'remoteId 0x02000000000a'],
    ['RFC 3256 DOCSIS device class', '040400000001', 'docsisDeviceClass 1'],
    ['RFC 3527 link selection', '0504c0000200', 'linkSelection 192.0.2.0'],
    ['RFC 3993 subscriber-id', '0603626f62', 'subscriberId "bob"'],
    [
      'RFC 4014 RADIUS attributes: the length counts itself',
      '07050105626f62',
      'radiusAttributes 1:"bob"',
    ],
    ['RFC 4014 a RADIUS attribute of impossible length', '07030101aa', 'radiusAttributes 0x0101aa'],
    [
      'RFC 4030 authentication',
      '081401010000000000000007c0000201aabbccddeeff',
      'authentication algorithm=1 replayDetectionMethod=1 replayDetection=0x0000000000000007 relayIdentifier=192.0.2.1 authentication=0xaabbccddeeff',
    ],
    ['RFC 4243 vendor-specific', '090800000de903010178', 'vendorSpecific enterprise 3561{1:"x"}'],
    ['RFC 4243 vendor-specific, truncated', '090500000de909', 'vendorSpecific 0x00000de909'],
    ['RFC 5010 flags: the unicast bit', '0a0180', 'flags 128'],
    ['RFC 5107 server identifier override', '0b04c0000201', 'serverIdOverride 192.0.2.1'],
    ['RFC 6925 relay identifier', '0c080002000000090af1', 'relayId 0x0002000000090af1'],
    ['RFC 7839 access technology type', '0d020004', 'accessTechnologyType wlan'],
    ['RFC 7839 access network name', '0e0477696669', 'accessNetworkName "wifi"'],
    ['RFC 7839 access point name', '0f026170', 'accessPointName "ap"'],
    ['RFC 7839 access point BSSID', '1006020000000001', 'accessPointBssid 0x020000000001'],
    ['RFC 7839 operator identifier', '110400000de9', 'operatorIdentifier 3561'],
    ['RFC 7839 operator realm', '120565782e6f72', 'operatorRealm "ex.or"'],
    ['RFC 8357 source port has no data', '1300', 'sourcePort'],
    [
      'RFC 6607 virtual subnet by name',
      '97050072656431',
      'virtualSubnet type=name information="red1"',
    ],
    [
      'RFC 6607 virtual subnet by VPN-ID',
      '97080100000100000001',
      'virtualSubnet type=vpn-id information=0x00000100000001',
    ],
    ['RFC 6607 the default VPN', '9701ff', 'virtualSubnet type=default information=0x'],
    ['RFC 6607 virtual subnet control has no data', '9800', 'virtualSubnetControl'],
    ['an unregistered sub-option', 'c80161', 'subOption200 "a"'],
    ['a wrong length is told, not guessed at', '0503c00002', 'linkSelection malformed 0xc00002'],
    ['a truncated sub-option', '01ff61', 'malformed 0x01ff61'],
    ['a lone code', '01', 'malformed 0x01'],
    ['no data at all', '', 'malformed 0x'],
    ['two of them, in order', '010161020162', 'circuitId "a" remoteId "b"'],
  ] as const) {
    test(rule, () => assert.equal(printRelayInformation(unhex(data)!), want));
  }

  test('every registered code has a row above, a title and an RFC', () => {
    assert.deepEqual(
      [...SUB_OPTIONS.keys()],
      [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 151, 152],
    );
    for (const { title, rfc } of SUB_OPTIONS.values()) {
      assert.match(rfc, /^RFC \d{4}/);
      assert.notEqual(title, '');
    }
  });
});

describe('view style', () => {
  const DATA = Buffer.from('ffff0102aabb0504c0000200ff', 'hex');

  test('a sub-option is found where it stands, and not outside of the option', () => {
    assert.equal(subOptionAt(DATA, 2, 12, SUB_OPTION.circuitId), 2);
    assert.equal(subOptionAt(DATA, 2, 12, SUB_OPTION.linkSelection), 6);
    assert.equal(subOptionAt(DATA, 2, 11, SUB_OPTION.linkSelection), -1);
    assert.equal(subOptionAt(DATA, 2, 12, SUB_OPTION.remoteId), -1);
    assert.equal(subOptionAt(DATA, 2, 2, SUB_OPTION.circuitId), -1);
  });

  test('its data is a copy', () => {
    const data = Buffer.from('0102aabb', 'hex');
    const circuit = subOptionOf(data, 'circuitId');
    data.fill(0);
    assert.deepEqual(circuit, Uint8Array.of(0xaa, 0xbb));
    assert.equal(subOptionOf(data, 'linkSelection'), null);
  });
});

describe('properties', () => {
  const INFORMATION = fc.array(
    fc.record(
      { code: fc.nat(255), data: fc.uint8Array({ maxLength: 40 }) },
      { noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 12 },
  );

  test('parse undoes encode, and subOptionAt finds the first of each code', () => {
    fc.assert(
      fc.property(INFORMATION, (information) => {
        const data = encodeRelayInformation(information);
        assert.deepEqual(parseRelayInformation(data), information);
        for (const { code } of information) {
          const first = information.findIndex((one) => one.code === code);
          const want = encodeSubOptions(information.slice(0, first)).length;
          assert.equal(subOptionAt(data, 0, data.length, code), want);
        }
      }),
    );
  });

  test('no octets make any of them throw, and nothing printed breaks the line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(255), (data, code) => {
        parseRelayInformation(data);
        assert.ok(subOptionAt(data, 0, data.length, code) < data.length);
        assert.doesNotMatch(printRelayInformation(data), /[\r\n\0]/);
        for (const known of SUB_OPTIONS.keys())
          assert.doesNotMatch(
            printRelayInformation(Uint8Array.of(known, data.length, ...data)),
            /\p{Cc}/u,
          );
      }),
    );
  });
});
