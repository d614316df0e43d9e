// Messages that no client of Debian sends, made by scapy: our server answers those that are right, however odd, is silent to the
// others, and is there afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { agent, manifest } from './office.ts';

const RARE = fileURLToPath(new URL('../lab/rare.py', import.meta.url));
const root = process.getuid?.() === 0 ? {} : { skip: 'needs root: network namespaces' };

interface Said {
  readonly name: string;
  readonly expected: string | null;
  readonly answers: readonly {
    readonly type: string;
    readonly to: string;
    readonly length: number;
    readonly clientId: string;
  }[];
}

const SPEC = {
  interfaces: [{ match: 'eth0' }],
  conflictDetection: { mode: 'Off' },
  subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.100', end: '192.0.2.199' }] }],
};

test('scapy: what is odd but right is answered, what is wrong is not', {
  ...root,
  timeout: 180_000,
}, async () => {
  const lab = new Lab('rare');
  try {
    const [server, client] = [lab.node('server'), lab.node('client')];
    lab.cable([server, 'eth0'], [client, 'eth0']);
    server.ip('addr add 192.0.2.1/24 broadcast 192.0.2.255 dev eth0');
    await agent(server, [manifest('DhcpServer', 'lab', SPEC)]);
    const said = client
      .run('/usr/bin/python3', RARE, 'eth0')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Said);
    assert.ok(said.length >= 17);
    for (const { name, expected, answers } of said) {
      assert.equal(answers[0]?.type ?? null, expected, name);
      // RFC 1542 §2.1: no message is shorter; RFC 2131 §4.1: the broadcast flag is set.
      for (const { length, to } of answers) {
        assert.ok(length >= 300, name);
        assert.equal(to, 'ff:ff:ff:ff:ff:ff', name);
      }
    }
    // RFC 3396 §7, RFC 6842: put together, and told back.
    const pieces = said.find(({ name }) => name.includes('two pieces'));
    assert.equal(pieces?.answers[0]?.clientId, '00414243');
    const { address } = await peers.udhcpc(client, 'eth0').lease();
    assert.match(address, /^192\.0\.2\.1\d\d$/);
  } finally {
    await lab.close();
  }
});
