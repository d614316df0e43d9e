// `node --expose-gc codec/v4/bench.ts`: what the codec costs for one message.
import { bench, do_not_optimize, run } from 'mitata';
import { readCorpus } from '../../e2e/corpus.ts';
import type { Ipv4 } from '../ipv4.ts';
import { describeBytes } from './describe.ts';
import { encodeInto, encodeMessage } from './encode.ts';
import { decodeMessage, type Message } from './message.ts';
import { subOptionAt } from './relayinfo.ts';
import { MessageView } from './view.ts';

const SLOT = 2048;
const corpus = new Map(readCorpus().map(({ name, bytes }) => [name, bytes]));
const discover = corpus.get('made-discover-pxe')!;
const relayed = corpus.get('made-discover-relayed')!;
const ack = decodeMessage(corpus.get('made-ack-rich')!) as Message;

/** Messages as they lie in a ring: each in its slot of one buffer. */
const SLOTS = 64;
const ring = Buffer.alloc(SLOTS * SLOT);
for (let i = 0; i < SLOTS; i++) ring.set(i % 2 === 0 ? discover : relayed, i * SLOT);
const ends = Array.from(
  { length: SLOTS },
  (_, i) => i * SLOT + (i % 2 === 0 ? discover : relayed).length,
);
const view = new MessageView();
const option = Buffer.concat([Buffer.of(82, 12, 1, 10), Buffer.from('enp0s31f6:')]);
let slot = 0;

bench('view: over, scan', () => {
  slot = (slot + 1) % SLOTS;
  view.over(ring, slot * SLOT, ends[slot]!);
  view.scan();
  return view.messageType;
});

bench('view: a relay: hops, giaddr, append, pad; and back: remove', () => {
  slot = (slot + 2) % SLOTS;
  view.over(ring, slot * SLOT, ends[slot]!);
  view.scan();
  view.hops = view.hops + 1;
  view.giaddr = 0xc6336401 as Ipv4;
  view.append(option, 1472);
  view.padTo(300, 1472);
  view.remove(view.relayInformationAt);
  return view.end;
});

bench('view: a server: eight options and the circuit-id', () => {
  slot = (slot + 1) % SLOTS;
  view.over(ring, slot * SLOT, ends[slot]!);
  let sum =
    view.u32(50) +
    view.u32(54) +
    view.at(61) +
    view.at(12) +
    view.at(55) +
    view.at(57) +
    view.at(60);
  const information = view.at(82);
  if (information >= 0)
    sum += subOptionAt(ring, information + 2, information + 2 + ring[information + 1]!, 1);
  return sum;
});

bench('decodeMessage: DISCOVER', () => do_not_optimize(decodeMessage(discover)));
bench('encodeMessage: ACK of 30 options', () =>
  do_not_optimize(encodeMessage(ack, { maxBytes: 1472, overload: false })),
);

const LIMITS = { maxBytes: 1472, overload: false };
const omitted: number[] = [];
bench('encodeInto: ACK of 30 options, into a slot', () =>
  encodeInto(ack, ring, 0, LIMITS, omitted),
);

bench('describeBytes: DISCOVER', () => do_not_optimize(describeBytes(discover)));

await run();
