// RFC 2131, as far as it concerns a server, and what RFC 1542 and 2132 add to it. B numbers are those of the checklist
// in the documentation of the field: each line is a test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPTION } from '../../../codec/v4/options.ts';
import { Bed, ETH0, ETH1, link, type Say, SERVER, SUBNET, taking } from './testbed.ts';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';

/** A server for the relay at 203.0.113.1, too. */
const RELAYED = {
  subnets: [
    SUBNET,
    { cidr: '203.0.113.0/24', pools: [{ start: '203.0.113.100', end: '203.0.113.110' }] },
  ],
};
const VIA: Say = { giaddr: '203.0.113.1' };

// B1 and B3: [what the client sends, where the answer goes]
const DESTINATIONS: readonly (readonly [string, Say, string])[] = [
  [
    'B1 giaddr not 0: to giaddr, port 67, even with the broadcast bit',
    { ...VIA, broadcast: true },
    '203.0.113.1:67',
  ],
  [
    'B1 giaddr 0, ciaddr 0, broadcast bit clear: to yiaddr at chaddr',
    {},
    'eth0 02:00:00:00:00:01 192.0.2.10:68',
  ],
  [
    'B3 giaddr 0, ciaddr 0, broadcast bit set: to everyone, on the link too',
    { broadcast: true },
    'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:68',
  ],
  [
    'B1 no hardware address to send to: to everyone',
    { mac: '00:00:00:00:00:00' },
    'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:68',
  ],
  [
    'B1 a hardware type that this link does not have: to everyone',
    { htype: 6 },
    'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:68',
  ],
];

for (const [name, say, to] of DESTINATIONS) {
  test(name, () => {
    const bed = new Bed(RELAYED);
    assert.equal(bed.ask({ ...say, type: 'DISCOVER' }).to, to);
  });
}

test('B1 ciaddr not 0: a renewal is answered to ciaddr, port 68, on the link to where it came from', () => {
  const bed = new Bed();
  bed.lease();
  const ack = bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10' });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.to, 'eth0 02:00:00:00:00:01 192.0.2.10:68');
  assert.equal(ack.from, `${SERVER}:67`);
});

test('B1 ciaddr not 0 and not on the link: a renewal past the relay is answered by route', () => {
  const bed = new Bed(RELAYED);
  const address = bed.lease(VIA);
  const ack = bed.ask({ type: 'REQUEST', ciaddr: address });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.to, `${address}:68`);
});

test('B1 ciaddr not 0 and no address of ours in its network: who rebinds by broadcast is on the link all the same', () => {
  const second = {
    cidr: '203.0.113.0/24',
    pools: [{ start: '203.0.113.100', end: '203.0.113.110' }],
  };
  const one = { ...SUBNET, pools: [], sharedNetwork: 'floor' };
  const bed = new Bed({ subnets: [one, { ...second, sharedNetwork: 'floor' }] });
  const address = bed.lease();
  assert.equal(address, '203.0.113.100');
  const onLink = `eth0 02:00:00:00:00:01 ${address}:68`;
  const toAll = { ciaddr: address, to: '255.255.255.255' };
  assert.equal(bed.ask({ type: 'REQUEST', ...toAll }).to, onLink);
  assert.equal(bed.ask({ type: 'INFORM', ...toAll }).to, onLink);
  // A unicast comes by way of a router.
  assert.equal(bed.ask({ type: 'REQUEST', ciaddr: address }).to, `${address}:68`);
});

test('B1 a NAK with giaddr 0 is always broadcast, whatever ciaddr and the broadcast bit say', () => {
  const bed = new Bed();
  const renewing = bed.ask({ type: 'REQUEST', ciaddr: '198.51.100.7', to: '255.255.255.255' });
  assert.equal(renewing.type, 'NAK');
  assert.equal(renewing.to, 'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:68');
  const rebooting = bed.ask({ type: 'REQUEST', requested: '198.51.100.7' });
  assert.equal(rebooting.type, 'NAK');
  assert.equal(rebooting.to, 'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:68');
});

test('B2 a NAK through a relay has the broadcast bit set, so that the relay broadcasts it', () => {
  const bed = new Bed(RELAYED);
  const nak = bed.ask({ ...VIA, type: 'REQUEST', requested: '192.0.2.10' });
  assert.equal(nak.type, 'NAK');
  assert.equal(nak.to, '203.0.113.1:67');
  assert.equal(nak.message.flags, 0x8000);
});

