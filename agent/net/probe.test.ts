import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { formatHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4, parseIpv4 } from '../../codec/ipv4.ts';
import { ArpProber } from './probe.ts';
import { networkTest } from './testnet.ts';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

networkTest('an address in use answers an ARP probe, one that is not does not', async (net) => {
  net.ip('address add 192.0.2.9/24 dev far');
  const replies: string[] = [];
  const prober = new ArpProber({
    netns: net.path,
    onReply: (ifindex, address, hardwareAddress) => {
      replies.push(`${ifindex} ${formatIpv4(address)} ${formatHardwareAddress(hardwareAddress)}`);
    },
  });
  net.closing(prober);
  assert.equal(prober.probe(net.near, MAC, parseIpv4('192.0.2.8')!), 0);
  assert.equal(prober.probe(net.near, MAC, parseIpv4('192.0.2.9')!), 0);
  for (let waited = 0; replies.length === 0 && waited < 5000; waited += 10) await delay(10);
  assert.deepEqual(replies, [`${net.near} 192.0.2.9 02:00:00:00:00:02`]);
});

networkTest('a probe on an interface that is not there says so', (net) => {
  const prober = net.closing(new ArpProber({ netns: net.path, onReply: () => {} }));
  assert.notEqual(prober.probe(9999, MAC, parseIpv4('192.0.2.8')!), 0);
});

networkTest(
  'an address answers an ICMP echo request, and nobody else is mistaken for it',
  (net) => {
    net.ip('link set lo up');
    net.ip('address add 192.0.2.1/24 dev near');
    const script = `
    import { Pinger } from '${new URL('./ping.ts', import.meta.url).pathname}';
    import { formatIpv4, parseIpv4 } from '${new URL('../../codec/ipv4.ts', import.meta.url).pathname}';
    const heard = [];
    const onReply = (address) => heard.push(formatIpv4(address));
    const onError = (error) => heard.push(error.message);
    const pinger = new Pinger({ identifier: 77, onReply, onError });
    const other = new Pinger({ identifier: 78, onReply: () => {}, onError });
    for (const text of ['192.0.2.1', '192.0.2.8', '203.0.113.1']) pinger.ping(parseIpv4(text));
    other.ping(parseIpv4('127.0.0.1'));
    setTimeout(() => {
      pinger.close();
      other.close();
      console.log(heard.join());
    }, 300);`;
    const said = net.exec(process.execPath, '--input-type=module', '-e', script);
    assert.equal(said.trim(), '192.0.2.1');
  },
);
