import { ConflictError, type Entry, type Store } from "../store.ts";
import type { Sealer } from "./sealer.ts";
import { newSecretKey, type SecretKey } from "./secret_keys.ts";

/** Secrets that are written anew at once. */
const AT_ONCE = 32;
/** Passes over all secrets: each finds those that somebody else has written meanwhile under the old key. */
const PASSES_MAX = 10;

/** Where the keys are kept. Durable when it resolves: the old content or the new one, whatever happens. */
export type SaveKeys = (keys: readonly SecretKey[]) => Promise<void>;

export interface Rotated {
  /** How many secrets were written anew. */
  rewritten: number;
  /** The key that is in use now. */
  key: string;
  /** How many old keys were dropped. */
  dropped: number;
}

/**
 * Encrypts all secrets with a new key. The new key is durable before anything is encrypted with it, and the old ones are
 * dropped only when nothing is under them: killed anywhere in between, a server finds all keys that it needs, and the
 * next rotation goes on. Throws, and keeps all keys, when a secret cannot be written.
 *
 * Writing one anew is a change like any other: it gets a new resourceVersion, and watchers hear of it.
 */
export async function rotate(
  { store, sealer, save, createdAt }: {
    store: Store;
    sealer: Sealer;
    save: SaveKeys;
    createdAt: string;
  },
): Promise<Rotated> {
  const old = sealer.keys;
  const key = newSecretKey(createdAt);
  await save([key, ...old]);
  sealer.use([key, ...old]);
  let rewritten = 0;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const stale = staleIn(store, sealer);
    for (let at = 0; at < stale.length; at += AT_ONCE) {
      await Promise.all(stale.slice(at, at + AT_ONCE).map((entry) => rewrite(store, entry)));
    }
    rewritten += stale.length;
    await store.settled();
    if (stale.length === 0) break;
  }
  if (staleIn(store, sealer).length > 0 || sealer.isInDoubt) {
    throw new Error("not all secrets are under the new key yet; all keys are kept: rotate again");
  }
  await save([key]);
  sealer.use([key]);
  return { rewritten, key: key.id, dropped: old.length };
}

function staleIn(store: Store, sealer: Sealer): Entry[] {
  return [...sealer.secretKinds].flatMap((kind) =>
    store.list([kind]).filter(({ key }) => !sealer.isCurrent(key))
  );
}

async function rewrite(store: Store, { key }: Entry): Promise<void> {
  const newest = store.newest(key);
  if (!newest) return;
  try {
    await store.commit([{ key, value: newest.object, expected: newest.revision }]);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error; // else somebody has just written it
  }
}
