import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIpv4 } from '../../codec/ipv4.ts';
import {
  HEADERS_LENGTH,
  UDP_AT,
  writeHeaders,
  writePartialHeaders,
} from '../../codec/link/datagram.ts';
import {
  ENTRY,
  NO_VLAN,
  PACKET_TYPE,
  type PacketSocket,
  SLOT,
  STATUS,
  type SystemError,
} from './packet.ts';
import {
  Catcher,
  type EntryFields,
  EXPERIMENTAL,
  entriesOf,
  errorsOf,
  Flood,
  filter,
  NOTHING,
  networkTest,
  TO_ALL,
} from './testnet.ts';

const { ENETDOWN, ENXIO, EMSGSIZE, EAGAIN } = constants.errno;

const TO_FAR = { HARDWARE_LENGTH: 6, HARDWARE_HIGH: 0x02000000, HARDWARE_LOW: 0x00020000 };

/** Writes texts one behind the other into the scratch area and gives an entry for each. */
function put(socket: PacketSocket, texts: readonly string[], fields: EntryFields): EntryFields[] {
  let at = socket.scratchAt;
  return texts.map((text) => {
    const length = socket.ring.write(text, at);
    at += length;
    return { HEAD_AT: at - length, HEAD_LENGTH: length, PROTOCOL: EXPERIMENTAL, ...fields };
  });
}

function textsOf(catcher: Catcher): string[] {
  return catcher.caught.map(({ bytes }) => bytes.toString());
}

