import { DHCPDISCOVER, OPTIONS } from '../../../codec/v4/header.ts';
import { SLOT } from '../ring.ts';
import { OPTION } from './request.ts';

/**
 * Whether the packet in a slot looks like a DHCPDISCOVER, by its first option, which is the message type in what every
 * client sends. Only to decide what is read first; who puts it elsewhere is read with the others.
 */
export function isDiscover(ring: Uint8Array, meta: Uint32Array, word: number): boolean {
  const start = meta[word + SLOT.START]!;
  const headers = (ring[start]! & 15) * 4 + 8;
  const at = start + headers + OPTIONS;
  if (headers + OPTIONS + 3 > meta[word + SLOT.LENGTH]!) return false;
  return ring[at] === OPTION.messageType && ring[at + 1] === 1 && ring[at + 2] === DHCPDISCOVER;
}