test('B4 an OFFER copies xid, flags, giaddr and chaddr, has secs 0, and ciaddr 0', () => {
  const bed = new Bed(RELAYED);
  const { message } = bed.ask({ ...VIA, xid: 0xcafe, secs: 9, broadcast: true, mac: A });
  const { op, htype, xid, secs, flags, ciaddr, giaddr, chaddr } = message;
  assert.deepEqual(
    { op, htype, xid, secs, flags, ciaddr },
    { op: 2, htype: 1, xid: 0xcafe, secs: 0, flags: 0x8000, ciaddr: 0 },
  );
  assert.equal(giaddr, 0xcb007101);
  assert.deepEqual([...chaddr], [2, 0, 0, 0, 0, 10]);
});

test('B4 hops is 0 to a client, and what it was to a relay, because some relays look at it', () => {
  const bed = new Bed(RELAYED);
  assert.equal(bed.ask({ hops: 3 }).message.hops, 0);
  assert.equal(bed.ask({ ...VIA, hops: 2, mac: B }).message.hops, 2);
});

test('B4 a NAK has no addresses, no file, no lease time, and says why', () => {
  const bed = new Bed({ ...RELAYED, boot: [{ file: 'boot', nextServer: '192.0.2.9' }] });
  bed.lease();
  const nak = bed.ask({
    type: 'REQUEST',
    ciaddr: '203.0.113.7',
    to: '255.255.255.255',
    ask: [1, 3, 67],
  });
  assert.equal(nak.type, 'NAK');
  const { ciaddr, yiaddr, siaddr, file } = nak.message;
  assert.deepEqual(
    { ciaddr, yiaddr, siaddr, file: file.length },
    { ciaddr: 0, yiaddr: 0, siaddr: 0, file: 0 },
  );
  assert.deepEqual(
    nak.message.options.map(({ code }) => code),
    [OPTION.messageType, OPTION.serverIdentifier, OPTION.message],
  );
  assert.match(nak.option(OPTION.message)!, /203\.0\.113\.7 is on another network/);
});

test('B5 the ACK to an INFORM goes to ciaddr, without address and lease time', () => {
  const bed = new Bed();
  const ack = bed.ask({
    type: 'INFORM',
    ciaddr: '192.0.2.77',
    to: '255.255.255.255',
    ask: [6, 51, 58],
  });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.to, 'eth0 02:00:00:00:00:01 192.0.2.77:68');
  assert.equal(ack.yiaddr, '0.0.0.0');
  assert.equal(ack.message.ciaddr, 0xc000024d);
  assert.equal(ack.option(OPTION.domainNameServers), '192.0.2.53');
  for (const code of [OPTION.leaseTime, OPTION.renewalTime, OPTION.rebindingTime]) {
    assert.equal(ack.option(code), null);
  }
  assert.equal(bed.stateOf('192.0.2.77'), 'free');
});

test('B5 the ACK to an INFORM that a relay brought goes back by the relay', () => {
  const bed = new Bed(RELAYED);
  const ack = bed.ask({ ...VIA, type: 'INFORM', ciaddr: '203.0.113.50' });
  assert.equal(ack.to, '203.0.113.1:67');
});

test('B5 an INFORM without ciaddr is answered to where it came from', () => {
  const bed = new Bed();
  const ack = bed.ask({ type: 'INFORM', from: '192.0.2.78' });
  assert.equal(ack.to, 'eth0 02:00:00:00:00:01 192.0.2.78:68');
  assert.deepEqual(bed.say({ type: 'INFORM' }), []);
  assert.equal(bed.dropped(), 'informWithoutAddress');
});

// B6: each of the four states of a client that asks, by what it sends.
test('B6 SELECTING: server identifier and requested address, ciaddr 0', () => {
  const bed = new Bed();
  const offer = bed.ask({ type: 'DISCOVER' });
  const ack = bed.ask(taking(offer, {}));
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.yiaddr, '192.0.2.10');
  assert.equal(ack.message.ciaddr, 0);
});

test('B6 INIT-REBOOT: requested address only', () => {
  const bed = new Bed();
  bed.lease();
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.10' }).type, 'ACK');
});