/** Until onBatch has returned: only then are the slots of its batch free again. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

networkTest('packets arrive in order, in batches, and slots are used again', async (net) => {
  const out = net.sender();
  const into = net.catcher({ slots: 32, batch: 12 });
  const texts = Array.from({ length: 200 }, (_, i) => `packet ${i}`);
  for (let first = 0; first < 200; first += 32) {
    const some = texts.slice(first, first + 32);
    const entries = entriesOf(...put(out, some, { IFINDEX: net.near, ...TO_FAR }));
    assert.equal(out.send(entries, some.length), 0);
    await into.until(first + some.length);
    await turn();
  }
  assert.deepEqual(textsOf(into), texts);
  assert.deepEqual(into.batches, [...Array(6).fill([12, 12, 8]).flat(), 8]);
  assert.deepEqual(into.socket.statistics(), { received: 200, dropped: 0 });
});

networkTest('a batch may be as large as the ring', async (net) => {
  const out = net.sender();
  const into = net.catcher({ slots: 2, slotBytes: 2048, batch: 2 });
  const [packet] = put(out, ['x'], { IFINDEX: net.near, ...TO_FAR });
  const entries = entriesOf(packet!, packet!);
  for (let round = 1; round <= 5; round++) {
    out.send(entries, 2);
    await into.until(2 * round);
    await turn();
  }
  assert.deepEqual(into.batches, [2, 2, 2, 2, 2]);
});

networkTest('a slot tells where the packet came from and what it is', async (net) => {
  const out = net.sender();
  const into = net.catcher({ ifindex: 0 });
  const [one] = put(out, ['one'], { IFINDEX: net.near });
  out.send(entriesOf({ ...one, ...TO_FAR }, { ...one, ...TO_ALL }), 2);
  const [host, broadcast] = await into.until(2);
  const start = host!.meta[SLOT.START]!;
  assert.ok(start >= 64 && start <= 64 + 96, `packet at ${start}`);
  const expected = {
    [SLOT.START]: start,
    [SLOT.LENGTH]: 3,
    [SLOT.ORIGINAL_LENGTH]: 3,
    [SLOT.IFINDEX]: net.far,
    [SLOT.PACKET_TYPE]: PACKET_TYPE.HOST,
    [SLOT.STATUS]: 0,
    [SLOT.VLAN]: NO_VLAN,
    [SLOT.PROTOCOL]: EXPERIMENTAL,
    [SLOT.HARDWARE_TYPE]: 1,
    [SLOT.HARDWARE_LENGTH]: 6,
    [SLOT.HARDWARE_HIGH]: 0x02000000,
    [SLOT.HARDWARE_LOW]: 0x00010000,
    [SLOT.END]: 2048,
  };
  assert.deepEqual({ ...host!.meta }, expected);
  assert.equal(broadcast!.meta[SLOT.START], start + 2048);
  assert.equal(broadcast!.meta[SLOT.END], 4096);
  assert.equal(broadcast!.meta[SLOT.PACKET_TYPE], PACKET_TYPE.BROADCAST);
});

networkTest('a packet of a VLAN nobody here has is for another host', async (net) => {
  const out = net.sender({ cooked: false });
  const ofOneProtocol = net.catcher();
  const ofAll = net.catcher({ protocol: 3 });
  const at = out.scratchAt;
  // Destination, source, 802.1Q, priority 5 and VLAN 42, EtherType.
  const tagged = ['020000000002', '020000000001', '8100', 'a02a', '88b5'].join('');
  const length = out.ring.write(tagged, at, 'hex') + out.ring.write('tagged', at + 18);
  const entry = { HEAD_AT: at, HEAD_LENGTH: length, IFINDEX: net.near, PROTOCOL: 0x8100 };
  assert.equal(out.send(entriesOf(entry), 1), 0);
  for (const [catcher, vlan] of [
    [ofAll, (5 << 13) | 42],
    // The kernel clears the tag before it looks for those who want one protocol.
    [ofOneProtocol, NO_VLAN],
  ] as const) {
    const [packet] = await catcher.until(1);
    assert.equal(packet!.bytes.toString(), 'tagged');
    assert.equal(packet!.meta[SLOT.VLAN], vlan);
    assert.equal(packet!.meta[SLOT.PROTOCOL], EXPERIMENTAL);
  }
  assert.equal(ofOneProtocol.caught[0]!.meta[SLOT.PACKET_TYPE], PACKET_TYPE.OTHER_HOST);
});

networkTest('a packet too long for its slot is cut and says so', async (net) => {
  const out = net.sender();
  const into = net.catcher({ slots: 16, slotBytes: 256, headroom: 30, scratchBytes: 100 });
  assert.equal(into.socket.scratchAt, 4096);
  assert.equal(into.socket.ring.length, 4196);
  into.socket.ring.fill(0xee, into.socket.scratchAt);
  // What a slot has room for depends on the kernel: one finds out.
  const long = 'a'.repeat(200);
  out.send(entriesOf(...put(out, [long], { IFINDEX: net.near, ...TO_FAR })), 1);
  const [first] = await into.until(1);
  const room = first!.meta[SLOT.LENGTH]!;
  assert.ok(room >= 256 - 96 - 30 && room < 200, `${room} octets`);
  assert.equal(first!.meta[SLOT.START]! + room, first!.meta[SLOT.END]);
  const texts = ['b'.repeat(room), 'c'.repeat(room + 1)];
  out.send(entriesOf(...put(out, texts, { IFINDEX: net.near, ...TO_FAR })), 2);
  const [, fits, cut] = await into.until(3);
  const wanted = (meta: Uint32Array): number[] => [...meta.subarray(1, 3)];
  assert.deepEqual(wanted(first!.meta), [room, 200]);
  assert.deepEqual(wanted(fits!.meta), [room, room]);
  assert.deepEqual(wanted(cut!.meta), [room, room + 1]);
  assert.deepEqual(textsOf(into), ['a'.repeat(room), 'b'.repeat(room), 'c'.repeat(room)]);
  const scratch = into.socket.ring.subarray(into.socket.scratchAt);
  assert.ok(
    scratch.every((octet) => octet === 0xee),
    'the scratch area is untouched',
  );
});

networkTest('slots are rounded up to whole pages', (net) => {
  const { socket } = net.catcher({ slots: 3, slotBytes: 128, headroom: 0, scratchBytes: 5 });
  assert.equal(socket.scratchAt % 4096, 0);
  assert.ok(socket.scratchAt >= 4096);
  assert.equal(socket.ring.length, socket.scratchAt + 5);
  assert.equal(socket.slotMeta.length, 3 * SLOT.WORDS);
});

networkTest(
  'what a slot held stays readable after close, and is not received into',
  async (net) => {
    const out = net.sender();
    const { socket } = net.catcher({ onBatch: () => socket.close() });
    const entries = entriesOf(...put(out, ['x', 'y'], { IFINDEX: net.near, ...TO_FAR }));
    out.send(entries, 1);
    while (socket.statistics().received === 0) await delay(5);
    out.send(entries, 2);
    await delay(20);
    assert.ok(socket.ring.subarray(0, socket.scratchAt).every((octet) => octet === 0));
  },
);

networkTest(
  'two parts make one packet: a payload goes to several with headers of their own',
  async (net) => {
    const out = net.sender({ cooked: false });
    const into = net.catcher({ cooked: false });
    const payload = out.scratchAt;
    const length = out.ring.write('the same payload', payload);
    const destinations = ['ffffffffffff', '020000000002', '01005e000001'];
    const entries = destinations.map((destination, i) => {
      const header = payload + 100 + 14 * i;
      out.ring.write(`${destination}02000000000188b5`, header, 'hex');
      return {
        HEAD_AT: header,
        HEAD_LENGTH: 14,
        BODY_AT: payload,
        BODY_LENGTH: length,
        IFINDEX: net.near,
        PROTOCOL: EXPERIMENTAL,
      };
    });
    assert.equal(out.send(entriesOf(...entries), 3), 0);
    await into.until(3);
    assert.deepEqual(
      into.caught.map(({ bytes, meta }) => [
        bytes.toString('hex', 0, 14),
        bytes.toString('utf8', 14),
        meta[SLOT.PACKET_TYPE],
      ]),
      [
        ['ffffffffffff02000000000188b5', 'the same payload', PACKET_TYPE.BROADCAST],
        ['02000000000202000000000188b5', 'the same payload', PACKET_TYPE.HOST],
        ['01005e00000102000000000188b5', 'the same payload', PACKET_TYPE.MULTICAST],
      ],
    );
  },
);

networkTest('a packet is sent from where it was received', async (net) => {
  const out = net.sender();
  const back = net.catcher({ ifindex: net.near });
  const { socket: echo } = net.catcher({
    onBatch: (count) => {
      const meta = echo.slotMeta;
      const answers = Array.from({ length: count }, (_, i): EntryFields => {
        const at = i * SLOT.WORDS;
        // In place, and with a header of three octets in the headroom.
        const start = meta[at + SLOT.START]! - echo.ring.write('re:', meta[at + SLOT.START]! - 3);
        return {
          HEAD_AT: start,
          HEAD_LENGTH: meta[at + SLOT.LENGTH]! + 3,
          IFINDEX: meta[at + SLOT.IFINDEX]!,
          PROTOCOL: meta[at + SLOT.PROTOCOL]!,
          HARDWARE_LENGTH: meta[at + SLOT.HARDWARE_LENGTH]!,
          HARDWARE_HIGH: meta[at + SLOT.HARDWARE_HIGH]!,
          HARDWARE_LOW: meta[at + SLOT.HARDWARE_LOW]!,
        };
      });
      assert.equal(echo.send(entriesOf(...answers), count), 0);
    },
  });
  out.send(entriesOf(...put(out, ['ping', 'pong'], { IFINDEX: net.near, ...TO_FAR })), 2);
  await back.until(2);
  assert.deepEqual(textsOf(back), ['re:ping', 're:pong']);
  for (const { meta } of back.caught) assert.equal(meta[SLOT.PACKET_TYPE], PACKET_TYPE.HOST);
});

networkTest('an entry that fails says why and the others go', async (net) => {
  net.ip('link add idle type veth peer asleep');
  const out = net.sender({ scratchBytes: 1 << 17 });
  const into = net.catcher();
  const texts = ['first', 'second', 'third', 'fourth', 'fifth'];
  const good = put(out, texts, { IFINDEX: net.near, ...TO_FAR });
  const entries = entriesOf(
    good[0]!,
    { ...good[1], IFINDEX: 4242 },
    { ...good[2], IFINDEX: net.ifindex('idle') },
    { ...good[3], HEAD_LENGTH: 1501 },
    good[4]!,
  );
  entries[ENTRY.ERROR] = 77;
  const failures = out.send(entries, 5);
  assert.deepEqual(errorsOf(entries), [0, ENXIO, ENETDOWN, EMSGSIZE, 0]);
  assert.equal(failures, 3);
  await into.until(2);
  assert.deepEqual(textsOf(into), ['first', 'fifth']);
});

networkTest(
  'a send buffer that is full fails the rest with EAGAIN and tries them once',
  async (net) => {
    // A queue that lets one packet a second through holds on to what was sent.
    net.exec(...'tc qdisc add dev near root tbf rate 8kbit burst 1540 limit 10mb'.split(' '));
    const out = net.sender();
    const [packet] = put(out, ['x'.repeat(1400)], { IFINDEX: net.near, ...TO_FAR });
    const entries = entriesOf(...Array.from({ length: 400 }, () => packet!));
    const failures = out.send(entries, 400);
    const errors = errorsOf(entries);
    assert.ok(failures > 0 && failures < 400, `${failures} of 400 failed`);
    assert.deepEqual(new Set(errors.slice(0, 400 - failures)), new Set([0]));
    assert.deepEqual(new Set(errors.slice(400 - failures)), new Set([EAGAIN]));
  },
);

networkTest('the filter is in force before the first packet', async (net) => {
  const noise = await Flood.start(net);
  try {
    for (let round = 0; round < 20; round++) {
      const into = net.catcher({ filter: NOTHING });
      await delay(5);
      assert.deepEqual(into.socket.statistics(), { received: 0, dropped: 0 });
      assert.deepEqual(into.caught, []);
      into.socket.close();
    }
    const all = net.catcher();
    await all.until(1);
    all.socket.close();
  } finally {
    await noise.stop();
  }
});

networkTest('the filter sees a cooked packet from its network header on', async (net) => {
  const out = net.sender();
  // ldb [0]; jeq 'y'; ret all or nothing
  const onlyY = filter([0x30, 0, 0, 0], [0x15, 0, 1, 0x79], [0x06, 0, 0, 262144], [0x06, 0, 0, 0]);
  const into = net.catcher({ filter: onlyY });
  out.send(
    entriesOf(...put(out, ['no', 'yes', 'nay', 'yea'], { IFINDEX: net.near, ...TO_FAR })),
    4,
  );
  await into.until(2);
  assert.deepEqual(textsOf(into), ['yes', 'yea']);
  assert.equal(into.socket.statistics().received, 2);
});

networkTest('a checksum left to hardware is told from one that is ready', async (net) => {
  net.ip('address add 192.0.2.1/24 dev near');
  net.ip('neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near');
  const into = net.catcher({ protocol: 0x0800 });
  for (const offload of ['on', 'off']) {
    net.exec('ethtool', '-K', 'near', 'tx', offload);
    net.exec('bash', '-c', `echo -n ${offload} > /dev/udp/192.0.2.2/67`);
  }
  const [left, ready] = await into.until(2);
  assert.equal(left!.bytes.toString('utf8', 28), 'on');
  assert.equal(left!.meta[SLOT.STATUS]! & STATUS.CHECKSUM_NOT_READY, STATUS.CHECKSUM_NOT_READY);
  assert.equal(ready!.bytes.toString('utf8', 28), 'off');
  assert.equal(ready!.meta[SLOT.STATUS]! & STATUS.CHECKSUM_NOT_READY, 0);
});

/** UDP from 192.0.2.1 to 192.0.2.2, in the scratch area. */
function putUdp(socket: PacketSocket, at: number, payload: string, ifindex: number): EntryFields {
  const ends = [parseIpv4('192.0.2.1')!, 67, parseIpv4('192.0.2.2')!, 68] as const;
  const body = at + HEADERS_LENGTH;
  const length = socket.ring.write(payload, body);
  writeHeaders(socket.ring, at, ...ends, body, body + length);
  return {
    HEAD_AT: at,
    HEAD_LENGTH: HEADERS_LENGTH,
    BODY_AT: body,
    BODY_LENGTH: length,
    IFINDEX: ifindex,
    PROTOCOL: 0x0800,
    ...TO_FAR,
  };
}

