import { configMaps } from "../core/resources/core/config_maps.ts";
import type { KubeObject } from "../core/resources/resource.ts";
import { KvJournal } from "../core/store/kv/kv_journal.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { Key } from "../core/store/store.ts";
import type { EtcdSample } from "./etcd.ts";
import type { Bench } from "./harness.ts";
import { temporaryFolder } from "./server.ts";
import { configMap } from "./start.ts";
import { quantile } from "./statistics.ts";

const FILLERS = 64;
/** Consecutive writes go to distant keys. */
const STRIDE = 7919;

/** Opens the store in a file as the server does. */
export async function openStore(path: string): Promise<MemoryStore> {
  return await MemoryStore.open(await KvJournal.open(path), {
    resources: [configMaps],
    freezing: "none",
  });
}

/** A store with ConfigMaps of 2 KB, and writers to it in this process. */
export class FilledStore {
  readonly path: string;
  readonly store: MemoryStore;
  readonly #object = JSON.parse(configMap("map")) as KubeObject;
  #turn = 0;

  static async open(bench: Bench): Promise<FilledStore> {
    const path = `${await temporaryFolder(bench)}/store.kv`;
    const filled = new FilledStore(path, await openStore(path));
    bench.defer(() => filled.store.close());
    return filled;
  }

  private constructor(path: string, store: MemoryStore) {
    this.path = path;
    this.store = store;
  }

  /** Writes this many objects once. */
  async fill(objects: number): Promise<void> {
    let next = 0;
    await this.#run(FILLERS, () => next < objects ? next++ : undefined);
  }

  /** Writes to the first `span` objects. */
  write(
    { writers, seconds, span }: { writers: number; seconds: number; span: number },
  ): Promise<EtcdSample> {
    const endMs = performance.now() + seconds * 1000;
    return this.#run(
      writers,
      () => performance.now() < endMs ? this.#turn++ * STRIDE % span : undefined,
    );
  }

  /** This many writes, over the first `span` objects. */
  overwrite(
    { writes, writers, span }: { writes: number; writers: number; span: number },
  ): Promise<EtcdSample> {
    let left = writes;
    return this.#run(writers, () => left-- > 0 ? this.#turn++ * STRIDE % span : undefined);
  }

  async #run(writers: number, next: () => number | undefined): Promise<EtcdSample> {
    const latenciesMs: number[] = [];
    const startMs = performance.now();
    await Promise.all(Array.from({ length: writers }, async () => {
      for (let number = next(); number !== undefined; number = next()) {
        const sentMs = performance.now();
        await this.#put(number);
        latenciesMs.push(performance.now() - sentMs);
      }
    }));
    const seconds = (performance.now() - startMs) / 1000;
    return {
      perSecond: latenciesMs.length / seconds,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
      writes: latenciesMs.length,
    };
  }

  #put(number: number): Promise<unknown> {
    const key: Key = ["configmaps", "default", `map-${number}`];
    const metadata = { ...this.#object.metadata, namespace: key[1], name: key[2] };
    const expected = this.store.newest(key)?.revision ?? 0;
    return this.store.commit([{ key, value: { ...this.#object, metadata }, expected }]);
  }
}