test('B6 RENEWING and REBINDING: ciaddr only, by unicast and by broadcast', () => {
  const bed = new Bed();
  bed.lease();
  for (const to of [SERVER, '255.255.255.255']) {
    const ack = bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10', to });
    assert.equal(ack.type, 'ACK');
    assert.equal(ack.message.ciaddr, 0xc000020a);
    assert.equal(ack.yiaddr, '192.0.2.10');
  }
});

test('B6 a renewal that names the server all the same is a renewal', () => {
  const bed = new Bed();
  bed.lease();
  const renewal = { type: 'REQUEST', ciaddr: '192.0.2.10', server: SERVER } as const;
  assert.equal(bed.ask(renewal).type, 'ACK');
  assert.deepEqual(bed.say({ ...renewal, server: '192.0.2.2' }), []);
  assert.equal(bed.dropped(), 'notSelected');
});

test('B6 a REQUEST that names no address is dropped', () => {
  const bed = new Bed();
  assert.deepEqual(bed.say({ type: 'REQUEST' }), []);
  assert.equal(bed.dropped(), 'noAddress');
  assert.deepEqual(bed.say({ type: 'REQUEST', server: SERVER }), []);
  assert.equal(bed.dropped(), 'noAddress');
});

test('B7 INIT-REBOOT on the wrong network: NAK, also without a record', () => {
  const bed = new Bed(RELAYED);
  assert.equal(bed.ask({ type: 'REQUEST', requested: '203.0.113.100' }).type, 'NAK');
});

test('B7 INIT-REBOOT with the wrong address of a known client: NAK', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.15', mac: A }).type, 'NAK');
});

test('B7 INIT-REBOOT of an unknown client: silence, so that its own server can answer', () => {
  const bed = new Bed();
  assert.deepEqual(bed.say({ type: 'REQUEST', requested: '192.0.2.15' }), []);
  assert.equal(bed.dropped(), 'noRecord');
  assert.deepEqual(bed.say({ type: 'REQUEST', requested: '192.0.2.200' }), []);
  assert.equal(bed.dropped(), 'noRecord');
});

test('B7 an authoritative server gives an unknown client what is free, and refuses the rest', () => {
  const bed = new Bed({ authoritative: true });
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.15', mac: A }).type, 'ACK');
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.200', mac: B }).type, 'NAK');
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.15', mac: B }).type, 'NAK');
});

test('B7 the address of another client: NAK in every state', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  assert.equal(bed.ask({ type: 'REQUEST', requested: '192.0.2.10', mac: B }).type, 'NAK');
  assert.equal(bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10', mac: B }).type, 'NAK');
  const selecting = { type: 'REQUEST', requested: '192.0.2.10', server: SERVER, mac: B } as const;
  assert.equal(bed.ask(selecting).type, 'NAK');
});

test('B8 taking another server’s offer declines ours: the address is free again', () => {
  const bed = new Bed({
    subnets: [{ ...SUBNET, pools: [{ start: '192.0.2.10', end: '192.0.2.10' }] }],
  });
  bed.ask({ type: 'DISCOVER', mac: A });
  assert.deepEqual(bed.say({ type: 'DISCOVER', mac: B }), []);
  assert.equal(bed.dropped(), 'exhausted');
  assert.deepEqual(
    bed.say({ type: 'REQUEST', mac: A, requested: '192.0.2.99', server: '192.0.2.2' }),
    [],
  );
  assert.equal(bed.dropped(), 'otherServer');
  assert.equal(bed.ask({ type: 'DISCOVER', mac: B }).yiaddr, '192.0.2.10');
});

test('B9 first the address that the client has', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  assert.equal(bed.ask({ mac: A, requested: '192.0.2.15' }).yiaddr, '192.0.2.10');
});

test('B9 then the address that it had, after expiry and after release', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  bed.lease({ mac: B });
  bed.say({ type: 'RELEASE', mac: B, ciaddr: '192.0.2.11', server: SERVER });
  bed.pass(3_600_001);
  assert.equal(bed.stateOf('192.0.2.10'), 'expired');
  assert.equal(bed.stateOf('192.0.2.11'), 'released');
  assert.equal(bed.ask({ mac: B, requested: '192.0.2.15' }).yiaddr, '192.0.2.11');
  assert.equal(bed.ask({ mac: A, requested: '192.0.2.15' }).yiaddr, '192.0.2.10');
});

test('B9 then the address that it asks for, if that is free', () => {
  const bed = new Bed();
  assert.equal(bed.ask({ mac: A, requested: '192.0.2.15' }).yiaddr, '192.0.2.15');
  assert.equal(bed.ask({ mac: B, requested: '192.0.2.15' }).yiaddr, '192.0.2.10');
});

