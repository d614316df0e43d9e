// `node e2e/bench/start.ts [--rounds N]`: how long our server takes from its start to its first OFFER, beside Kea, ISC dhcpd and dnsmasq.
// Each has a processor to itself, and no leases yet.
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from '../flags.ts';
import { Lab, type Node } from '../lab/lab.ts';
import { LINKS, type ServerContestant, servers } from './servers.ts';

const { rounds } = flags('node e2e/bench/start.ts [--rounds N]', { rounds: 7 });
const [SERVER, GIADDR] = ['203.0.113.1', '10.64.0.1'];
const ADDRESSES = 10_000;

if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(1);
}
const lab = new Lab('start');
try {
  const [server, relay] = [lab.node('server'), lab.node('relay')];
  lab.cable([server, LINKS.relayed], [relay, 'e0']);
  lab.cable([server, LINKS.broadcast], [relay, 'e1']);
  server.ip(`addr add ${SERVER}/24 dev ${LINKS.relayed}
addr add 10.0.0.1/14 dev ${LINKS.broadcast}
route add 10.64.0.0/14 via 203.0.113.2`);
  relay.ip(`addr add 203.0.113.2/24 dev e0
addr add ${GIADDR}/32 dev lo`);
  for (const contestant of servers(lab.folder)) await compare(contestant, server, relay);
} finally {
  await lab.close();
}

async function compare(contestant: ServerContestant, server: Node, relay: Node): Promise<void> {
  if (!existsSync(contestant.program)) return;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++)
    times.push(await untilFirstOffer(contestant, server, relay));
  times.sort((a, b) => a - b);
  const [least, median, most] = [times[0]!, times[times.length >> 1]!, times.at(-1)!];
  const [a, b, c] = [least, median, most].map((ms) => ms.toFixed(0));
  console.log(`${contestant.name}: ${b} ms from its start to its first OFFER (${a} to ${c})`);
}

async function untilFirstOffer(
  contestant: ServerContestant,
  node: Node,
  relay: Node,
): Promise<number> {
  const asker = relay.start('node', [join(import.meta.dirname, 'asker.ts'), GIADDR, SERVER]);
  await asker.line(/asking/);
  const folder = mkdtempSync(join(lab.folder, 'leases-'));
  const started = Number(process.hrtime.bigint()) / 1e6;
  const server = await contestant.start({ node, way: 'relayed', addresses: ADDRESSES, folder });
  try {
    const [, offered] = await asker.line(/offered (\S+)/);
    return Number(offered) - started;
  } finally {
    await server.stop();
    await asker.stop();
  }
}
