import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import { type Ask, Names } from './names.ts';

const ip = (text: string): Ipv4 => parseIpv4(text)!;

/** Names on a clock that a test moves, answered from a list; a text is a failure. */
function scripted(answers: (readonly string[] | string)[], ttl = 10_000) {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked: string[] = [];
  const changes: string[] = [];
  const ask: Ask = async (hostname) => {
    asked.push(hostname);
    const answer = answers.shift() ?? 'no more answers';
    if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer });
    return { addresses: answer.map(ip), ttl };
  };
  const names = new Names((hostname) => changes.push(hostname), ask);
  const after = async (millis: number): Promise<void> => {
    mock.timers.tick(millis);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { names, asked, changes, after };
}

test('a name is asked again when its time to live is over, and a change is told', async () => {
  const { names, asked, changes, after } = scripted([['192.0.2.1'], ['192.0.2.1'], ['192.0.2.2']]);
  names.follow(['dhcp.example']);
  await after(0);
  assert.deepEqual(names.addressesOf('dhcp.example'), [ip('192.0.2.1')]);
  await after(9_999);
  assert.equal(asked.length, 1);
  await after(1);
  assert.deepEqual([asked.length, changes.length], [2, 1], 'the same answer is no change');
  await after(10_000);
  assert.deepEqual(names.addressesOf('dhcp.example'), [ip('192.0.2.2')]);
  assert.equal(changes.length, 2);
  names.close();
  mock.timers.reset();
});

test('the last good answer is kept when asking fails, and asking goes on with back-off', async () => {
  const { names, asked, after } = scripted([
    ['192.0.2.1'],
    'ESERVFAIL',
    'ESERVFAIL',
    ['192.0.2.1'],
  ]);
  names.follow(['dhcp.example']);
  await after(0);
  await after(10_000);
  assert.equal(names.failureOf('dhcp.example'), 'ESERVFAIL');
  assert.deepEqual(names.addressesOf('dhcp.example'), [ip('192.0.2.1')]);
  await after(1_000);
  assert.equal(asked.length, 3);
  await after(1_999);
  assert.equal(asked.length, 3);
  await after(1);
  assert.equal(names.failureOf('dhcp.example'), null);
  names.close();
  mock.timers.reset();
});

test('a name that is followed no more is asked no more', async () => {
  const { names, asked, after } = scripted([['192.0.2.1'], ['192.0.2.1']]);
  names.follow(['dhcp.example']);
  await after(0);
  names.follow([]);
  await after(100_000);
  assert.equal(asked.length, 1);
  assert.deepEqual(names.addressesOf('dhcp.example'), []);
  mock.timers.reset();
});

test('a record without time to live is not asked for without end', async () => {
  const { names, asked, after } = scripted([['192.0.2.1'], ['192.0.2.1']], 0);
  names.follow(['dhcp.example']);
  await after(0);
  await after(4_999);
  assert.equal(asked.length, 1);
  await after(1);
  assert.equal(asked.length, 2);
  names.close();
  mock.timers.reset();
});
