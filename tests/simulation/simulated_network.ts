import type { PodAddress, PodNetwork } from "../../agent/network/pod_network.ts";
import type { PodFiles, RunName } from "../../agent/volumes/pod_files.ts";
import type { PodVolumes } from "../../agent/volumes/volumes.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import type { Lifetime } from "./lifetime.ts";
import { NEVER, pause } from "./lifetime.ts";
import type { RuntimeQuality } from "./faulty_runtime.ts";

/** What a machine keeps for its pods besides containers: addresses until it loses power, folders forever. */
export class MachineState {
  readonly addresses = new Map<string, PodAddress>();
  readonly folders = new Set<string>();
  readonly #prefix: string;

  constructor(machine: number) {
    this.#prefix = `10.${machine}.0`;
  }

  /** The lowest free address, so that addresses of deleted pods are reused soon. */
  addressFor(podUid: string): PodAddress {
    const known = this.addresses.get(podUid);
    if (known) return known;
    const taken = new Set([...this.addresses.values()].map(({ ip }) => ip));
    let host = 1;
    while (taken.has(`${this.#prefix}.${host}`)) host++;
    const ip = `${this.#prefix}.${host}`;
    const address = { podUid, ip, namespacePath: `/run/netns/${podUid}` };
    this.addresses.set(podUid, address);
    return address;
  }
}

export interface SimulatedPartOptions {
  state: MachineState;
  clock: Clock;
  random: Random;
  quality: RuntimeQuality;
  lifetime: Lifetime;
}

/** A pod network that fails as often as the runtime does. */
export class SimulatedNetwork implements PodNetwork {
  readonly kind = "namespace";
  readonly gatewayIP = "10.255.255.254";
  readonly #options: SimulatedPartOptions;

  constructor(options: SimulatedPartOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async add(podUid: string): Promise<PodAddress> {
    await call(this.#options);
    return this.#options.state.addressFor(podUid);
  }

  has(podUid: string): boolean {
    return this.#options.state.addresses.has(podUid);
  }

  onLost(): () => void {
    return () => {};
  }

  async remove(podUid: string): Promise<void> {
    await call(this.#options);
    this.#options.state.addresses.delete(podUid);
  }

  async list(): Promise<readonly PodAddress[]> {
    await call(this.#options);
    return [...this.#options.state.addresses.values()];
  }

  close(): void {}
}

/** Pod files without a disk: it only remembers which pods have a folder. */
export class SimulatedFiles implements PodFiles {
  readonly #options: SimulatedPartOptions;

  constructor(options: SimulatedPartOptions) {
    this.#options = options;
  }

  async podUids(): Promise<readonly string[]> {
    await call(this.#options);
    return [...this.#options.state.folders];
  }

  async writeHosts(podUid: string): Promise<void> {
    await call(this.#options);
    this.#options.state.folders.add(podUid);
  }

  writeResolver(podUid: string): Promise<void> {
    this.#options.state.folders.add(podUid);
    return Promise.resolve();
  }

  nodeText(): Promise<string> {
    return Promise.resolve("");
  }

  async prepareRun({ podUid }: RunName): Promise<void> {
    await call(this.#options);
    this.#options.state.folders.add(podUid);
  }

  message(): Promise<string> {
    return Promise.resolve("");
  }

  logEnd(): Promise<string> {
    return Promise.resolve("");
  }

  rotateLog(): Promise<void> {
    return Promise.resolve();
  }

  async remove(podUid: string): Promise<void> {
    await call(this.#options);
    this.#options.state.folders.delete(podUid);
  }
}

/** Pods of the simulator mount nothing. */
export const NO_VOLUMES: PodVolumes = {
  make: () => Promise.resolve(),
  refresh: () => Promise.resolve(),
  mountsOf: () => Promise.resolve([]),
  devicesOf: () => Promise.resolve({}),
  releaseMounts: () => Promise.resolve(),
  collectGarbage: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  unmount: () => Promise.resolve(),
};

async function call({ lifetime, clock, random, quality }: SimulatedPartOptions): Promise<void> {
  if (lifetime.isOver) return await NEVER;
  await pause(clock, random.integer(3));
  if (lifetime.isOver) return await NEVER;
  if (random.chance(quality.failure)) throw new Error("Cannot reach the kernel: simulated failure");
}
