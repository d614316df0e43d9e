import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayLink } from '../../core/relay/links.ts';
import { planLinks } from '../../core/server/links.ts';
import { Bed, ETH0, link, SERVER, SUBNET, taking } from '../../core/server/testbed.ts';
import { servedLinks, subnetUse } from './status.ts';

const ELSEWHERE = link(ETH0, 'eth0', '10.9.9.9');
const BY_CIRCUIT = [{ ...SUBNET, selectors: [{ circuitId: { text: 'port-7' } }] }];

// [the interface, what is configured, what is served, what is not]
for (const [name, one, spec, served, unserved] of [
  ['in a subnet', link(ETH0, 'eth0', SERVER), {}, [SERVER], []],
  ['without an address', { ...ELSEWHERE, addresses: [] }, {}, [], ['noAddress']],
  [
    'without an address, with an identifier',
    { ...ELSEWHERE, addresses: [] },
    { serverIdentifier: SERVER },
    [],
    ['noSubnet'],
  ],
  ['in no subnet', ELSEWHERE, {}, [], ['noSubnet']],
  [
    'in no subnet, but its clients may be by their circuit',
    ELSEWHERE,
    { subnets: BY_CIRCUIT },
    ['10.9.9.9'],
    [],
  ],
] as const) {
  test(`an interface ${name} is said to be either served or not`, () => {
    const { plan } = new Bed(spec as object).machine.core;
    const links = planLinks(plan, [one as RelayLink]);
    assert.deepEqual(
      servedLinks(links).map(({ address }) => address),
      served,
    );
    assert.deepEqual(
      links.unserved.map(({ reason }) => reason),
      unserved,
    );
  });
}

test('how full a subnet is: what is bound, and what is offered until it is asked for', () => {
  const bed = new Bed({ conflictDetection: { mode: 'Off' } });
  const use = (): object => {
    const { plan, offers } = bed.machine.core;
    const [first] = subnetUse(plan, bed.leases, offers);
    const { name, total, bound, offered, utilization } = first!;
    return { name, total, bound, offered, utilization };
  };
  const subnet = { name: '192.0.2.0/24', total: 11 };
  bed.lease({ mac: '02:00:00:00:00:01' });
  const say = { mac: '02:00:00:00:00:02' };
  const offer = bed.ask({ ...say, type: 'DISCOVER' });
  assert.deepEqual(use(), { ...subnet, bound: 1, offered: 1, utilization: 9.1 });
  bed.ask(taking(offer, say));
  assert.deepEqual(use(), { ...subnet, bound: 2, offered: 0, utilization: 18.2 });
});