test('B9 an address that is asked for outside the pools is not given', () => {
  const bed = new Bed();
  assert.equal(bed.ask({ requested: '192.0.2.99' }).yiaddr, '192.0.2.10');
});

test('B9 an outstanding offer is not made to another client, and is made again to its own', () => {
  const bed = new Bed();
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.10');
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.11');
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.10');
});

test('B9 an offer that nobody takes runs out', () => {
  const bed = new Bed({
    subnets: [{ ...SUBNET, pools: [{ start: '192.0.2.10', end: '192.0.2.10' }] }],
  });
  bed.ask({ mac: A });
  bed.pass(59_999);
  assert.deepEqual(bed.say({ mac: B, requested: '192.0.2.15', type: 'REQUEST' }), []);
  bed.pass(2);
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.10');
});

test('B10 the client identifier tells clients apart, whatever the hardware address', () => {
  const bed = new Bed({ identity: 'ClientId' });
  const one = bed.lease({ mac: A, clientId: Uint8Array.of(0, 1) });
  const two = bed.lease({ mac: A, clientId: Uint8Array.of(0, 2) });
  assert.notEqual(one, two);
  assert.equal(bed.lease({ mac: B, clientId: Uint8Array.of(0, 1) }), one);
  assert.notEqual(bed.lease({ mac: A }), one);
});

test('B10 an identifier that is sent in some messages only does not lead to a NAK', () => {
  const bed = new Bed();
  const address = bed.lease({ mac: A, clientId: Uint8Array.of(1, 2, 0, 0, 0, 0, 10) });
  assert.equal(bed.ask({ type: 'REQUEST', ciaddr: address, mac: A }).type, 'ACK');
  assert.equal(bed.ask({ type: 'REQUEST', requested: address, mac: A }).type, 'ACK');
});

test('B10 with identity HardwareAddress identifiers make no difference', () => {
  const bed = new Bed({ identity: 'HardwareAddress' });
  const one = bed.lease({ mac: A, clientId: Uint8Array.of(0, 1) });
  assert.equal(bed.lease({ mac: A, clientId: Uint8Array.of(0, 2) }), one);
  assert.equal(bed.lease({ mac: A }), one);
});

test('B11 the client gets what it asks for and the server has, each once, in its order', () => {
  const bed = new Bed();
  const offer = bed.ask({ ask: [6, 42, 3, 6, 28] });
  assert.deepEqual(
    offer.message.options.map(({ code }) => code),
    [53, 54, 51, 58, 59, 1, 6, 3, 28],
  );
});

test('B11 a client that asks for nothing in particular gets all there is', () => {
  const bed = new Bed();
  const codes = bed.ask({}).message.options.map(({ code }) => code);
  assert.deepEqual(codes, [53, 54, 51, 58, 59, 1, 3, 6, 28]);
});

test('B12 a declined address is out of use for its time, and the administrator is told', () => {
  const bed = new Bed({ declineQuarantine: '10m' });
  const address = bed.lease({ mac: A });
  bed.told.length = 0;
  assert.deepEqual(bed.say({ type: 'DECLINE', mac: A, requested: address, server: SERVER }), []);
  assert.deepEqual(bed.told, [`declined ${address}`, `declined ${address}`]);
  assert.equal(bed.stateOf(address), 'declined');
  assert.notEqual(bed.lease({ mac: A }), address);
  bed.pass(600_001);
  assert.equal(bed.stateOf(address), 'expired');
});

test('B12 nobody but its client can decline or release an address', () => {
  const bed = new Bed();
  const address = bed.lease({ mac: A });
  bed.say({ type: 'DECLINE', mac: B, requested: address, server: SERVER });
  assert.equal(bed.dropped(), 'notHolder');
  bed.say({ type: 'RELEASE', mac: B, ciaddr: address, server: SERVER });
  assert.equal(bed.dropped(), 'notHolder');
  bed.say({ type: 'RELEASE', mac: A, ciaddr: address, server: '192.0.2.2' });
  assert.equal(bed.dropped(), 'notSelected');
  assert.equal(bed.stateOf(address), 'bound');
});

