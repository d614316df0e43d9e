import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../codec/hardware.ts';
import { formatIpv4 } from '../../codec/ipv4.ts';
import { UsageError } from '../cli.ts';
import { parseFilter } from './filter.ts';
import { parseClientId, parseQuestion, type QuestionTexts } from './question.ts';

const MAC = '02:00:00:00:00:0a';

test('a question is what the options say', () => {
  const question = parseQuestion({
    mac: MAC,
    'client-id': 'desk',
    giaddr: '192.0.2.1',
    'circuit-id': 'port 7',
    'remote-id': '0x0102',
    'link-selection': '198.51.100.1',
    requested: '192.0.2.9',
    arch: 'x64-uefi',
    'vendor-class': 'PXEClient',
    'user-class': 'iPXE',
    hostname: 'pc',
    ask: 'routers,6',
  });
  assert.equal(hex(question.hardwareAddress), '02000000000a');
  assert.equal(hex(question.clientId!), '006465736b');
  assert.equal(formatIpv4(question.giaddr!), '192.0.2.1');
  assert.equal(Buffer.from(question.circuitId!).toString(), 'port 7');
  assert.equal(hex(question.remoteId!), '0102');
  assert.equal(formatIpv4(question.linkSelection!), '198.51.100.1');
  assert.equal(formatIpv4(question.requestedAddress!), '192.0.2.9');
  assert.equal(question.architecture, 7);
  assert.deepEqual(question.ask, [3, 6]);
  assert.equal(parseQuestion({ mac: MAC, arch: '65000' }).architecture, 65_000);
});

for (const [text, want] of [
  ['desk', { text: 'desk' }],
  ['01:02:00:00:00:00:0a', { hex: '0102000000000a' }],
  ['0x0102', { hex: '0102' }],
  ['0X0102', { hex: '0102' }],
  // Hex without colons could be anybody's name.
  ['deadbeef', { text: 'deadbeef' }],
  ['pc:7', { text: 'pc:7' }],
] as const) {
  test(`--client-id ${text} is ${JSON.stringify(want)}`, () => {
    const found = parseClientId(text);
    assert.deepEqual('hex' in found ? { hex: hex(found.hex) } : found, want);
  });
}

const refused = (parse: () => unknown, message: RegExp): void => {
  assert.throws(parse, (error: Error) => {
    assert.ok(error instanceof UsageError);
    assert.doesNotMatch(error.message, /\n/);
    assert.match(error.message, message);
    return true;
  });
};

for (const [texts, message] of [
  [{}, /^say which client: --mac/],
  [{ mac: `02:00${':00'.repeat(15)}` }, /^--mac 02:.*write a hardware address/],
  [{ mac: 'x' }, /^--mac x: write/],
  [{ mac: MAC, 'client-id': '0x123' }, /^--client-id 0x123: after 0x/],
  [{ mac: MAC, 'client-id': '' }, /^--client-id: write 1 to 254/],
  [{ mac: MAC, 'client-id': 'a'.repeat(255) }, /^--client-id: write 1 to 254/],
  [{ mac: MAC, giaddr: '192.0.2.256' }, /^--giaddr 192.0.2.256: write an IPv4/],
  [{ mac: MAC, 'circuit-id': '0xz' }, /^--circuit-id 0xz: write 1 to 255/],
  [{ mac: MAC, 'vendor-class': '' }, /^--vendor-class : write 1 to 255/],
  [{ mac: MAC, arch: 'vax' }, /^--arch vax: write a number/],
  [{ mac: MAC, arch: '65536' }, /^--arch 65536: write a number/],
  [{ mac: MAC, ask: 'router' }, /^--ask router: write names/],
  [{ mac: MAC, ask: '255' }, /^--ask 255: write names/],
] as const) {
  test(`a question is refused in one line: ${JSON.stringify(texts).slice(0, 60)}`, () => {
    refused(() => parseQuestion(texts as QuestionTexts), message);
  });
}

test('a filter takes states in any case, and several', () => {
  const { states } = parseFilter({ state: 'bound,Quarantined' });
  assert.deepEqual([...states!], ['Bound', 'Quarantined']);
});

for (const [texts, message] of [
  [{ address: '192.0.2' }, /^192.0.2 is not an IPv4 address/],
  [{ mac: '1' }, /^--mac 1: write/],
  [{ state: 'offered' }, /^--state offered: use one of Reserved, Bound/],
] as const) {
  test(`a filter is refused in one line: ${JSON.stringify(texts)}`, () => {
    refused(() => parseFilter(texts), message);
  });
}
