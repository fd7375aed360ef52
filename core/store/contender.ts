import { orAborted } from "../lib/abort.ts";
import { type Backoff, waitMsAfter } from "../lib/backoff.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { MemoryStore } from "./memory_store.ts";
import type { Observation, Owner, SharedEngine, Tenure } from "./shared_engine.ts";

const RETRY: Backoff = { firstMs: 100, maxMs: 5_000, factor: 2 };

export interface ContenderOptions {
  engine: SharedEngine;
  /** Follows, until this server owns the engine. */
  store: MemoryStore;
  clock: Clock;
  log: Log;
}

/**
 * One of several servers that share an engine: shows in its store what the owner writes, and takes over when there is no
 * owner.
 *
 * States move forward only: following, then owning. A server that is taken over ends; a new process starts over.
 */
export class Contender {
  readonly #options: ContenderOptions;
  readonly #self = Promise.withResolvers<Owner>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #won = Promise.withResolvers<Tenure>();
  #owner: Owner | undefined;
  #claimed: Tenure | undefined;
  #tenure: Tenure | undefined;
  #fault: Error | undefined;

  constructor(options: ContenderOptions) {
    this.#options = options;
  }

  /** Where the owner is, as far as it is known. */
  get owner(): Owner | undefined {
    return this.#owner;
  }

  /** Set once this server owns the engine and its store takes writes. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** Why the engine cannot be followed at the moment. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Resolves when it is known who owns the engine, and the store shows all that there is. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Resolves when this server owns the engine and its store takes writes. */
  get won(): Promise<Tenure> {
    return this.#won.promise;
  }

  /** Makes this server a candidate: it takes over, under this name, when there is no owner. */
  contend(self: Owner): void {
    this.#self.resolve(self);
  }

  /**
   * Follows and waits; resolves when this server owns the engine. Rejects only with the signal's reason; what was
   * claimed by then is given up.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#followUntilOwner(signal);
    } catch (error) {
      await this.#claimed?.journal.close();
      throw error;
    }
  }

  async #followUntilOwner(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 0; !this.#tenure;) {
      try {
        await this.#follow(signal, () => failures = 0);
      } catch (error) {
        signal.throwIfAborted();
        if (failures === 0) log.warn("Cannot follow the store: trying again", { error });
        this.#fault = error as Error;
        await clock.sleep(waitMsAfter(++failures, RETRY), signal);
      }
    }
  }

  async #follow(signal: AbortSignal, onProgress: () => void): Promise<void> {
    for await (const observation of this.#options.engine.follow(signal)) {
      this.#fault = undefined;
      onProgress();
      if (await this.#apply(observation, signal)) return;
    }
  }

  /** Whether this server owns the engine now and has seen all that was written before. */
  async #apply(observation: Observation, signal: AbortSignal): Promise<boolean> {
    const { engine, store, log } = this.#options;
    if ("loaded" in observation) store.replace(observation.loaded);
    else if ("batch" in observation) store.show(observation.batch);
    else if (observation.owner) this.#noteOwner(observation.owner);
    else this.#claimed ??= await engine.claim(await orAborted(this.#self.promise, signal));
    const claimed = this.#claimed;
    if (!claimed || store.revision < claimed.revision) return false;
    const self = await this.#self.promise;
    signal.throwIfAborted(); // asked to end meanwhile
    this.#owner = self;
    this.#tenure = claimed;
    store.lead(claimed.journal);
    log.info("This server owns the store", { address: self.address });
    this.#settled.resolve();
    this.#won.resolve(claimed);
    return true;
  }

  #noteOwner(owner: Owner): void {
    if (this.#claimed) return; // it is this server
    if (owner.id !== this.#owner?.id) {
      this.#options.log.info("Another server owns the store", { address: owner.address });
    }
    this.#owner = owner;
    this.#settled.resolve();
  }
}