test('B12 a released address is kept for its client as long as there are others', () => {
  const bed = new Bed({
    subnets: [{ ...SUBNET, pools: [{ start: '192.0.2.10', end: '192.0.2.12' }] }],
  });
  const address = bed.lease({ mac: A });
  bed.say({ type: 'RELEASE', mac: A, ciaddr: address, server: SERVER });
  assert.equal(bed.lease({ mac: B }), '192.0.2.11');
  assert.equal(bed.lease({ mac: '02:00:00:00:00:0c' }), '192.0.2.12');
  assert.equal(bed.lease({ mac: '02:00:00:00:00:0d' }), address);
});

test('B14 T1 is half of the lease and T2 seven eighths', () => {
  const offer = new Bed().ask({});
  assert.equal(offer.option(OPTION.leaseTime), '1h');
  assert.equal(offer.option(OPTION.renewalTime), '30m');
  assert.equal(offer.option(OPTION.rebindingTime), '52m30s');
});

// Lease times: [spec, asked for, given]
for (const [name, spec, asked, given] of [
  ['nothing asked: the default', {}, undefined, '1h'],
  ['less asked: less', {}, 600, '10m'],
  ['more asked: the default is the most, unless told otherwise', {}, 7200, '1h'],
  ['more asked: up to the maximum', { maxLeaseTime: '90m' }, 7200, '1h30m'],
  ['less asked: no less than a minute', {}, 5, '1m'],
  ['less asked: no less than the minimum', { minLeaseTime: '20m' }, 600, '20m'],
  ['for ever asked: the maximum', {}, 0xffffffff, '1h'],
] as const) {
  test(`§4.3.1 lease time: ${name}`, () => {
    const bed = new Bed(spec);
    const offer = bed.ask(asked === undefined ? {} : { leaseTime: asked });
    assert.equal(offer.option(OPTION.leaseTime), given);
  });
}

test('B15 options that do not fit go to file and sname, whole, each field ended by END', () => {
  const long = (n: number): string => 'x'.repeat(n);
  const bed = new Bed({
    options: { domainName: long(200), rootPath: long(100), nisDomain: long(50) },
  });
  const offer = bed.ask({ ask: [15, 17, 40] });
  const { bytes } = offer;
  assert.equal(offer.option(15), `"${long(200)}"`);
  assert.equal(offer.option(17), `"${long(100)}"`);
  assert.equal(offer.option(40), `"${long(50)}"`);
  assert.ok(bytes.length <= 548);
});

test('B15 what does not fit anywhere is left out, the last of what was asked for', () => {
  const bed = new Bed({
    options: {
      domainName: 'a'.repeat(250),
      rootPath: 'b'.repeat(120),
      nisDomain: 'c'.repeat(120),
      ntpServers: ['192.0.2.123'],
    },
  });
  const offer = bed.ask({ ask: [15, 17, 40, 42] });
  assert.notEqual(offer.option(17), null);
  assert.equal(offer.option(40), null);
  assert.equal(offer.option(42), '192.0.2.123');
  assert.notEqual(bed.ask({ ask: [15, 17, 40, 42], maxSize: 1500 }).option(40), null);
});

test('B16 any of our addresses is accepted as server identifier', () => {
  const bed = new Bed();
  const offer = bed.ask({});
  assert.equal(offer.option(OPTION.serverIdentifier), SERVER);
  assert.equal(bed.ask({ ...taking(offer, {}), server: '198.51.100.1' }).type, 'ACK');
});

test('B16 a configured identifier is what clients are told and may use', () => {
  const bed = new Bed({ serverIdentifier: '192.0.2.250' });
  const offer = bed.ask({});
  assert.equal(offer.option(OPTION.serverIdentifier), '192.0.2.250');
  assert.equal(bed.ask(taking(offer, {})).type, 'ACK');
});

test('B17 no reply is shorter than 300 octets', () => {
  const bed = new Bed({ subnets: [{ ...SUBNET, options: {} }] });
  assert.equal(bed.ask({ ask: [] }).bytes.length, 300);
  assert.equal(bed.ask({ type: 'REQUEST', requested: '203.0.113.9' }).bytes.length, 300);
});

test('B17 option 57 is respected, and nothing below 576 octets believed', () => {
  const options = {
    domainName: 'a'.repeat(250),
    rootPath: 'b'.repeat(250),
    nisDomain: 'c'.repeat(250),
  };
  const bed = new Bed({ options });
  const ask = [15, 17, 40];
  assert.ok(bed.ask({ ask }).bytes.length <= 548);
  assert.ok(bed.ask({ ask, maxSize: 100 }).bytes.length <= 548);
  const large = bed.ask({ ask, maxSize: 1400 });
  assert.ok(large.bytes.length > 750 && large.bytes.length <= 1372);
});