const UDP_CHECKSUMS: readonly (readonly [string, (packet: Buffer) => void, vouched: boolean])[] = [
  ['a checksum that is right', () => {}, true],
  ['one octet that is wrong', (packet) => packet.writeUInt8(packet.at(-1)! ^ 1, 42), false],
  ['another source', (packet) => packet.writeUInt8(9, 15), false],
  ['no checksum at all (RFC 768)', (packet) => packet.writeUInt16BE(0, 26), false],
  ['a fragment', (packet) => packet.writeUInt16BE(0x2000, 6), false],
  ['another protocol', (packet) => packet.writeUInt8(6, 9), false],
  ['IPv6', (packet) => packet.writeUInt8(0x65, 0), false],
  ['a header longer than the packet', (packet) => packet.writeUInt8(0x4f, 0), false],
  ['a UDP length that is less than its header', (packet) => packet.writeUInt16BE(7, 24), false],
  ['a UDP length beyond the packet', (packet) => packet.writeUInt16BE(24, 24), false],
  ['a total length beyond the packet', (packet) => packet.writeUInt16BE(44, 2), false],
];

networkTest('a UDP checksum that is right is vouched for, and no other', async (net) => {
  const out = net.sender();
  const into = net.catcher({ protocol: 0x0800 });
  const entries = UDP_CHECKSUMS.map(([, spoil], i) => {
    const at = out.scratchAt + 64 * i;
    const entry = putUdp(out, at, 'an odd payload.', net.near);
    spoil(out.ring.subarray(at, at + 43));
    return entry;
  });
  // Octets behind the datagram, such as an Ethernet pad, are no part of it.
  entries[0]!.BODY_LENGTH! += 3;
  assert.equal(out.send(entriesOf(...entries), entries.length), 0);
  const caught = await into.until(entries.length);
  assert.deepEqual(
    caught.map(({ meta }, i) => [
      UDP_CHECKSUMS[i]![0],
      meta[SLOT.STATUS] === STATUS.CHECKSUM_VALID,
    ]),
    UDP_CHECKSUMS.map(([name, , vouched]) => [name, vouched]),
  );
  const frames = net.catcher({ protocol: 0x0800, cooked: false });
  out.send(entriesOf(entries[0]!), 1);
  const [frame] = await frames.until(1);
  assert.equal(frame!.meta[SLOT.STATUS], 0, 'whole frames are not looked into');
});

