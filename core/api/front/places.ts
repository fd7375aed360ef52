import type { Phase } from "./deadlines.ts";
import {
  KNOWN_CONNECTIONS_MAX,
  KNOWN_PER_USER_MAX,
  STRANGER_BYTES_MAX,
  STRANGERS_MAX,
  STRANGERS_PER_ADDRESS_MAX,
} from "./limits.ts";

/** A connection, as far as it matters when there are too many. */
export interface Place {
  readonly address: string;
  readonly phase: Phase;
  /** When the phase began. */
  readonly phaseSinceMs: number;
  /** Who has shown who he is there; absent: nobody yet, or the admin, who may take all places. */
  readonly user?: string | undefined;
}

export interface PlaceLimits {
  strangersMax: number;
  strangersPerAddressMax: number;
  knownMax: number;
  knownPerUserMax: number;
}

export const PLACE_LIMITS: PlaceLimits = {
  strangersMax: STRANGERS_MAX,
  strangersPerAddressMax: STRANGERS_PER_ADDRESS_MAX,
  knownMax: KNOWN_CONNECTIONS_MAX,
  knownPerUserMax: KNOWN_PER_USER_MAX,
};

/** Who goes first: those who do nothing, then those who are slow to say what they want. */
const RANK: Readonly<Record<Phase, number>> = {
  closing: 0,
  idle: 1,
  head: 2,
  handshake: 3,
  request: 4,
};

/**
 * The stranger that has to go so that one more from `address` has a place; `undefined`: there is room. Those of the
 * same address make room first. Whoever has shown who he is never goes for a stranger: they are counted apart.
 */
export function strangerToClose<P extends Place>(
  strangers: ReadonlySet<P>,
  address: string,
  { strangersMax, strangersPerAddressMax }: PlaceLimits = PLACE_LIMITS,
): P | undefined {
  if (strangers.size >= Math.min(strangersPerAddressMax, strangersMax)) {
    const neighbours = [...strangers].filter((one) => one.address === address);
    if (neighbours.length >= strangersPerAddressMax) return firstToGo(neighbours);
  }
  return strangers.size >= strangersMax ? firstToGo(strangers) : undefined;
}

/**
 * The connection that has to go so that `newcomer`, who has just shown who he is, has a place among the known: one of his
 * own when he has as many as a user may have.
 */
export function knownToClose<P extends Place>(
  known: ReadonlySet<P>,
  newcomer: P,
  { knownMax, knownPerUserMax }: PlaceLimits = PLACE_LIMITS,
): P | undefined {
  const { user } = newcomer;
  if (user !== undefined && known.size >= knownPerUserMax) {
    const own = [...known].filter((one) => one.user === user);
    if (own.length >= knownPerUserMax) return firstResting(own) ?? newcomer;
  }
  return known.size < knownMax ? undefined : firstResting([...known]) ?? newcomer;
}

/** The strangers to close so that what waits for the rest fits in `bytesMax`: the greediest first. */
export function greediest<P extends { readonly waitingBytes: number }>(
  strangers: Iterable<P>,
  bytesMax = STRANGER_BYTES_MAX,
): P[] {
  const waiting = [...strangers].filter(({ waitingBytes }) => waitingBytes > 0);
  let sum = waiting.reduce((bytes, { waitingBytes }) => bytes + waitingBytes, 0);
  if (sum <= bytesMax) return [];
  const greedy: P[] = [];
  for (const one of waiting.sort((a, b) => b.waitingBytes - a.waitingBytes)) {
    if (sum <= bytesMax) break;
    greedy.push(one);
    sum -= one.waitingBytes;
  }
  return greedy;
}

function firstResting<P extends Place>(places: readonly P[]): P | undefined {
  return firstToGo(places.filter(({ phase }) => phase !== "request"));
}

function firstToGo<P extends Place>(places: Iterable<P>): P | undefined {
  let first: P | undefined;
  for (const one of places) if (first === undefined || goesBefore(one, first)) first = one;
  return first;
}

function goesBefore(a: Place, b: Place): boolean {
  if (a.phase !== b.phase) return RANK[a.phase] < RANK[b.phase];
  return a.phaseSinceMs < b.phaseSinceMs;
}
