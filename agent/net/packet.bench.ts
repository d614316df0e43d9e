// Frames per second sent and received by one thread over a veth pair. As root:
//   node agent/net/packet.bench.ts [seconds] [octets]
import { execFileSync } from 'node:child_process';
import { ENTRY, PacketSocket } from './packet.ts';

const seconds = Number(process.argv[2] ?? 3);
const octets = Number(process.argv[3] ?? 300);
const name = `bench-${process.pid}`;
const netns = `/run/netns/${name}`;
const ip = (...words: string[]) =>
  execFileSync('ip', ['-n', name, ...words], { encoding: 'utf8' }).trim();
const ifindex = (link: string) => Number.parseInt(ip('-o', 'link', 'show', link), 10);

// struct sock_filter: ret #262144
const everything = new Uint8Array([6, 0, 0, 0, 0, 0, 4, 0]);
const EXPERIMENTAL = 0x88b5; // IEEE Std 802 local experimental EtherType: the kernel leaves it alone

execFileSync('ip', ['netns', 'add', name]);
try {
  ip('link', 'add', 'veth-a', 'type', 'veth', 'peer', 'name', 'veth-b');
  ip('link', 'set', 'veth-a', 'up');
  ip('link', 'set', 'veth-b', 'up');
  for (const slots of [16, 64, 128, 256]) await run(slots);
} finally {
  execFileSync('ip', ['netns', 'delete', name]);
}

async function run(slots: number): Promise<void> {
  let received = 0;
  let wakes = 0;
  const common = { netns, cooked: true, filter: everything, slots: 1024, batch: slots };
  const out = PacketSocket.open({ ...common, protocol: 0, onBatch: () => {} });
  const into = PacketSocket.open({
    ...common,
    protocol: EXPERIMENTAL,
    ifindex: ifindex('veth-b'),
    onBatch: (count) => {
      received += count;
      wakes++;
    },
  });
  const entries = new Uint32Array(slots * ENTRY.WORDS);
  for (let i = 0; i < slots; i++) {
    const at = i * ENTRY.WORDS;
    entries[at + ENTRY.HEAD_AT] = out.scratchAt;
    entries[at + ENTRY.HEAD_LENGTH] = 28;
    entries[at + ENTRY.BODY_AT] = out.scratchAt + 28;
    entries[at + ENTRY.BODY_LENGTH] = octets - 28;
    entries[at + ENTRY.IFINDEX] = ifindex('veth-a');
    entries[at + ENTRY.PROTOCOL] = EXPERIMENTAL;
    entries[at + ENTRY.HARDWARE_LENGTH] = 6;
    entries[at + ENTRY.HARDWARE_HIGH] = 0xffffffff;
    entries[at + ENTRY.HARDWARE_LOW] = 0xffff0000;
  }
  let sent = 0;
  let failures = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    failures += out.send(entries, slots);
    sent += slots;
    await new Promise(setImmediate);
  }
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${slots} per batch: ${Math.round(received / elapsed)} frames/s in and out, ${received} of ${sent} arrived in ${wakes} batches, ` +
      `${failures} failures, ${into.statistics().dropped} dropped, ` +
      `CPU ${(((user + system) / 1e6 / elapsed) * 100).toFixed(0)} %, ${((user + system) / received).toFixed(2)} µs a frame (user ${(user / received).toFixed(2)})`,
  );
  out.close();
  into.close();
}
