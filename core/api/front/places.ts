import type { Phase } from "./deadlines.ts";
import {
  AUTHENTICATED_MAX,
  AUTHENTICATED_PER_USER_MAX,
  HANDSHAKES_MAX,
  TUNNELS_MAX,
  UNAUTHENTICATED_BYTES_MAX,
  UNAUTHENTICATED_MAX,
  UNAUTHENTICATED_PER_ADDRESS_MAX,
} from "./limits.ts";

/** The part of its time that a handshake is left alone when there is no room for others. */
const PATIENT_SHARE = 1 / 40;

/** What decides which connection is evicted. */
export interface Place {
  readonly address: string;
  readonly phase: Phase;
  /** When the phase began. */
  readonly phaseSinceMs: number;
  /** The authenticated user; absent: none yet, or the admin, for whom no limit per user holds. */
  readonly user?: string | undefined;
}

export interface PlaceLimits {
  unauthenticatedMax: number;
  unauthenticatedPerAddressMax: number;
  authenticatedMax: number;
  authenticatedPerUserMax: number;
}

/** With what has no places. */
export interface FrontLimits extends PlaceLimits {
  tunnelsMax: number;
}

export const PLACE_LIMITS: FrontLimits = {
  unauthenticatedMax: UNAUTHENTICATED_MAX,
  unauthenticatedPerAddressMax: UNAUTHENTICATED_PER_ADDRESS_MAX,
  authenticatedMax: AUTHENTICATED_MAX,
  authenticatedPerUserMax: AUTHENTICATED_PER_USER_MAX,
  tunnelsMax: TUNNELS_MAX,
};

/** The order of eviction: idle connections, then those slow to send a request. */
const RANK: Readonly<Record<Phase, number>> = {
  closing: 0,
  idle: 1,
  head: 2,
  handshake: 3,
  request: 4,
  stream: 4,
};

/**
 * The unauthenticated connection to close so that one more from `address` fits; `undefined`: there is room. Those from the
 * same address go first. Authenticated connections are never evicted for it.
 */
export function unauthenticatedToEvict<P extends Place>(
  unauthenticated: ReadonlySet<P>,
  address: string,
  { unauthenticatedMax, unauthenticatedPerAddressMax }: PlaceLimits = PLACE_LIMITS,
): P | undefined {
  if (unauthenticated.size >= Math.min(unauthenticatedPerAddressMax, unauthenticatedMax)) {
    const neighbours = [...unauthenticated].filter((one) => one.address === address);
    if (neighbours.length >= unauthenticatedPerAddressMax) return firstToEvict(neighbours);
  }
  return unauthenticated.size >= unauthenticatedMax ? firstToEvict(unauthenticated) : undefined;
}

/**
 * How long newcomers should wait in the kernel's queue because all places of handshakes are taken and the oldest one has
 * not had its time; 0 or less: not at all. The oldest comes first.
 */
export function patienceMs(
  handshakes: ReadonlySet<Pick<Place, "phaseSinceMs">>,
  { nowMs, handshakeMs }: { nowMs: number; handshakeMs: number },
): number {
  if (handshakes.size < HANDSHAKES_MAX) return 0;
  const [oldest] = handshakes;
  return oldest!.phaseSinceMs + handshakeMs * PATIENT_SHARE - nowMs;
}

/**
 * The connection to close so that the just authenticated `newcomer` fits; `undefined`: there is room. A user at the limit
 * per user evicts an own connection. Requests in flight are never evicted: then the newcomer itself goes.
 */
export function authenticatedToEvict<P extends Place>(
  authenticated: ReadonlySet<P>,
  newcomer: P,
  { authenticatedMax, authenticatedPerUserMax }: PlaceLimits = PLACE_LIMITS,
): P | undefined {
  const { user } = newcomer;
  if (user !== undefined && authenticated.size >= authenticatedPerUserMax) {
    const own = [...authenticated].filter((one) => one.user === user);
    if (own.length >= authenticatedPerUserMax) return firstWithoutRequest(own) ?? newcomer;
  }
  return authenticated.size < authenticatedMax
    ? undefined
    : firstWithoutRequest([...authenticated]) ?? newcomer;
}

/** The connections to close, those with the most buffered bytes first, so that the rest stays within `bytesMax`. */
export function heaviestToEvict<P extends { readonly waitingBytes: number }>(
  unauthenticated: Iterable<P>,
  bytesMax = UNAUTHENTICATED_BYTES_MAX,
): P[] {
  const waiting = [...unauthenticated].filter(({ waitingBytes }) => waitingBytes > 0);
  let sum = waiting.reduce((bytes, { waitingBytes }) => bytes + waitingBytes, 0);
  if (sum <= bytesMax) return [];
  const evicted: P[] = [];
  for (const one of waiting.sort((a, b) => b.waitingBytes - a.waitingBytes)) {
    if (sum <= bytesMax) break;
    evicted.push(one);
    sum -= one.waitingBytes;
  }
  return evicted;
}

function firstWithoutRequest<P extends Place>(places: readonly P[]): P | undefined {
  return firstToEvict(places.filter(({ phase }) => phase !== "request"));
}

function firstToEvict<P extends Place>(places: Iterable<P>): P | undefined {
  let first: P | undefined;
  for (const one of places) if (first === undefined || isEvictedBefore(one, first)) first = one;
  return first;
}

function isEvictedBefore(a: Place, b: Place): boolean {
  if (a.phase !== b.phase) return RANK[a.phase] < RANK[b.phase];
  return a.phaseSinceMs < b.phaseSinceMs;
}