networkTest('a checksum left to the sender is completed on sending', async (net) => {
  const out = net.sender();
  const into = net.catcher({ protocol: 0x0800 });
  const payloads = Array.from({ length: 70 }, (_, length) => 'payload '.repeat(9).slice(0, length));
  const whole = payloads.map((payload, i) =>
    putUdp(out, out.scratchAt + 256 * i, payload, net.near),
  );
  out.send(entriesOf(...whole), whole.length);
  const wanted = (await into.until(70)).map(({ bytes }) => bytes.toString('hex'));
  const ends = [parseIpv4('192.0.2.1')!, 67, parseIpv4('192.0.2.2')!, 68] as const;
  for (const { HEAD_AT, BODY_LENGTH } of whole) {
    writePartialHeaders(out.ring, HEAD_AT!, ...ends, BODY_LENGTH!);
  }
  out.send(entriesOf(...whole.map((entry) => ({ ...entry, CHECKSUM_START: UDP_AT }))), 70);
  const completed = (await into.until(140)).slice(70);
  assert.deepEqual(
    completed.map(({ bytes }) => bytes.toString('hex')),
    wanted,
  );
});

networkTest('a checksum that comes out as zero is sent as all ones (RFC 768)', async (net) => {
  const out = net.sender();
  const into = net.catcher({ protocol: 0x0800 });
  const at = out.scratchAt;
  const entry = putUdp(out, at, '\0\0', net.near);
  const ends = [parseIpv4('192.0.2.1')!, 67, parseIpv4('192.0.2.2')!, 68] as const;
  out.ring.copy(out.ring, at + HEADERS_LENGTH, at + UDP_AT + 6, at + UDP_AT + 8);
  writePartialHeaders(out.ring, at, ...ends, 2);
  out.send(entriesOf({ ...entry, CHECKSUM_START: UDP_AT }), 1);
  const [caught] = await into.until(1);
  assert.equal(caught!.bytes.readUInt16BE(UDP_AT + 6), 0xffff);
  assert.equal(caught!.meta[SLOT.STATUS], STATUS.CHECKSUM_VALID);
});

