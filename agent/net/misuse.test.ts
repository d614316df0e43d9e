// Misuse from JavaScript is an exception, never a crash: rows against the addon itself, beneath the
// checks of TypeScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Addon, addon, type Handle } from './addon.ts';
import { ENTRY, PacketSocket, type PacketSocketOptions } from './packet.ts';
import { RawIpSocket } from './rawip.ts';
import { EVERYTHING, EXPERIMENTAL, entriesOf, networkTest } from './testnet.ts';

const TYPE = 'ERR_INVALID_ARG_TYPE';
const RANGE = 'ERR_OUT_OF_RANGE';

// Every function of the addon as one that takes anything.
const native = addon() as unknown as Record<
  keyof Addon,
  (...values: readonly unknown[]) => unknown
>;

const NOT_HANDLES: readonly unknown[] = [
  undefined,
  null,
  0,
  'x',
  {},
  [],
  () => {},
  Symbol('x'),
  1n,
];

function detached<View extends Uint8Array | Uint32Array>(view: View): View {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

test('what is not a handle is refused by every function that takes one', () => {
  const entries = new Uint32Array(ENTRY.WORDS);
  for (const value of NOT_HANDLES) {
    for (const call of [
      () => native.sendPackets(value, entries, 0),
      () => native.packetStatistics(value),
      () => native.sendRawIp(value, Buffer.alloc(1), entries, 0),
      () => native.sendNetlink(value, Buffer.alloc(1)),
      () => native.close(value),
    ]) {
      assert.throws(call, { name: 'TypeError', code: TYPE, message: /^handle must be/ });
    }
  }
});

test('functions called with nothing at all refuse by name', () => {
  for (const [name, call] of Object.entries(native)) {
    if (typeof call !== 'function' || name === 'bootMillis') continue;
    if (name === 'openRawIp') continue; // nothing is a default for both of its arguments
    assert.throws(() => call(), { name: 'TypeError' }, name);
  }
});

const OPTIONS = {
  netns: undefined,
  ifindex: 0,
  protocol: EXPERIMENTAL,
  cooked: true,
  filter: EVERYTHING,
  slots: 2,
  slotBytes: 128,
  headroom: 16,
  batch: 2,
  scratchBytes: 256,
  onBatch: () => {},
};

const OPEN_MISUSES: readonly (readonly [string, object, code: string, RegExp])[] = [
  ['ifindex missing', { ifindex: undefined }, TYPE, /^ifindex must be a number$/],
  [
    'ifindex negative',
    { ifindex: -1 },
    RANGE,
    /^ifindex must be an integer from 0 to 2147483647, not -1$/,
  ],
  ['ifindex beyond int', { ifindex: 2 ** 31 }, RANGE, /^ifindex/],
  ['protocol beyond 16 bits', { protocol: 65536 }, RANGE, /^protocol/],
  ['protocol a fraction', { protocol: 0.5 }, RANGE, /^protocol/],
  ['protocol not a number', { protocol: Number.NaN }, RANGE, /^protocol/],
  ['protocol as text', { protocol: '2048' }, TYPE, /^protocol/],
  ['cooked as number', { cooked: 1 }, TYPE, /^cooked must be a boolean$/],
  ['no slots', { slots: 0 }, RANGE, /^slots/],
  ['more slots than there may be', { slots: 65537 }, RANGE, /^slots/],
  ['slots of nothing', { slotBytes: 0 }, RANGE, /^slotBytes/],
  ['slots that are no power of two', { slotBytes: 384 }, RANGE, /^slotBytes must be a power/],
  ['slots without room', { slotBytes: 64, headroom: 0 }, RANGE, /^headroom must leave room/],
  ['headroom that fills the slot', { headroom: 112 }, RANGE, /^headroom must leave room/],
  ['no batch', { batch: 0 }, RANGE, /^batch/],
  ['a batch without end', { batch: 1025 }, RANGE, /^batch/],
  ['scratch negative', { scratchBytes: -1 }, RANGE, /^scratchBytes/],
  ['infinite scratch', { scratchBytes: Number.POSITIVE_INFINITY }, RANGE, /^scratchBytes/],
  ['filter empty', { filter: new Uint8Array(0) }, RANGE, /^filter must be/],
  ['filter with half an instruction', { filter: new Uint8Array(12) }, RANGE, /^filter/],
  ['filter too long', { filter: new Uint8Array(4097 * 8) }, RANGE, /^filter/],
  ['filter as array', { filter: [6, 0, 0, 0, 0, 0, 0, 0] }, TYPE, /^filter/],
  ['no callback', { onBatch: undefined }, TYPE, /^onBatch must be a function$/],
  ['namespace as number', { netns: 7 }, TYPE, /^netns must be a string$/],
  [
    'namespace with NUL',
    { netns: '/run/netns/a\0b' },
    TYPE,
    /^netns must be a string without NUL$/,
  ],
  ['namespace too long', { netns: 'x'.repeat(4096) }, RANGE, /^netns must be shorter/],
];

for (const [name, wrong, code, message] of OPEN_MISUSES) {
  test(`openPacket refuses: ${name}`, () => {
    assert.throws(() => native.openPacket({ ...OPTIONS, ...wrong }), { code, message });
  });
}

test('openPacket hands on what a getter throws', () => {
  const options = {
    ...OPTIONS,
    get filter(): Buffer {
      throw new Error('from a getter');
    },
  };
  assert.throws(() => native.openPacket(options), /from a getter/);
});

test('PacketSocket names the option that makes no sense', () => {
  const options = { protocol: EXPERIMENTAL, cooked: true, filter: EVERYTHING, onBatch: () => {} };
  for (const wrong of [
    { slots: 0 },
    { slots: 1.5 },
    { slotBytes: 1 << 20 },
    { headroom: 2048 },
    { scratchBytes: -1 },
  ] as const) {
    const [name] = Object.keys(wrong);
    const message = new RegExp(`^${name} must be an integer from`);
    assert.throws(() => PacketSocket.open({ ...options, ...wrong }), {
      name: 'RangeError',
      message,
    });
  }
  const noCallback = { ...options, onBatch: 7 } as unknown as PacketSocketOptions;
  assert.throws(() => PacketSocket.open(noCallback), { message: 'onBatch must be a function' });
});

networkTest('a program the kernel rejects is explained', (net) => {
  // A jump beyond the end.
  const filter = Uint8Array.of(0x05, 0, 0, 0, 9, 0, 0, 0);
  assert.throws(() => net.sender({ filter }), {
    code: 'EINVAL',
    operation: 'attach filter of 1 instructions',
    message: /the kernel does not accept this program/,
  });
});

networkTest('send refuses entries outside the arena, and then sends nothing', async (net) => {
  const into = net.catcher();
  // The ring takes a page, the scratch area 104 octets.
  const out = net.sender({ slots: 1, slotBytes: 128, headroom: 0, scratchBytes: 104 });
  const good = {
    HEAD_LENGTH: 20,
    IFINDEX: net.near,
    PROTOCOL: EXPERIMENTAL,
    HARDWARE_LENGTH: 6,
    HARDWARE_HIGH: 0x02000000,
    HARDWARE_LOW: 0x00020000,
  };
  const most = 0xffffffff;
  for (const [wrong, message] of [
    [{ HEAD_AT: 4181 }, /^entry 1: head of 20 octets at 4181 is outside the arena of 4200$/],
    [{ HEAD_LENGTH: 4201 }, /^entry 1: head/],
    [{ HEAD_AT: most }, /^entry 1: head/],
    [{ HEAD_LENGTH: most }, /^entry 1: head/],
    [{ HEAD_AT: most, HEAD_LENGTH: most }, /^entry 1: head/],
    [{ HEAD_AT: 2, HEAD_LENGTH: most }, /^entry 1: head/],
    [{ BODY_AT: 4201 }, /^entry 1: body of 0 octets at 4201/],
    [{ BODY_AT: 4200, BODY_LENGTH: 1 }, /^entry 1: body/],
    [{ BODY_AT: most, BODY_LENGTH: 2 }, /^entry 1: body/],
    [{ IFINDEX: 0 }, /^entry 1: IFINDEX must be 1 to 2147483647, not 0$/],
    [{ IFINDEX: most }, /^entry 1: IFINDEX/],
    [{ PROTOCOL: 65536 }, /^entry 1: PROTOCOL/],
    [{ HARDWARE_LENGTH: 9 }, /^entry 1: HARDWARE_LENGTH must be 0 to 8, not 9$/],
    [{ CHECKSUM_START: 13 }, /^entry 1: CHECKSUM_START 13 leaves no UDP header in a head of 20$/],
    [{ CHECKSUM_START: 11 }, /^entry 1: CHECKSUM_START 11/],
    [{ CHECKSUM_START: 21 }, /^entry 1: CHECKSUM_START/],
    [{ CHECKSUM_START: most }, /^entry 1: CHECKSUM_START/],
  ] as const) {
    const entries = entriesOf(good, { ...good, ...wrong });
    assert.throws(() => out.send(entries, 2), { code: RANGE, message });
  }
  const entries = entriesOf(good, good);
  for (const count of [3, -1, 0.5, Number.NaN, most, 2 ** 32]) {
    assert.throws(() => out.send(entries, count), { code: RANGE });
  }
  for (const wrong of [[], new Int32Array(22), Buffer.alloc(88), undefined]) {
    const call = () => out.send(wrong as unknown as Uint32Array, 0);
    assert.throws(call, { code: TYPE, message: 'entries must be a Uint32Array' });
  }
  assert.throws(() => out.send(detached(entriesOf(good)), 1), { code: RANGE });
  assert.equal(out.send(entries, 0), 0);
  // The first octet and the last one, and the packet that proves that no other was sent.
  assert.equal(out.send(entriesOf({ ...good, HEAD_AT: 4180, BODY_AT: 4200 }), 1), 0);
  await into.until(1);
  assert.deepEqual(into.socket.statistics(), { received: 1, dropped: 0 });
});

networkTest('a handle of another kind, or a closed one, is refused', (net) => {
  const path = net.path;
  const packets = net.sender();
  const entries = entriesOf({});
  const rawIp = addon().openRawIp(path, undefined);
  const port = addon().holdPort(67, path);
  const netlink = addon().openNetlink({
    netns: path,
    groups: 0,
    receiveBufferBytes: 0,
    onMessages: () => {},
  });
  const misuses: readonly (readonly [string, (handle: Handle) => unknown, readonly Handle[]])[] = [
    ['a packet socket', (handle) => native.sendPackets(handle, entries, 0), [rawIp, port, netlink]],
    ['a packet socket', (handle) => native.packetStatistics(handle), [rawIp, port, netlink]],
    [
      'a raw IP socket',
      (handle) => native.sendRawIp(handle, Buffer.alloc(9), entries, 0),
      [port, netlink],
    ],
    ['a netlink socket', (handle) => native.sendNetlink(handle, Buffer.alloc(9)), [rawIp, port]],
  ];
  for (const [wanted, call, handles] of misuses) {
    for (const handle of handles) {
      assert.throws(() => call(handle), { code: TYPE, message: `handle must be ${wanted}` });
    }
  }
  packets.close();
  for (const handle of [rawIp, port, netlink, rawIp, port, netlink]) native.close(handle);
  const closed = { code: 'EBADF', message: /it is closed$/ };
  assert.throws(() => packets.send(entries, 1), closed);
  assert.throws(() => native.sendRawIp(rawIp, Buffer.alloc(9), entries, 1), closed);
  assert.throws(() => native.sendNetlink(netlink, Buffer.alloc(9)), closed);
});

networkTest('a raw IP socket checks the arena it is given', (net) => {
  const socket = net.closing(RawIpSocket.open({ netns: net.path }));
  const entries = entriesOf({ HEAD_LENGTH: 20 });
  for (const [arena, code] of [
    [Buffer.alloc(19), RANGE],
    [detached(new Uint8Array(20)), RANGE],
    [new Uint16Array(20), TYPE],
    ['x'.repeat(20), TYPE],
    [null, TYPE],
  ] as const) {
    assert.throws(() => socket.send(arena as Uint8Array, entries, 1), { code });
  }
  const short = entriesOf({ HEAD_LENGTH: 19 });
  const message = 'entry 0: HEAD_LENGTH must be 20 to 65535, not 19';
  assert.throws(() => socket.send(Buffer.alloc(20), short, 1), { code: RANGE, message });
});

test('a device name longer than the kernel has is refused', () => {
  assert.throws(() => RawIpSocket.open({ device: 'x'.repeat(16) }), {
    code: RANGE,
    message: 'device must be shorter than 16 octets, not 16',
  });
});
