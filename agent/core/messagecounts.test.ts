import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageCounts } from './messagecounts.ts';

function lines(counts: MessageCounts): string[] {
  const found: string[] = [];
  counts.each((direction, ifname, type, n) => found.push(`${direction} ${ifname} ${type} ${n}`));
  return found;
}

test('messages are counted by direction, interface and type; types that nobody has registered together', () => {
  const counts = new MessageCounts();
  counts.request('eth0', 1);
  counts.request('eth0', 1);
  counts.request('eth1', 3);
  counts.reply('eth0', 2);
  counts.request('eth0', 0);
  counts.request('eth0', 200);
  counts.request('eth0', 255);
  assert.deepEqual(lines(counts), [
    'request eth0 BOOTP 1',
    'request eth0 DISCOVER 2',
    'request eth0 other 2',
    'request eth1 REQUEST 1',
    'reply eth0 OFFER 1',
  ]);
});

test('the counts of interfaces that have gone are forgotten, not those of messages without one', () => {
  const counts = new MessageCounts();
  for (let i = 0; i < 1000; i++) {
    counts.request(`veth${i}`, 1);
    counts.reply(`veth${i}`, 2);
  }
  counts.request('', 3);
  counts.keepOnly(new Set(['veth7', 'eth0']));
  assert.deepEqual(lines(counts), [
    'request veth7 DISCOVER 1',
    'request  REQUEST 1',
    'reply veth7 OFFER 1',
  ]);
});