test('B18 and B19 hops and secs mean nothing to a server', () => {
  const bed = new Bed(RELAYED);
  assert.equal(bed.ask({ ...VIA, hops: 255, secs: 65535 }).type, 'OFFER');
});

test('§4.3.2 a renewal extends the lease and keeps its start', () => {
  const bed = new Bed();
  bed.lease();
  bed.pass(1_800_000);
  bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10' });
  const lease = bed.leases.get(0xc000020a as never)!;
  assert.equal(lease.starts, 1_000_000);
  assert.equal(lease.expires, bed.now + 3_600_000);
});

test('§4.3.2 what a client was told once holds, also when a shorter time is granted later: it may never hear of that', () => {
  const bed = new Bed();
  bed.lease();
  const ends = bed.now + 3_600_000;
  bed.pass(60_000);
  bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10', leaseTime: 120 });
  const lease = bed.leases.get(0xc000020a as never)!;
  assert.equal(lease.leaseSeconds, 120);
  assert.equal(lease.expires, ends);
});

test('§4.3.2 an offer survives a restart: the client that took it gets its address', () => {
  const bed = new Bed();
  const offer = bed.ask({ mac: A });
  const restarted = new Bed({}, { leases: bed.leases });
  assert.equal(restarted.ask(taking(offer, { mac: A })).type, 'ACK');
});

test('§4.3.1 durable before visible: no ACK before its lease is on disk, and no OFFER has to wait', () => {
  const bed = new Bed();
  bed.holdBack = true;
  const offer = bed.ask({ mac: A });
  assert.deepEqual(bed.say(taking(offer, { mac: A })), []);
  assert.equal(bed.ask({ mac: B }).type, 'OFFER');
  const [ack] = bed.becomeDurable();
  assert.equal(ack!.type, 'ACK');
  assert.equal(ack!.yiaddr, offer.yiaddr);
});

test('a message on an interface that is not served gets no answer', () => {
  const bed = new Bed();
  assert.deepEqual(bed.say({ ifindex: ETH1 }), []);
  assert.equal(bed.dropped(), 'notServed');
});

test('what is routed through this node is none of our business', () => {
  const bed = new Bed();
  assert.deepEqual(bed.say({ type: 'REQUEST', ciaddr: '192.0.2.10', to: '192.0.2.2' }), []);
  assert.equal(bed.dropped(), 'notForUs');
});

// [where the relay of this node heard the client, how it says so, what becomes of it]
for (const [name, say, dropped] of [
  ['on our own link', { giaddr: SERVER }, 'heardTwice'],
  ['on our own link, by another giaddr', { giaddr: '198.51.100.1', place: SERVER }, 'heardTwice'],
  ['on a link that we do not serve', { giaddr: '198.51.100.1' }, null],
] as const) {
  test(`a client is answered once although a relay on this node hears it ${name}: ${dropped}`, () => {
    const other = { cidr: '198.51.100.0/24', pools: [{ cidr: '198.51.100.128/25' }] };
    const bed = new Bed({ subnets: [SUBNET, other] });
    const relay =
      'place' in say ? { relay: Uint8Array.of(5, 4, ...say.place.split('.').map(Number)) } : {};
    const heard = bed.say({ giaddr: say.giaddr, from: say.giaddr, ...relay });
    assert.equal(heard.length, dropped === null ? 1 : 0);
    assert.equal(bed.dropped(), dropped);
  });
}

test('a relay on the same node may ask from an address of this node', () => {
  const bed = new Bed(RELAYED);
  assert.equal(bed.ask({ ...VIA, from: SERVER }).type, 'OFFER');
});

test('a link without an address can answer with a configured identifier only', () => {
  const links = [{ ...link(ETH0, 'eth0', SERVER), addresses: [] }];
  const subnets = [{ ...SUBNET, selectors: [{ interface: 'eth0' }] }];
  const bed = new Bed({ subnets }, { links });
  assert.deepEqual(bed.say({}), []);
  assert.equal(bed.dropped(), 'noServerAddress');
  const other = new Bed({ subnets, serverIdentifier: '192.0.2.250' }, { links });
  assert.equal(other.ask({}).from, '192.0.2.250:67');
});