networkTest('packets the kernel had no room for are counted', async (net) => {
  const out = net.sender();
  const into = net.catcher({ slots: 16 });
  const [packet] = put(out, ['x'.repeat(500)], { IFINDEX: net.near, ...TO_FAR });
  out.send(entriesOf(...Array.from({ length: 300 }, () => packet!)), 300);
  await into.until(1);
  await turn();
  const first = into.socket.statistics();
  assert.ok(first.dropped > 250, `${first.dropped} dropped`);
  assert.equal(first.received + first.dropped, 300);
  out.send(entriesOf(packet!), 1);
  await into.until(first.received + 1);
  const last = into.socket.statistics();
  assert.deepEqual(
    last,
    { received: first.received + 1, dropped: first.dropped },
    'totals, also when closed',
  );
});

networkTest('opening in another namespace leaves this process where it is', async (net) => {
  const home = readlinkSync('/proc/thread-self/ns/net');
  net.catcher();
  assert.equal(readlinkSync('/proc/thread-self/ns/net'), home);
  assert.throws(
    () => new Catcher({ ifindex: 1_000_000 + net.far }),
    (error: SystemError) =>
      error.code === 'ENODEV' &&
      error.operation === `bind packet socket on ifindex ${1_000_000 + net.far}` &&
      /no such interface/.test(error.message),
  );
  for (const [path, code] of [
    ['/run/netns/there-is-none', 'ENOENT'],
    ['/proc/self/ns/uts', 'EINVAL'],
    ['/dev/null', 'EINVAL'],
  ] as const) {
    assert.throws(() => new Catcher({ netns: path }), { code });
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home);
  }
});

