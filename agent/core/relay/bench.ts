// What one packet costs the relay's core, system calls not counted: node agent/core/relay/bench.ts
import { bench, do_not_optimize, run } from 'mitata';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import { SLOT } from '../ring.ts';
import { configOf, INFORMATION, ip, message, RelayBench } from './testing.ts';

const START = 64;

function packet(payload: Uint8Array, destination: string): { bytes: Buffer; meta: Uint32Array } {
  const bytes = Buffer.alloc(2048);
  const at = START + HEADERS_LENGTH;
  bytes.set(payload, at);
  const source = payload[0] === 1 ? '0.0.0.0' : '10.0.0.1';
  writeHeaders(bytes, START, ip(source), 67, ip(destination), 67, at, at + payload.length);
  const meta = new Uint32Array(SLOT.WORDS);
  meta[SLOT.START] = START;
  meta[SLOT.LENGTH] = HEADERS_LENGTH + payload.length;
  meta[SLOT.IFINDEX] = 1;
  return { bytes, meta };
}

for (const wanted of [false, true]) {
  const lab = new RelayBench(
    configOf(
      { rateLimit: { perClient: 1e9, perInterface: 0 } },
      { relayInformation: { ...INFORMATION, wanted } },
    ),
  );
  const option82 = wanted ? [82, 6, 1, 4, ...Buffer.from('lan0')] : [];
  const filler = [
    61, 7, 1, 2, 0, 0, 0, 0, 10, 12, 6, 104, 111, 115, 116, 45, 49, 55, 6, 1, 3, 6, 15, 28, 42,
  ];
  const rows = {
    DISCOVER: packet(
      message({ options: [53, 1, 1, ...filler, 255], length: 300 }),
      '255.255.255.255',
    ),
    OFFER: packet(
      message({
        op: 2,
        giaddr: '192.0.2.1',
        yiaddr: '192.0.2.77',
        length: 308,
        options: [
          53,
          1,
          2,
          54,
          4,
          10,
          0,
          0,
          1,
          51,
          4,
          0,
          0,
          14,
          16,
          1,
          4,
          255,
          255,
          255,
          0,
          3,
          4,
          192,
          0,
          2,
          1,
          ...option82,
          255,
        ],
      }),
      '192.0.2.1',
    ),
  };
  for (const [name, { bytes, meta }] of Object.entries(rows)) {
    bench(`${name}${wanted ? ' with option 82' : ''}`, () => {
      bytes.copy(lab.ring, 0, 0, 512);
      lab.up.clear();
      lab.down.clear();
      do_not_optimize(lab.relay.receive(1, lab.ring, meta, 0, 2048));
      lab.observed.length = 0;
    });
  }
}

await run();
