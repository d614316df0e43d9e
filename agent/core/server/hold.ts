import type { Offer } from './offers.ts';
import type { ServerState } from './state.ts';

/**
 * The most offers held: a hundred thousand DISCOVERs a second, all forged, leave a real client 2.6 s to answer its
 * offer, and their memory is bounded by some 40 MB.
 */
const OFFERS_MAX = 262_144;

/** Holds the address in `state.choice` for the client: nobody else is offered it. */
export function holdOffer(state: ServerState): Offer {
  const { offers, choice, request, plan } = state;
  const { address, pool, origin, leftAt } = choice;
  if (origin === 'aged') pool!.aged.drop();
  else if (origin !== 'recycled') pool?.addresses.take(address);
  const other = offers.ofAddress(address);
  if (other !== null) offers.remove(other);
  if (offers.size >= OFFERS_MAX) dropOffer(state, offers.oldest()!);
  return offers.add(
    address,
    request.hash,
    request.check,
    request.now + plan.config.offerTime,
    leftAt,
  );
}

/** Forgets an offer; the address goes back to where it came from. */
export function dropOffer(state: ServerState, offer: Offer): void {
  const { offers, leases, plan, probes } = state;
  const { address, leftAt, probe } = offer;
  offers.remove(offer);
  if (probe === 'running') probes.finish(address);
  const status = leases.stateOf(address);
  if (status === 'free') {
    plan.freed(address);
  } else if (leftAt >= 0 && (status === 'released' || status === 'expired')) {
    const subnet = plan.subnetOf(address);
    if (subnet !== null) plan.poolOf(address, subnet)?.aged.unshift(address, leftAt);
  }
}

/** Drops the offers that ended by `now`. */
export function endOffers(state: ServerState, now: number): void {
  const { offers } = state;
  for (
    let offer = offers.oldest();
    offer !== null && offer.expires <= now;
    offer = offers.oldest()
  ) {
    dropOffer(state, offer);
  }
}
