import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fields, pack } from './pack.ts';

/** A message of 64 octets of `sname`, 128 of `file` and so many of options, filled with what nobody has written. */
const SNAME = 0;
const FILE = 64;
const OPTIONS = 192;

function fields(room: number, free: 'both' | 'sname' | 'file' | 'none' = 'both'): Fields {
  return {
    bytes: Buffer.alloc(512, 0xee),
    at: OPTIONS,
    end: OPTIONS + room,
    snameAt: free === 'both' || free === 'sname' ? SNAME : -1,
    fileAt: free === 'both' || free === 'file' ? FILE : -1,
  };
}

/** An option of so many octets in all. */
const option = (code: number, octets: number): number[] => [
  code,
  octets - 2,
  ...Array<number>(octets - 2).fill(code),
];

/** `224:10 225:4` and what ends or follows it. */
function read(bytes: Buffer, at: number, end: number): string {
  const found: string[] = [];
  while (at < end && bytes[at] !== 255 && bytes[at] !== 0xee) {
    found.push(`${bytes[at]}:${bytes[at + 1]! + 2}`);
    at += 2 + bytes[at + 1]!;
  }
  if (at < end) found.push(bytes[at] === 255 ? 'END' : 'untouched');
  return found.join(' ');
}

// [the rule, room, which fields are free, the options, what is in options, file and sname]
for (const [rule, room, free, block, options, file, sname] of [
  [
    'what fits stays where options belong',
    23,
    'both',
    [...option(224, 10), ...option(225, 10)],
    '224:10 225:10',
    'untouched',
    'untouched',
  ],
  [
    'three octets of room are kept for saying that there is more',
    22,
    'both',
    [...option(224, 10), ...option(225, 10)],
    '224:10 52:3',
    '225:10 END',
    'untouched',
  ],
  [
    'where there is no more nothing is kept for that',
    20,
    'none',
    [...option(224, 10), ...option(225, 10)],
    '224:10 225:10',
    'untouched',
    'untouched',
  ],
  [
    'file first, to its last octet but one, which is END',
    3,
    'both',
    [...option(224, 127), ...option(225, 63)],
    '52:3',
    '224:127 END',
    '225:63 END',
  ],
  [
    'what no field has room for is left out, and what follows goes on',
    3,
    'both',
    [...option(224, 128), ...option(225, 10)],
    '52:3',
    '225:10 END',
    'untouched',
  ],
  [
    'a file that is named is no room',
    3,
    'sname',
    [...option(224, 10)],
    '52:3',
    'untouched',
    '224:10 END',
  ],
  [
    'nor is a server name',
    3,
    'file',
    [...option(224, 100), ...option(225, 60)],
    '52:3',
    '224:100 END',
    'untouched',
  ],
  [
    'the pieces of a long option stay together (RFC 3396)',
    23,
    'both',
    [...option(224, 10), ...option(225, 15), ...option(225, 15), ...option(226, 10)],
    '224:10 226:10 52:3',
    '225:15 225:15 END',
    'untouched',
  ],
] as const) {
  test(rule, () => {
    const there = fields(room, free);
    const end = pack(there, Uint8Array.from(block));
    assert.ok(end <= there.end);
    assert.equal(read(there.bytes, OPTIONS, end), options);
    assert.equal(read(there.bytes, FILE, FILE + 128), file);
    assert.equal(read(there.bytes, SNAME, SNAME + 64), sname);
    const value = (file === 'untouched' ? 0 : 1) | (sname === 'untouched' ? 0 : 2);
    if (value > 0) assert.equal(there.bytes[end - 1], value, 'option 52 names the fields');
    assert.equal(there.bytes[end], 0xee, 'nothing is written behind');
  });
}
