import {
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerState,
  type ExecResult,
  type Image,
  type ListedImage,
  type RegistryCredentials,
  RuntimeError,
} from "../../agent/runtimes/container_runtime.ts";
import type { SimulatedRuntime } from "../../agent/runtimes/simulated/simulated_runtime.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import { type Lifetime, NEVER, pause } from "./lifetime.ts";

/** The quality of a runtime. `failure`: chance per call; half of the failures come after the work was done. */
export interface RuntimeQuality {
  failure: number;
  lateMaxMs: number;
  /** Chance that an exit is not reported. */
  silence: number;
}
export const GOOD_RUNTIME: RuntimeQuality = { failure: 0, lateMaxMs: 2, silence: 0 };

export interface FaultyRuntimeOptions {
  clock: Clock;
  random: Random;
  quality: RuntimeQuality;
  /** Of the agent that calls. */
  lifetime: Lifetime;
  onStop(podUid: string): void;
  /** `isOrphaned`: the agent that asked for the start has been killed since. */
  onStart(container: ContainerState, isOrphaned: boolean): void;
}

/**
 * A machine's containers as one agent sees them: slow and failing. What a killed agent asked for is still done, but
 * nobody is notified.
 */
export class FaultyRuntime implements ContainerRuntime {
  readonly name = "simulated";
  readonly version: string;
  readonly logFormat = "cri";
  readonly #machine: SimulatedRuntime;
  readonly #options: FaultyRuntimeOptions;

  constructor(machine: SimulatedRuntime, options: FaultyRuntimeOptions) {
    this.#machine = machine;
    this.#options = options;
    this.version = machine.version;
  }

  list(): Promise<readonly ContainerState[]> {
    return this.#call(() => this.#machine.list());
  }

  inspect(id: string): Promise<ContainerState | undefined> {
    return this.#call(() => this.#machine.inspect(id));
  }

  findImage(image: string): Promise<Image | undefined> {
    return this.#call(() => this.#machine.findImage(image));
  }

  pullImage(image: string, credentials?: RegistryCredentials): Promise<Image> {
    return this.#call(() => this.#machine.pullImage(image, credentials));
  }

  listImages(): Promise<readonly ListedImage[]> {
    return this.#call(() => this.#machine.listImages());
  }

  removeImage(id: string): Promise<void> {
    return this.#call(() => this.#machine.removeImage(id));
  }

  create(spec: ContainerSpec): Promise<string> {
    return this.#call(() => this.#machine.create(spec));
  }

  start(id: string): Promise<void> {
    const { lifetime, onStart } = this.#options;
    return this.#call(async () => {
      await this.#machine.start(id);
      const container = this.#machine.containers.find((candidate) => candidate.id === id);
      if (container?.state === "running") onStart(container, lifetime.isOver);
    });
  }

  stop(id: string, graceMs: number): Promise<void> {
    return this.#call(() => {
      const container = this.#machine.containers.find((candidate) => candidate.id === id);
      if (container?.state === "running") this.#options.onStop(container.podUid);
      return this.#machine.stop(id, graceMs);
    });
  }

  remove(id: string): Promise<void> {
    return this.#call(() => this.#machine.remove(id));
  }

  exec(): Promise<ExecResult> {
    return this.#call(() => this.#machine.exec());
  }

  openExec(
    ...asked: Parameters<SimulatedRuntime["openExec"]>
  ): ReturnType<SimulatedRuntime["openExec"]> {
    return this.#call(() => this.#machine.openExec(...asked));
  }

  attach(): Promise<undefined> {
    return this.#call(() => this.#machine.attach());
  }

  onExit(listener: (id: string) => void): () => void {
    const { random, quality, lifetime } = this.#options;
    const stop = this.#machine.onExit((id) => {
      if (!random.chance(quality.silence)) listener(id);
    });
    lifetime.defer(stop);
    return stop;
  }

  collectGarbage(): Promise<void> {
    return this.#call(() => this.#machine.collectGarbage());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    const { lifetime, clock, random, quality } = this.#options;
    if (lifetime.isOver) return await NEVER;
    await pause(clock, random.integer(quality.lateMaxMs + 1));
    const [failsBefore, failsAfter] = [quality.failure / 2, quality.failure / 2];
    if (random.chance(failsBefore)) throw unreachable();
    const [result] = await Promise.allSettled([work()]);
    await pause(clock, random.integer(quality.lateMaxMs + 1)); // the answer may be outdated by now
    if (lifetime.isOver) return await NEVER;
    if (random.chance(failsAfter)) throw unreachable();
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }
}

function unreachable(): RuntimeError {
  return new RuntimeError("RuntimeUnavailable", "Cannot reach the runtime: simulated failure");
}
