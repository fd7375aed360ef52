import {
  isSealed,
  keyIdIn,
  type ReadyKey,
  seal,
  unseal,
} from "../../core/store/encryption/sealed_bytes.ts";
import { keyOf } from "../../core/store/kv/segment.ts";
import type { Key } from "../../core/store/store.ts";

/** What one frame says: all that there is, or what has changed since the frame before. */
export interface CheckpointChange {
  /** Which cluster it is of: what another one has said does not count. */
  readonly cluster: string;
  readonly position: unknown;
  /** By path, as {@linkcode pathOf} gives it. */
  readonly set: ReadonlyMap<string, unknown>;
  readonly gone: readonly string[];
}

/** Its JSON. `sealed`: values that are encrypted, in Base64. */
interface Payload {
  cluster: string;
  position: unknown;
  set: Record<string, unknown>;
  sealed: Record<string, string>;
  gone: readonly string[];
}

export interface SealOptions {
  key: ReadyKey;
  isSecret(key: Key): boolean;
}

/** The payload of a frame. What is secret is encrypted, and bound to its path. */
export async function payloadOf(
  { cluster, position, set, gone }: CheckpointChange,
  { key, isSecret }: SealOptions,
): Promise<Uint8Array> {
  const all = [...set].map(([path, value]) => ({ path, value, of: keyOf(path) }));
  const secret = all.filter(({ of }) => isSecret(of));
  const open = all.filter(({ of }) => !isSecret(of));
  const sealed = await Promise.all(secret.map(async ({ path, value, of }) => {
    const bytes = await seal(key, { key: of, revision: 0 }, bytesOf(value));
    return [path, bytes.toBase64()] as const;
  }));
  return bytesOf(
    {
      cluster,
      position,
      set: Object.fromEntries(open.map(({ path, value }) => [path, value])),
      sealed: Object.fromEntries(sealed),
      gone,
    } satisfies Payload,
  );
}

/** The reverse. Throws when it is damaged, or encrypted with another key. */
export async function changeIn(payload: Uint8Array, key: ReadyKey): Promise<CheckpointChange> {
  const { cluster, position, set, sealed, gone } = valueOf(payload) as Payload;
  const opened = await Promise.all(
    Object.entries(sealed).map(async ([path, text]) => {
      const bytes = Uint8Array.fromBase64(text);
      if (!isSealed(bytes) || keyIdIn(bytes) !== key.id) throw new Error("its key is not there");
      return [path, valueOf(await unseal(key, keyOf(path), bytes))] as const;
    }),
  );
  return { cluster, position, set: new Map([...Object.entries(set), ...opened]), gone };
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function valueOf(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}
