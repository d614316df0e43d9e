import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { formatHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4 } from '../../codec/ipv4.ts';
import { decodeRouteMessages } from '../../codec/link/rtnetlink.ts';
import { type LinkState, Links } from './links.ts';
import { NetlinkSocket } from './netlink.ts';
import { networkTest, type TestNet } from './testnet.ts';

/** Watches the links of a namespace and keeps what it is told. */
class Watcher {
  readonly links: Links;
  readonly told: (readonly LinkState[])[] = [];
  readonly #events = new EventTarget();

  constructor(net: TestNet, options: { readonly receiveBufferBytes?: number } = {}) {
    const onChange = (links: readonly LinkState[]) => {
      this.told.push(links);
      this.#events.dispatchEvent(new Event('change'));
    };
    this.links = net.closing(Links.open({ netns: net.path, onChange, ...options }));
  }

  get now(): readonly LinkState[] {
    return this.told.at(-1) ?? [];
  }

  named(name: string): LinkState | undefined {
    return this.now.find((link) => link.name === name);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#events, 'change');
  }
}

/** `192.0.2.1/24 192.0.2.2/24(secondary)` */
function addressesOf(link: LinkState | undefined): string {
  return (link?.addresses ?? [])
    .map((a) => `${formatIpv4(a.local)}/${a.prefixLength}${a.secondary ? '(secondary)' : ''}`)
    .join(' ');
}

/** The same, as `ip` shows it. */
function addressesByIp(net: TestNet, name: string): string {
  const lines = net.ip(`-4 -o address show dev ${name}`).trim().split('\n');
  return lines
    .map((line) => {
      const prefix = /inet (\S+)/.exec(line)?.[1] ?? '';
      return line.includes(' secondary ') ? `${prefix}(secondary)` : prefix;
    })
    .join(' ');
}

networkTest('ready comes with all links and their addresses', async (net) => {
  net.ip('address add 192.0.2.1/24 broadcast 192.0.2.255 label near:1 dev near');
  net.ip('address add 198.51.100.1 peer 198.51.100.2/32 dev near');
  const watcher = new Watcher(net);
  assert.deepEqual(watcher.links.snapshot, []);
  await watcher.links.ready;
  assert.equal(watcher.told.length, 1);
  assert.equal(watcher.links.snapshot, watcher.now);
  assert.deepEqual(watcher.now.map(({ name }) => name).sort(), ['far', 'lo', 'near']);
  const near = watcher.named('near')!;
  assert.equal(formatHardwareAddress(near.hardwareAddress), '02:00:00:00:00:01');
  assert.deepEqual(
    { ...near, addresses: [], hardwareAddress: null },
    {
      index: net.near,
      name: 'near',
      up: true,
      running: true,
      broadcast: true,
      loopback: false,
      pointToPoint: false,
      hardwareType: 1,
      hardwareAddress: null,
      mtu: 1500,
      master: null,
      kind: 'veth',
      vlanId: null,
      vrfTable: null,
      parentIndex: net.far,
      parentNamespace: null,
      addresses: [],
    },
  );
  const [first, second] = near.addresses;
  assert.equal(formatIpv4(first!.broadcast!), '192.0.2.255');
  assert.equal(first!.label, 'near:1');
  assert.equal(first!.permanent, true);
  assert.equal(formatIpv4(second!.local), '198.51.100.1');
  assert.equal(formatIpv4(second!.address), '198.51.100.2');
  assert.equal(watcher.named('lo')!.loopback, true);
});

networkTest('a link appears, is renamed, changes, gains and loses addresses, goes', async (net) => {
  const watcher = new Watcher(net);
  await watcher.links.ready;
  net.ip('link add one mtu 1400 type bridge');
  await watcher.until(() => watcher.named('one')?.kind === 'bridge');
  assert.equal(watcher.named('one')!.mtu, 1400);
  net.ip('link set one name lan');
  await watcher.until(() => watcher.named('lan') !== undefined);
  assert.equal(watcher.named('one'), undefined);
  assert.equal(watcher.named('lan')!.up, false);
  net.ip('link set lan up');
  await watcher.until(() => watcher.named('lan')!.up);
  net.ip('address add 192.0.2.1/24 dev lan');
  await watcher.until(() => addressesOf(watcher.named('lan')) === '192.0.2.1/24');
  net.ip('address delete 192.0.2.1/24 dev lan');
  await watcher.until(() => addressesOf(watcher.named('lan')) === '');
  net.ip('link delete lan');
  await watcher.until(() => watcher.named('lan') === undefined);
});

networkTest('a port joins a bridge and leaves it without going away', async (net) => {
  net.ip('link add lan type bridge');
  const watcher = new Watcher(net);
  await watcher.links.ready;
  net.ip('link set near master lan');
  await watcher.until(() => watcher.named('near')?.master === net.ifindex('lan'));
  net.ip('link set near nomaster');
  await watcher.until(() => watcher.named('near')?.master === null);
  net.ip('link set far mtu 1300');
  await watcher.until(() => watcher.named('far')?.mtu === 1300);
  assert.equal(watcher.named('near')!.index, net.near);
});