networkTest(
  'an interface that goes down is reported, and the socket goes on when it is back',
  async (net) => {
    const errors: number[] = [];
    const out = net.sender();
    const into = net.catcher({
      onError: (errno) => errors.push(errno),
    });
    for (let round = 1; round <= 3; round++) {
      net.ip('link set far down');
      while (errors.length < round) await delay(5);
      assert.deepEqual(errors, Array(round).fill(ENETDOWN));
      net.ip('link set far up');
      // Packets are lost until both ends have noticed that the cable is whole again.
      const before = into.caught.length;
      while (into.caught.length === before) {
        out.send(entriesOf(...put(out, ['back'], { IFINDEX: net.near, ...TO_FAR })), 1);
        await delay(20);
      }
    }
    net.ip('link delete near');
    while (errors.length < 4) await delay(5);
    await delay(20);
    assert.equal(errors.length, 4);
  },
);

networkTest('close inside onBatch is the last of it', async (net) => {
  const out = net.sender();
  let batches = 0;
  const { socket: into } = net.catcher({
    batch: 2,
    onBatch: () => {
      batches++;
      into.close();
      into.close();
    },
  });
  const entries = put(out, Array(50).fill('x'), { IFINDEX: net.near, ...TO_FAR });
  out.send(entriesOf(...entries), 50);
  await delay(50);
  assert.equal(batches, 1);
  assert.equal(into.statistics().received, 50);
  assert.throws(() => into.send(entriesOf(entries[0]!), 1), {
    code: 'EBADF',
    message: /it is closed/,
  });
  into.close();
});

networkTest('close does not wait, and gives the descriptor back', async (net) => {
  const before = openDescriptors();
  const sockets = Array.from({ length: 20 }, () => net.catcher({}).socket);
  assert.ok(openDescriptors() >= before + 20);
  const start = performance.now();
  for (const socket of sockets) socket.close();
  const spent = performance.now() - start;
  // 20 closes waiting for synchronize_net would take 160 ms at the very least.
  assert.ok(spent < 150, `${spent} ms`);
  while (openDescriptors() > before) await delay(5);
});

networkTest('timers have their turn while packets flood in', async (net) => {
  const noise = await Flood.start(net);
  const into = net.catcher({ batch: 8 });
  await into.until(1);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  await delay(200);
  clearInterval(ticking);
  await noise.stop();
  assert.ok(ticks > 20, `${ticks} ticks in 200 ms`);
});
