import { assert } from "../../lib/assert.ts";
import type { JournalWrite, Loaded } from "../journal.ts";
import type { SeenWrite } from "../shared_engine.ts";
import type { Key, Revision } from "../store.ts";
import { isSealed, keyIdIn, type ReadyKey, readyKey, seal, unseal } from "./sealed_bytes.ts";
import type { SecretKey } from "./secret_keys.ts";

/** Rows that are decrypted at once. */
const AT_ONCE = 256;

/** The store holds what is encrypted with a key that is not there. */
export class MissingKeyError extends Error {
  override name = "MissingKeyError";
}

type Row = Loaded["rows"][number];

/** Encrypts objects of secret kinds, decrypts what is encrypted, and knows which key each is under. */
export class Sealer {
  readonly #secretKinds: ReadonlySet<string>;
  readonly #keyFile: string;
  #keys: readonly SecretKey[];
  readonly #ready = new Map<string, Promise<ReadyKey>>();
  /** The key that each secret object is under, by path; `""`: none, it is plain. */
  readonly #keyOf = new Map<string, string>();
  /** Objects whose write is not known to be durable. */
  #isInDoubt = false;

  /** `keyFile`: where the keys are, for messages. Without keys nothing is encrypted. */
  constructor(
    { secretKinds, keys, keyFile }: {
      secretKinds: ReadonlySet<string>;
      keys: readonly SecretKey[];
      keyFile: string;
    },
  ) {
    this.#secretKinds = secretKinds;
    this.#keys = keys;
    this.#keyFile = keyFile;
  }

  get secretKinds(): ReadonlySet<string> {
    return this.#secretKinds;
  }

  get keys(): readonly SecretKey[] {
    return this.#keys;
  }

  /** Uses the first of these keys from now on for what is written, all of them for what is read. */
  use(keys: readonly SecretKey[]): void {
    this.#keys = keys;
  }

  /** Whether the last write of a secret may or may not be durable. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Whether the object is known to be encrypted with the key that is in use. */
  isCurrent(key: Key): boolean {
    const [current] = this.#keys;
    return current !== undefined && this.#keyOf.get(key.join("/")) === current.id;
  }

  isSecret([resource]: Key): boolean {
    return this.#secretKinds.has(resource);
  }

  async seal(key: Key, revision: Revision, bytes: Uint8Array): Promise<Uint8Array> {
    const [current] = this.#keys;
    return current ? await seal(await this.#readyKey(current), { key, revision }, bytes) : bytes;
  }

  /** Throws {@linkcode MissingKeyError}. */
  async open(key: Key, bytes: Uint8Array): Promise<Uint8Array> {
    if (!isSealed(bytes)) return bytes;
    const id = keyIdIn(bytes);
    const known = this.#keys.find((one) => one.id === id);
    if (!known) throw new MissingKeyError(missingKeyText(id, this.#keyFile));
    try {
      return await unseal(await this.#readyKey(known), key, bytes);
    } catch {
      throw new Error(
        `Cannot decrypt ${
          key.join("/")
        }: it is damaged, or was changed by somebody without the key`,
      );
    }
  }

  /** The rows in the clear. */
  async opened(rows: readonly Row[]): Promise<Row[]> {
    const opened: Row[] = [];
    let sealed: Row[] = [];
    const flush = async () => {
      opened.push(
        ...await Promise.all(sealed.map(async ({ key, bytes }) => ({
          key,
          bytes: await this.open(key, bytes),
        }))),
      );
      sealed = [];
    };
    for (const row of rows) {
      if (this.isSecret(row.key)) this.#note(row.key, row.bytes);
      if (!isSealed(row.bytes)) opened.push(row);
      else if (sealed.push(row) >= AT_ONCE) await flush();
    }
    await flush();
    return opened;
  }

  async openedWrites(writes: readonly SeenWrite[]): Promise<readonly SeenWrite[]> {
    if (!writes.some(({ key, value }) => this.isSecret(key) || (value && isSealed(value)))) {
      return writes;
    }
    return await Promise.all(writes.map(async (write) => {
      if (this.isSecret(write.key)) this.#note(write.key, write.value);
      if (write.value === undefined) return write;
      return { key: write.key, value: await this.open(write.key, write.value) };
    }));
  }

  /** Writes to be noted as durable, or in doubt, once it is known. */
  noteWrites(writes: readonly JournalWrite[], keyIdOfBlob: (write: JournalWrite) => string): void {
    for (const write of writes) {
      if (!this.isSecret(write.key)) continue;
      const { value } = write;
      const path = write.key.join("/");
      if (value === undefined) this.#keyOf.delete(path);
      else if ("blob" in value) this.#keyOf.set(path, keyIdOfBlob(write));
      else this.#note(write.key, value);
    }
    this.#isInDoubt = false;
  }

  noteDoubt(): void {
    this.#isInDoubt = true;
  }

  #note(key: Key, bytes: Uint8Array | undefined): void {
    const path = key.join("/");
    if (bytes === undefined) this.#keyOf.delete(path);
    else this.#keyOf.set(path, isSealed(bytes) ? keyIdIn(bytes) : "");
  }

  #readyKey(secretKey: SecretKey): Promise<ReadyKey> {
    let ready = this.#ready.get(secretKey.id);
    if (!ready) this.#ready.set(secretKey.id, ready = readyKey(secretKey));
    assert(this.#ready.size < 1_000, "there are few keys");
    return ready;
  }
}

export function missingKeyText(id: string, keyFile: string): string {
  return `Cannot read the secrets in the store: they are encrypted with the key ${id}, which is not in ` +
    `"${keyFile}"; put the file back that has it: from the data folder of the server that wrote them, ` +
    "or from a backup that was made with --with-secret-keys";
}