networkTest('a peer in another namespace is told from one in this', async (net) => {
  const watcher = new Watcher(net);
  await watcher.links.ready;
  execFileSync('ip', ['netns', 'add', `${net.name}-pod`]);
  net.closing({ close: () => execFileSync('ip', ['netns', 'delete', `${net.name}-pod`]) });
  net.ip(`link add cni0 type veth peer name eth0 netns ${net.name}-pod`);
  await watcher.until(() => watcher.named('cni0')?.parentNamespace === 0);
  assert.equal(watcher.named('near')!.parentNamespace, null);
});

networkTest(
  "addresses keep the kernel's order through additions, removals and promotions",
  async (net) => {
    const watcher = new Watcher(net);
    await watcher.links.ready;
    net.exec('sysctl', '-qw', 'net.ipv4.conf.near.promote_secondaries=1');
    const steps = [
      'add 192.0.2.1/24',
      'add 192.0.2.2/24',
      'add 198.51.100.1/24',
      'add 192.0.2.3/24',
      'add 203.0.113.1/24 scope link',
      'add 10.0.0.1/8',
      'add 198.51.100.2/24',
      'delete 192.0.2.1/24',
      'add 192.0.2.1/24',
      'delete 198.51.100.1/24',
      'delete 192.0.2.3/24',
      'add 192.0.2.129/25',
    ];
    for (const step of steps) {
      net.ip(`address ${step} dev near`);
      const expected = addressesByIp(net, 'near');
      const count = expected.split(' ').length;
      await watcher.until(() => watcher.named('near')!.addresses.length === count);
      assert.equal(addressesOf(watcher.named('near')), expected, step);
    }
  },
);

networkTest('what happens in one turn of the event loop is told once', async (net) => {
  const watcher = new Watcher(net);
  await watcher.links.ready;
  const batch = Array.from({ length: 20 }, (_, i) => `address add 192.0.2.${i + 1}/24 dev near`);
  // Synchronous: all 20 events are waiting when the event loop turns next.
  net.exec('bash', '-c', batch.map((line) => `ip ${line}`).join(';'));
  await watcher.until(() => watcher.named('near')!.addresses.length === 20);
  assert.equal(watcher.told.length, 2);
});

networkTest('events lost to a small buffer are made up for', async (net) => {
  const watcher = new Watcher(net, { receiveBufferBytes: 1 });
  await watcher.links.ready;
  // Each of these links is announced several times, in far more octets than the buffer holds.
  const batch = Array.from({ length: 100 }, (_, i) => `link add lan${i} type veth peer wan${i}`);
  net.exec('bash', '-c', `ip -batch - <<< "${batch.join('\n')}"`);
  await watcher.until(() => watcher.now.length === 203);
  net.exec(
    'bash',
    '-c',
    `ip -batch - <<< "${batch.map((_, i) => `link delete lan${i}`).join('\n')}"`,
  );
  await watcher.until(() => watcher.now.length === 3);
});

networkTest('an overrun is told as null when all that was kept has been told', async (net) => {
  const seen: (Buffer | null)[] = [];
  const events = new EventTarget();
  const onMessages = (bytes: Buffer | null) => {
    seen.push(bytes);
    events.dispatchEvent(new Event('messages'));
  };
  net.closing(
    NetlinkSocket.open({ netns: net.path, groups: 1, receiveBufferBytes: 8192, onMessages }),
  );
  for (const round of [1, 2]) {
    seen.length = 0;
    const batch = Array.from({ length: 50 }, (_, i) => `link set near mtu ${round * 2000 + i}`);
    net.exec('bash', '-c', `ip -batch - <<< "${batch.join('\n')}"`);
    while (!seen.includes(null)) await once(events, 'messages');
    assert.equal(seen.indexOf(null), seen.length - 1);
    assert.ok(seen.length > 2 && seen.length < 50, `${seen.length - 1} were kept`);
    // From here on nothing is lost.
    net.ip('link set near mtu 1234');
    while (seen.at(-1) === null) await once(events, 'messages');
    const [message] = decodeRouteMessages(seen.at(-1)!);
    assert.ok(message?.type === 'link' && message.link.mtu === 1234);
  }
});

networkTest('a thousand links are told at once and then one by one', async (net) => {
  const batch = Array.from({ length: 500 }, (_, i) => [
    `link add lan${i} type veth peer wan${i}`,
    `address add 10.${i >> 8}.${i & 255}.1/24 dev lan${i}`,
  ]);
  net.exec('bash', '-c', `ip -batch - <<< "${batch.flat().join('\n')}"`);
  const start = performance.now();
  const watcher = new Watcher(net);
  await watcher.links.ready;
  const spent = performance.now() - start;
  assert.equal(watcher.now.length, 1003);
  assert.equal(watcher.now.filter(({ addresses }) => addresses.length === 1).length, 500);
  assert.ok(spent < 20_000, `ready after ${spent} ms`);
  const untouched = watcher.named('lan7');
  net.ip('link set lan499 mtu 1300');
  await watcher.until(() => watcher.named('lan499')?.mtu === 1300);
  assert.equal(watcher.named('lan7'), untouched, 'the same object where nothing changed');
});

networkTest('nothing is told after close', async (net) => {
  const watcher = new Watcher(net);
  await watcher.links.ready;
  net.ip('link set near mtu 1300');
  watcher.links.close();
  watcher.links.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(watcher.told.length, 1);
});
