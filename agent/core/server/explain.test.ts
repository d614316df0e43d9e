import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpServerSpec } from '../../../crds/types/dhcpserver.ts';
import type { Explanation } from './explain.ts';
import { Bed, ETH0, ETH1, ip, messageOf, type Say, SUBNET } from './testbed.ts';

function explain(spec: Partial<DhcpServerSpec>, say: Say = {}): Explanation {
  const bed = new Bed(spec);
  return bed.machine.core.explain(bed.now, messageOf(say), say.ifindex ?? ETH0);
}

const MAC = '02:00:00:00:00:0a';
const NTP = (last: number): object => ({ ntpServers: [`192.0.2.${last}`] });
const phones = { name: 'phones', match: 'true' };
const desk = { hardwareAddress: MAC, address: '192.0.2.77' };

// [where it is said, the spec, where it comes from]
for (const [name, spec, origin, value] of [
  ['server', { options: NTP(1) }, 'server', '192.0.2.1'],
  [
    'shared network over server',
    {
      options: NTP(1),
      subnets: [{ ...SUBNET, sharedNetwork: 'hall' }],
      sharedNetworks: [{ name: 'hall', options: NTP(2) }],
    },
    'shared network hall',
    '192.0.2.2',
  ],
  [
    'subnet over server',
    { options: NTP(1), subnets: [{ ...SUBNET, name: 'lab', options: NTP(3) }] },
    'subnet lab',
    '192.0.2.3',
  ],
  [
    'pool over subnet',
    {
      subnets: [
        {
          ...SUBNET,
          options: NTP(3),
          pools: [{ start: '192.0.2.10', end: '192.0.2.20', options: NTP(4) }],
        },
      ],
    },
    'pool 192.0.2.10 to 192.0.2.20',
    '192.0.2.4',
  ],
  [
    'class over subnet',
    { classes: [{ ...phones, options: NTP(5) }], subnets: [{ ...SUBNET, options: NTP(3) }] },
    'class phones',
    '192.0.2.5',
  ],
  [
    'reservation over class',
    {
      classes: [{ ...phones, options: NTP(5) }],
      subnets: [{ ...SUBNET, reservations: [{ ...desk, options: NTP(6) }] }],
    },
    'reservation',
    '192.0.2.6',
  ],
] as const) {
  test(`an option says where it comes from: ${name}`, () => {
    const { offer } = explain(spec as Partial<DhcpServerSpec>, { mac: MAC, ask: [42] });
    const found = offer?.options.find(({ code }) => code === 42);
    assert.deepEqual(found, { code: 42, name: 'ntpServers', value, origin, sent: true });
  });
}

test('so do the name of a reservation, the routes of old Windows and the wait for IPv6', () => {
  const { offer } = explain(
    {
      subnets: [
        {
          ...SUBNET,
          reservations: [{ ...desk, hostname: 'desk' }],
          options: {
            classlessStaticRoutes: [{ destination: '10.0.0.0/8', router: '192.0.2.254' }],
          },
        },
      ],
      ipv6OnlyWait: '30m',
    },
    { mac: MAC, ask: [12, 121, 249, 108] },
  );
  const origins = new Map(offer?.options.map(({ code, origin }) => [code, origin]));
  assert.equal(origins.get(12), 'reservation');
  assert.equal(origins.get(121), 'subnet 192.0.2.0/24');
  assert.equal(origins.get(249), 'subnet 192.0.2.0/24, as option 121');
  assert.equal(origins.get(108), 'server');
});

test('the lease time says so too, asked for or not', () => {
  const last = ({ steps }: Explanation): string | undefined =>
    steps.find(({ about }) => about === 'lease time')?.because;
  assert.equal(last(explain({})), '3600 s, by server');
  const pools = [{ start: '192.0.2.10', end: '192.0.2.20', leaseTime: '10m' }];
  const inPool = { subnets: [{ ...SUBNET, pools }] };
  assert.equal(last(explain(inPool)), '600 s, by pool 192.0.2.10 to 192.0.2.20');
  assert.equal(last(explain({}, { leaseTime: 120 })), '120 s, as asked, within bounds');
});

// [what is so, how the address is probed]
for (const [name, detection, say, probe] of [
  ['on the link', {}, {}, 'ARP on eth0 for 300 ms first, as nobody looked lately'],
  ['by ICMP', { mode: 'Icmp' }, {}, 'ICMP for 300 ms first, as nobody looked lately'],
  ['not at all', { mode: 'Off' }, {}, 'none: conflict detection is off'],
] as const) {
  test(`an address is probed ${name}`, () => {
    const conflictDetection = { timeout: '300ms', ...detection };
    const { steps } = explain({ conflictDetection }, say);
    assert.equal(steps.find(({ about }) => about === 'probe')?.because, probe);
  });
}

test('what its client has or had lately is not probed', () => {
  const bed = new Bed({ conflictDetection: { mode: 'Arp', timeout: '300ms' } });
  const say: Say = { mac: MAC };
  bed.say(say);
  bed.pass(300);
  bed.say({ ...say, type: 'REQUEST', requested: '192.0.2.10', server: '192.0.2.1' });
  assert.ok(bed.explain(say).includes('probe: none: the client uses the address'));
  bed.say({ ...say, type: 'RELEASE', ciaddr: '192.0.2.10' });
  assert.ok(bed.explain(say).includes('probe: none: the client used it lately'));
});

test('silence has a name', () => {
  assert.equal(explain({}, { ifindex: ETH1 }).silence, 'notServed');
  assert.equal(explain({ proxyDhcp: true }).silence, 'nothingToBoot');
  const bed = new Bed();
  bed.machine.core.writable = false;
  const refused = bed.machine.core.explain(bed.now, messageOf({}), ETH0);
  assert.equal(refused.silence, 'storeUnavailable');
  assert.equal(refused.offer, null);
  assert.match(refused.steps.at(-1)!.because, /^storeUnavailable: leases cannot be written/);
});

test('a proxy offers no address, and what to boot', () => {
  const { offer, silence } = explain(
    { proxyDhcp: true, boot: [{ file: 'pxelinux.0' }] },
    { options: { 60: Buffer.from('PXEClient') } },
  );
  assert.equal(silence, null);
  assert.equal(offer?.address, '0.0.0.0');
  assert.deepEqual(
    offer?.options.map(({ name }) => name),
    ['vendorSpecific', 'vendorClass', 'bootFileName'],
  );
});

test('an administrator may end a lease, and a quarantine after a DECLINE', () => {
  const bed = new Bed();
  const { core } = bed.machine;
  const say: Say = { mac: MAC };
  assert.equal(bed.lease(say), '192.0.2.10');
  assert.equal(core.release(bed.now, ip('192.0.2.10')), true);
  assert.equal(bed.leases.stateOf(ip('192.0.2.10')), 'released');
  assert.equal(core.release(bed.now, ip('192.0.2.10')), false);
  assert.equal(bed.lease(say), '192.0.2.10');
  bed.say({ ...say, type: 'DECLINE', requested: '192.0.2.10', server: '192.0.2.1' });
  assert.equal(bed.leases.stateOf(ip('192.0.2.10')), 'declined');
  assert.equal(core.release(bed.now, ip('192.0.2.10')), true);
  assert.equal(bed.ask(say).yiaddr, '192.0.2.10');
});
