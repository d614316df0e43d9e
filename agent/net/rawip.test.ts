import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import {
  HEADERS_LENGTH,
  UDP_AT,
  writeHeaders,
  writePartialHeaders,
} from '../../codec/link/datagram.ts';
import { holdPort, RawIpSocket } from './rawip.ts';
import { entriesOf, errorsOf, networkTest, type TestNet } from './testnet.ts';

const { EINVAL, ENETUNREACH } = constants.errno;
const IPV4 = 0x0800;

function ip(text: string): Ipv4 {
  return parseIpv4(text)!;
}

/** near has 192.0.2.1/24 and knows 192.0.2.2 to be at far's hardware address. */
function addressed(net: TestNet): void {
  net.ip('address add 192.0.2.1/24 broadcast 192.0.2.255 dev near');
  net.ip('neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near');
}

/** An IPv4 packet of protocol UDP, though without a UDP header: the kernel does not look. */
function packet(source: string, destination: string, text: string): Buffer {
  const bytes = Buffer.alloc(20 + text.length);
  bytes.set([0x45, 0, 0, 0, 0, 1, 0, 0, 9, 17]);
  bytes.writeUInt32BE(ip(source), 12);
  bytes.writeUInt32BE(ip(destination), 16);
  bytes.write(text, 20);
  return bytes;
}

networkTest('the source is whatever the header says', async (net) => {
  addressed(net);
  const into = net.catcher({ protocol: IPV4 });
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  const head = packet('198.51.100.7', '192.0.2.2', '');
  const arena = Buffer.concat([head, Buffer.from('from afar')]);
  const entry = {
    HEAD_LENGTH: 20,
    BODY_AT: 20,
    BODY_LENGTH: 9,
    DESTINATION: ip('192.0.2.2'),
  };
  assert.equal(socket.send(arena, entriesOf(entry), 1), 0);
  const [caught] = await into.until(1);
  const { bytes } = caught!;
  assert.equal(bytes.readUInt32BE(12), ip('198.51.100.7'));
  assert.equal(bytes.readUInt32BE(16), ip('192.0.2.2'));
  assert.equal(bytes.readUInt16BE(2), 29, 'length, by the kernel');
  assert.notEqual(bytes.readUInt16BE(10), 0, 'checksum, by the kernel');
  assert.equal(bytes.toString('utf8', 20), 'from afar');
});

networkTest('what leaves is what the codec wrote, but for the identification', async (net) => {
  addressed(net);
  const into = net.catcher({ protocol: IPV4 });
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  const payload = Buffer.from('octets of an odd number');
  const end = HEADERS_LENGTH + payload.length;
  const ends = [ip('198.51.100.7'), 67, ip('192.0.2.2'), 67] as const;
  const arena = Buffer.concat([Buffer.alloc(HEADERS_LENGTH), payload]);
  const wanted = Buffer.from(arena);
  writePartialHeaders(arena, 0, ...ends, payload.length);
  writeHeaders(wanted, 0, ...ends, HEADERS_LENGTH, end);
  const entry = {
    HEAD_LENGTH: HEADERS_LENGTH,
    BODY_AT: HEADERS_LENGTH,
    BODY_LENGTH: payload.length,
    DESTINATION: ip('192.0.2.2'),
    CHECKSUM_START: UDP_AT,
  };
  assert.equal(socket.send(arena, entriesOf(entry), 1), 0);
  const { bytes } = (await into.until(1))[0]!;
  const besides = (packet: Buffer): Buffer => {
    packet.fill(0, 4, 6);
    packet.fill(0, 10, 12);
    return packet;
  };
  assert.deepEqual(besides(Buffer.from(bytes)), besides(wanted));
});

networkTest('a packet larger than the link takes goes in fragments', async (net) => {
  addressed(net);
  const into = net.catcher({ protocol: IPV4 });
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  const arena = packet('192.0.2.1', '192.0.2.2', 'x'.repeat(2000));
  const entry = { HEAD_LENGTH: arena.length, DESTINATION: ip('192.0.2.2') };
  assert.equal(socket.send(arena, entriesOf(entry), 1), 0);
  const [first, second] = await into.until(2);
  assert.equal(first!.bytes.readUInt16BE(4), second!.bytes.readUInt16BE(4), 'identification');
  assert.deepEqual([first!.bytes.readUInt16BE(6), first!.bytes.length], [0x2000, 1500]);
  assert.deepEqual([second!.bytes.readUInt16BE(6), second!.bytes.length], [1480 / 8, 540]);
});

networkTest('it hears nothing of what the host receives', async (net) => {
  addressed(net);
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  net.exec('bash', '-c', 'for i in 1 2 3; do echo x > /dev/udp/192.0.2.1/67; done');
  const arena = packet('192.0.2.1', '192.0.2.1', 'to myself');
  const entry = { HEAD_LENGTH: arena.length, DESTINATION: ip('192.0.2.1') };
  assert.equal(socket.send(arena, entriesOf(entry), 1), 0);
  const [, line] = net.exec('cat', '/proc/net/raw').trim().split('\n');
  const fields = line!.trim().split(/ +/);
  assert.equal(fields[1], '01000000:0011', 'bound to 0.0.0.1, protocol UDP');
  assert.equal(fields.at(-1), '0', 'nothing came as far as the filter');
});

