import type { Key } from "../../core/store/store.ts";
import type { KeptTokens, KnownToken, WantedToken } from "../volumes/pod_tokens.ts";
import type { KeptValues } from "./kept_objects.ts";
import { OWN_KINDS } from "./own_kinds.ts";

/** A token with more than this part of its life left is not written again for a newer one. */
const WORTH_KEEPING = 0.5;

/** A token that is kept, and since when. */
interface Kept extends KnownToken {
  sinceMs: number;
}

/**
 * Keeps the tokens of a node's pods, encrypted, for an agent that starts without the server. Not each renewal is written:
 * what is kept has at least half of its life left, as long as it is renewed at all.
 */
export class CheckpointTokens implements KeptTokens {
  readonly #checkpoint: KeptValues;
  readonly #clock: { now(): number };

  constructor(checkpoint: KeptValues, clock: { now(): number }) {
    this.#checkpoint = checkpoint;
    this.#clock = clock;
  }

  get(podUid: string, wanted: WantedToken): KnownToken | undefined {
    const kept = this.#get(keyOf(podUid, wanted));
    return kept && { ...kept };
  }

  keep(wanted: WantedToken, known: KnownToken): void {
    const key = keyOf(known.podUid, wanted);
    const sinceMs = this.#clock.now();
    const before = this.#get(key);
    if (before && leftOf(before, sinceMs) > WORTH_KEEPING) return;
    this.#checkpoint.put(key, { ...known, sinceMs } satisfies Kept);
  }

  forget(podUid: string): void {
    const prefix = `${OWN_KINDS.tokens}/${podUid}/`;
    for (const path of [...this.#checkpoint.values().keys()]) {
      if (!path.startsWith(prefix)) continue;
      this.#checkpoint.remove([OWN_KINDS.tokens, podUid, path.slice(prefix.length)]);
    }
  }

  #get(key: Key): Kept | undefined {
    return this.#checkpoint.get(key) as Kept | undefined; // as `keep` has put it
  }
}

function leftOf({ sinceMs, endsAtMs }: Kept, nowMs: number): number {
  return (endsAtMs - nowMs) / Math.max(1, endsAtMs - sinceMs);
}

function keyOf(podUid: string, { audience, expirationSeconds }: WantedToken): Key {
  return [OWN_KINDS.tokens, podUid, `${expirationSeconds} ${audience}`];
}
