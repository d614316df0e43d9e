import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UNSPECIFIED } from '../codec/ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from '../codec/link/datagram.ts';
import { CLIENT_PORT, SERVER_PORT } from '../codec/v4/header.ts';

/** What tshark says of one packet: the values of each field that was asked for, in the order of the packet. */
export type Dissection = { readonly [field: string]: readonly string[] };

/** Whether tshark can be run. */
export function hasTshark(): boolean {
  return spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Dissects messages as UDP datagrams from port 68 to 67; throws when tshark fails. */
export function dissect(
  messages: readonly Uint8Array[],
  fields: readonly string[],
): readonly Dissection[] {
  const directory = mkdtempSync(join(tmpdir(), 'dissect-'));
  try {
    const file = join(directory, 'messages.pcap');
    writeFileSync(file, pcapOf(messages));
    return run(file, fields);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Characters that occur in no value. */
const FIELD_END = '\x1e';
const VALUE_END = '\x1f';

function run(file: string, fields: readonly string[]): readonly Dissection[] {
  const format = ['-E', `separator=${FIELD_END}`, '-E', `aggregator=${VALUE_END}`];
  const wanted = fields.flatMap((field) => ['-e', field]);
  const result = spawnSync('tshark', ['-r', file, '-T', 'fields', ...format, ...wanted], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0) throw new Error(`tshark: ${result.stderr}`);
  const lines = result.stdout.split('\n').slice(0, -1);
  return lines.map((line) => {
    const columns = line.split(FIELD_END);
    return Object.fromEntries(
      fields.map((field, i) => [field, columns[i] === '' ? [] : columns[i]!.split(VALUE_END)]),
    );
  });
}

/** LINKTYPE_IPV4: packets begin with their IP header. */
const LINKTYPE_IPV4 = 228;

function pcapOf(messages: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(LINKTYPE_IPV4, 20);
  return Buffer.concat([header, ...messages.flatMap(packetOf)]);
}

function packetOf(message: Uint8Array): readonly Buffer[] {
  const packet = Buffer.alloc(HEADERS_LENGTH + message.length);
  packet.set(message, HEADERS_LENGTH);
  const [from, to] = [CLIENT_PORT, SERVER_PORT];
  writeHeaders(packet, 0, UNSPECIFIED, from, UNSPECIFIED, to, HEADERS_LENGTH, packet.length);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(packet.length, 8);
  record.writeUInt32LE(packet.length, 12);
  return [record, packet];
}