networkTest(
  'one destination that fails does not keep the others from being served',
  async (net) => {
    addressed(net);
    const into = net.catcher({ protocol: IPV4 });
    const socket = net.closing(RawIpSocket.open({ netns: net.path }));
    const one = packet('192.0.2.1', '192.0.2.2', 'one');
    const toMany = packet('224.0.0.1', '192.0.2.2', 'from a group');
    const away = packet('192.0.2.1', '203.0.113.1', 'away');
    const two = packet('192.0.2.1', '192.0.2.2', 'two');
    const packets = [one, toMany, away, two];
    const arena = Buffer.concat(packets);
    let at = 0;
    const entries = entriesOf(
      ...packets.map((bytes) => {
        at += bytes.length;
        return {
          HEAD_AT: at - bytes.length,
          HEAD_LENGTH: bytes.length,
          DESTINATION: bytes.readUInt32BE(16),
        };
      }),
    );
    assert.equal(socket.send(arena, entries, 4), 2);
    assert.deepEqual(errorsOf(entries), [0, EINVAL, ENETUNREACH, 0]);
    await into.until(2);
    assert.deepEqual(
      into.caught.map(({ bytes }) => bytes.toString('utf8', 20)),
      ['one', 'two'],
    );
  },
);

networkTest("a subnet's broadcast address may be a destination", async (net) => {
  addressed(net);
  const into = net.catcher({ protocol: IPV4 });
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  const arena = packet('192.0.2.1', '192.0.2.255', 'to all');
  const entry = { HEAD_LENGTH: arena.length, DESTINATION: ip('192.0.2.255') };
  const entries = entriesOf(entry);
  assert.equal(socket.send(arena, entries, 1), 0);
  await into.until(1);
});

networkTest('routes are those of the device it is bound to', async (net) => {
  addressed(net);
  net.ip('link add other type veth peer behind');
  net.ip('link set other up');
  net.ip('link set behind up');
  net.ip('address add 192.0.2.9/24 dev other');
  net.ip('neighbour add 192.0.2.2 lladdr 02:00:00:00:00:09 dev other');
  const into = net.catcher({ protocol: IPV4, ifindex: net.ifindex('behind') });
  const socket = net.closing(RawIpSocket.open({ netns: net.path, device: 'other' }));
  const arena = packet('192.0.2.1', '192.0.2.2', 'the other way');
  socket.send(arena, entriesOf({ HEAD_LENGTH: arena.length, DESTINATION: ip('192.0.2.2') }), 1);
  const [caught] = await into.until(1);
  assert.equal(caught!.bytes.toString('utf8', 20), 'the other way');
  assert.throws(() => RawIpSocket.open({ netns: net.path, device: 'nowhere' }), {
    code: 'ENODEV',
    operation: 'bind raw IP socket to device nowhere',
    message: /no such interface in this network namespace/,
  });
});

/** Sends a UDP datagram from far to 192.0.2.1:67 and counts the ICMP unreachables that come back. */
async function icmpFor(net: TestNet, text: string): Promise<number> {
  const replies = net.catcher({ protocol: IPV4 });
  const out = net.sender();
  // UDP from 192.0.2.2:68 to 192.0.2.1:67, its checksum not used.
  const bytes = packet(
    '192.0.2.2',
    '192.0.2.1',
    `\0D\0C\0${String.fromCharCode(8 + text.length)}\0\0${text}`,
  );
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(headerChecksum(bytes), 10);
  bytes.copy(out.ring, out.scratchAt);
  const entry = {
    HEAD_AT: out.scratchAt,
    HEAD_LENGTH: bytes.length,
    IFINDEX: net.far,
    PROTOCOL: IPV4,
    HARDWARE_LENGTH: 6,
    HARDWARE_HIGH: 0x02000000,
    HARDWARE_LOW: 0x00010000,
  };
  assert.equal(out.send(entriesOf(entry), 1), 0);
  const unreachable = (): number =>
    replies.caught.filter(({ bytes }) => bytes[9] === 1 && bytes[20] === 3).length;
  // An answer that is due may come late on a busy machine; for one that is not, some time has to pass.
  for (let waited = 0; waited < 300 && unreachable() === 0; waited += 10) await delay(10);
  replies.socket.close();
  return unreachable();
}

function headerChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += bytes.readUInt16BE(at);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

networkTest('a held port answers with no ICMP port unreachable', async (net) => {
  addressed(net);
  assert.equal(await icmpFor(net, 'not held'), 1);
  const port = holdPort(67, net.path);
  assert.equal(await icmpFor(net, 'held'), 0);
  // Nothing piles up in the socket either.
  assert.match(net.exec('ss', '-Hlun', 'sport = 67'), /^UNCONN\s+0\s+0\s+0\.0\.0\.0:67/);
  port.close();
  assert.equal(await icmpFor(net, 'released'), 1);
});

networkTest('a port that another has is left to it', (net) => {
  const first = net.closing(holdPort(67, net.path));
  assert.throws(() => holdPort(67, net.path), {
    code: 'EADDRINUSE',
    operation: 'hold UDP port 67',
    message: /another program has it/,
  });
  first.close();
  first.close();
  holdPort(67, net.path).close();
});
