import { AssertionError } from "../../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { type SecretKey } from "../../core/store/encryption/secret_keys.ts";
import { type ReadyKey, readyKey } from "../../core/store/encryption/sealed_bytes.ts";
import { pathOf } from "../../core/store/kv/segment.ts";
import type { Key } from "../../core/store/store.ts";
import type { CheckpointDisk } from "./checkpoint_disk.ts";
import { fileOf, FRAME_BYTES_MAX, frameOf } from "./checkpoint_frames.ts";
import { type CurrentFile, type Found, newestWhole } from "./checkpoint_files.ts";
import { type CheckpointChange, payloadOf } from "./checkpoint_records.ts";

/** Changes of this time are written together. */
const SETTLE_MS = 1_000;
const RETRY: Backoff = { firstMs: 1_000, maxMs: 60_000, factor: 2 };
/** What may be appended to a file, however small its beginning, before all is written anew. */
const APPENDED_BYTES_MIN = 256 * 1024;

export interface CheckpointOptions {
  disk: CheckpointDisk;
  /** Encrypts what is secret. */
  key: SecretKey;
  isSecret(key: Key): boolean;
  /** Which cluster the node is in; what is kept of another one is not read. */
  cluster: string;
  clock: Clock;
  log: Log;
}

/**
 * What a node keeps of the API, to start without it: values by key, in a file to which changes are appended. Once they are
 * more than the values, a new file takes its place; the one before is kept until then and read when the newer is damaged.
 *
 * Guarantees: what is read was there at one time, whole; a change is written within seconds, with those of the same second;
 * nothing is written while nothing changes; secrets are encrypted.
 */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  readonly #key: ReadyKey;
  readonly #values: Map<string, unknown>;
  /** Paths that the file does not show as they are. */
  readonly #changed = new Set<string>();
  #position: () => unknown;
  #file: CurrentFile | undefined;
  /** The number of the newest file that there ever was. */
  #generation: number;
  #isDue = false;
  #writing: Promise<void> | undefined;
  #cancelTimer = () => {};
  #failures = 0;
  #isClosed = false;

  private constructor(options: CheckpointOptions, key: ReadyKey, found: Found) {
    this.#options = options;
    this.#key = key;
    this.#values = found.values;
    this.#position = () => found.position;
    this.#file = found.file;
    this.#generation = found.generation;
  }

  /** Reads what is there. What is damaged, of another cluster or of another version is left aside. */
  static async open(options: CheckpointOptions): Promise<Checkpoint> {
    const key = await readyKey(options.key);
    return new Checkpoint(options, key, await newestWhole({ ...options, key }));
  }

  /** Whether something was found. */
  get isKept(): boolean {
    return this.#file !== undefined;
  }

  /** As {@linkcode CheckpointChange.position}, of the last write. */
  get position(): unknown {
    return this.#position();
  }

  get(key: Key): unknown {
    return this.#values.get(pathOf(key));
  }

  /** All values, by path. */
  values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  /** From now on each write asks for the position, in the same turn in which it takes the values. */
  follow(position: () => unknown): void {
    this.#position = position;
  }

  /** `isUrgent: false`: it is written with the next change that is. The value must not change afterwards. */
  put(key: Key, value: unknown, { isUrgent }: { isUrgent: boolean } = { isUrgent: true }): void {
    const path = pathOf(key);
    this.#values.set(path, value);
    this.#changed.add(path);
    if (isUrgent) this.#writeSoon();
  }

  remove(key: Key): void {
    const path = pathOf(key);
    if (!this.#values.delete(path)) return;
    this.#changed.add(path);
    this.#writeSoon();
  }

  /** Resolves when everything so far is on the disk, or could not be written. */
  async flush(): Promise<void> {
    while (this.#isDue || this.#writing) {
      this.#cancelTimer();
      if (this.#writing === undefined) this.#start();
      await this.#writing;
      if (this.#failures > 0) return;
    }
  }

  /** Writes what is not written yet, and nothing more. */
  async close(): Promise<void> {
    await this.flush();
    this.#isClosed = true;
    this.#cancelTimer();
  }

  #writeSoon(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    if (this.#writing === undefined) this.#wait(SETTLE_MS);
  }

  #wait(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(ms, () => this.#start());
  }

  #start(): void {
    if (this.#writing !== undefined || this.#isClosed) return;
    this.#isDue = false;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#failures > 0) this.#isDue = true;
      if (this.#isDue) {
        this.#wait(this.#failures > 0 ? waitMsAfter(this.#failures, RETRY) : SETTLE_MS);
      }
    });
  }

  async #write(): Promise<void> {
    const { log } = this.#options;
    const taken = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#writeChanges(taken);
      this.#failures = 0;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      for (const path of taken) this.#changed.add(path);
      if (++this.#failures === 1) {
        log.warn("Cannot keep what this node needs to start without its server", { error });
      }
    }
  }

  /** The values and the position are taken before anything is waited for. */
  async #writeChanges(paths: readonly string[]): Promise<void> {
    const file = this.#file;
    // A newer file that is damaged would be tried first.
    if (file === undefined || file.generation < this.#generation) return await this.#writeAll();
    const set = new Map(
      paths.filter((path) => this.#values.has(path)).map((path) => [path, this.#values.get(path)]),
    );
    const gone = paths.filter((path) => !this.#values.has(path));
    const frame = frameOf(await this.#payloadOf({ set, gone }));
    const appendedBytes = file.wholeBytes - file.firstBytes + frame.length;
    if (appendedBytes > Math.max(APPENDED_BYTES_MIN, file.firstBytes)) {
      return await this.#writeAll();
    }
    await this.#options.disk.append(file.name, frame, file.wholeBytes);
    file.wholeBytes += frame.length;
  }

  async #writeAll(): Promise<void> {
    const { disk } = this.#options;
    const before = this.#file;
    const bytes = fileOf(await this.#payloadOf({ set: new Map(this.#values), gone: [] }));
    if (bytes.length > FRAME_BYTES_MAX) {
      throw new Error(`it would be ${bytes.length} bytes, more than ${FRAME_BYTES_MAX}`);
    }
    const generation = this.#generation + 1;
    const name = String(generation);
    await disk.replace(name, bytes);
    this.#generation = generation;
    this.#file = { name, generation, firstBytes: bytes.length, wholeBytes: bytes.length };
    for (const old of await disk.names()) {
      if (old !== name && old !== before?.name) await disk.remove(old);
    }
  }

  #payloadOf(change: Pick<CheckpointChange, "set" | "gone">): Promise<Uint8Array> {
    const { cluster, isSecret } = this.#options;
    return payloadOf({ ...change, cluster, position: this.#position() }, {
      key: this.#key,
      isSecret,
    });
  }
}
