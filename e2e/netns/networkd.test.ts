// systemd-networkd through our relay to Kea, octet for octet on both sides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv4 } from '../../codec/ipv4.ts';
import * as H from '../../codec/v4/header.ts';
import { optionOf } from '../../codec/v4/message.ts';
import { OPTION } from '../../codec/v4/options.ts';
import { Capture, type Seen } from '../lab/capture.ts';
import * as peers from '../lab/peers.ts';
import { LAN0, LAN1, type Office, office, relay, SERVER } from './office.ts';

const ROOT = {
  timeout: 90_000,
  ...(process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' }),
};
const SUBNETS = { ifname: 'eth0', subnets: [{ network: LAN0 }, { network: LAN1 }] };
const GIADDR = parseIpv4(`${LAN0}.1`)!;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

test('a lease and its end: the relay changes hops, giaddr and option 82 alone', ROOT, async () => {
  const site = office('networkd');
  try {
    await leaseAndRelease(site);
  } finally {
    await site.lab.close();
  }
});

async function leaseAndRelease(site: Office): Promise<void> {
  await peers.kea(site.server, SUBNETS);
  await relay(site, { relayInformation: { mode: 'Always', circuitId: '{interface}' } });
  const [client] = site.clients;
  const below = await Capture.start(client, 'eth0');
  const above = await Capture.start(site.server, 'eth0');
  const running = peers.networkd(client, 'eth0');
  const given = await running.lease();
  assert.match(given.address, /^192\.0\.2\.1\d\d$/);
  assert.deepEqual(
    [given.router, given.names, given.server, given.seconds],
    ['192.0.2.1', '192.0.2.53', SERVER, 3600],
  );
  assert.deepEqual(client.addresses('eth0'), [given.address], 'it has configured itself');

  await above.until('the ACK above', (seen) => seen.some(({ type }) => type === H.DHCPACK));
  await below.until('the ACK below', (seen) => seen.some(({ type }) => type === H.DHCPACK));
  const both = pairs(below.seen(), above.seen());
  const exchange = [H.DHCPDISCOVER, H.DHCPOFFER, H.DHCPREQUEST, H.DHCPACK];
  assert.deepEqual([both.map(([one]) => one.type), above.seen().length], [exchange, 4]);
  for (const [low, high] of both) {
    assert.deepEqual(difference(low, high), [OPTION.relayInformation]);
    assert.equal(high.message.options.at(-1)?.code, OPTION.relayInformation);
    assert.equal(high.message.giaddr, GIADDR);
    const untouched = { options: [], hops: 0, giaddr: 0 };
    assert.deepEqual({ ...low.message, ...untouched }, { ...high.message, ...untouched });
  }
  for (const [low, high] of both.filter(([{ message }]) => message.op === H.BOOTREQUEST)) {
    assert.deepEqual([low.destination, low.to], ['255.255.255.255:67', BROADCAST]);
    assert.deepEqual([low.message.hops, high.message.hops], [0, 1]);
    assert.deepEqual([high.source, high.destination], [`${LAN0}.1:67`, `${SERVER}:67`]);
    assert.equal(high.checksum, 'right');
  }
  for (const [low] of both.filter(([{ message }]) => message.op === H.BOOTREPLY)) {
    assert.deepEqual([low.source, low.to], [`${LAN0}.1:67`, client.mac('eth0')]);
    assert.deepEqual([low.destination, low.checksum], [`${given.address}:68`, 'right']);
  }

  await running.release();
  const release = await above.first(H.DHCPRELEASE);
  // RFC 2131 §4.4.4: by unicast, so no relay has seen it.
  assert.deepEqual([release.source, release.message.giaddr], [`${given.address}:68`, 0]);
}

/** The options that two messages do not have in common, by code. */
function difference(a: Seen, b: Seen): number[] {
  const codes = new Set([...a.message.options, ...b.message.options].map(({ code }) => code));
  const text = (seen: Seen, code: number): string =>
    Buffer.from(optionOf(seen.message, code) ?? []).toString('hex');
  return [...codes].filter((code) => text(a, code) !== text(b, code));
}

/** Each exchange as the client sees it beside what the server sees of it. */
function pairs(below: readonly Seen[], above: readonly Seen[]): [Seen, Seen][] {
  return below.map((seen) => {
    const other = above.find(
      ({ type, message }) => type === seen.type && message.xid === seen.message.xid,
    );
    return [seen, other ?? assert.fail(`nothing of type ${seen.type} at the server`)];
  });
}
