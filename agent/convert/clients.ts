import { joined } from '../../codec/v4/kind.ts';
import { OPTION } from '../../codec/v4/options.ts';
import { any, type Condition, equal } from './condition.ts';
import type { Client } from './model.ts';

/** Whether a request is of a client that a reservation would be for. */
export function conditionOf(client: Client): Condition {
  const octets = { kind: 'octets', octets: client.octets } as const;
  switch (client.kind) {
    case 'hardwareAddress':
      return equal({ kind: 'hardware' }, octets);
    case 'clientId': {
      const id = { kind: 'option', code: OPTION.clientIdentifier } as const;
      if (!client.isText) return equal(id, octets);
      // RFC 2132 §9.14: type 0 is in front of what is no hardware address; not all clients send it.
      const typed = joined([Uint8Array.of(0), client.octets]);
      return any([equal(id, octets), equal(id, { kind: 'octets', octets: typed })]);
    }
    case 'circuitId':
      return equal({ kind: 'relay', code: 1 }, octets);
    case 'remoteId':
      return equal({ kind: 'relay', code: 2 }, octets);
    case 'option':
      return equal({ kind: 'option', code: client.code }, octets);
  }
}
