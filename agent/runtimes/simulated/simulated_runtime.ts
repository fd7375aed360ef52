import type { ContainerSession, WantedStreams } from "../../../core/client/container_session.ts";
import { EchoSession } from "../../../core/client/echo_session.ts";
import { assert } from "../../../core/lib/assert.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import {
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerState,
  type ExecResult,
  type Image,
  type ListedImage,
  type RegistryCredentials,
  RuntimeError,
} from "../container_runtime.ts";

/** How the containers of an image behave. */
export interface SimulatedImage {
  /** How long they run; `undefined`: until they are stopped. */
  runsMs?: number;
  exitCode?: number;
  /** Whether SIGTERM ends them; else SIGKILL does, after the grace. */
  heedsSigterm?: boolean;
  /** Why they cannot be started. */
  startFault?: string;
  /** Why the image cannot be pulled. */
  pullFault?: string;
  /** Whether it is not there, and has to be pulled. */
  isRemote?: boolean;
  pullMs?: number;
  /** What its registry asks for; it says what it was told. */
  password?: string;
}

export interface SimulatedRuntimeOptions {
  clock: Clock;
  createMs?: number;
  startMs?: number;
  listMs?: number;
}

const SIGKILL_CODE = 137;
const SIGTERM_CODE = 143;

/**
 * Containers that exist only in this object: for tests and for the simulator. Time passes by the clock alone.
 * It outlives the agents that use it, as a machine does.
 *
 * Asserts what must never happen on a machine: two running containers of one name in one pod.
 */
export class SimulatedRuntime implements ContainerRuntime {
  readonly name = "simulated";
  readonly version = "simulated://1.0.0";
  readonly logFormat = "cri";
  /** Behaviour by image; an image that is not named runs until it is stopped, and heeds SIGTERM. */
  readonly images = new Map<string, SimulatedImage>();
  /** Every specification that a container was made of, in order. */
  readonly made: ContainerSpec[] = [];
  /** What running containers were given, in the order of the calls. */
  readonly resized: ({ id: string } & Pick<ContainerSpec, "limits" | "requests">)[] = [];
  /** Why running containers are given nothing. */
  resizeFault: string | undefined;
  /** What a list of the images shows. */
  listed: readonly ListedImage[] = [];
  /** Uids of the pods whose containers share processes. */
  readonly sharing = new Set<string>();
  /** Whether containers that run are shown with a process. */
  pids = false;
  /** Set to make every call fail. */
  isDown = false;
  /** The result of commands run by `exec`. */
  execResult: ExecResult = { exitCode: 0, output: "" };
  readonly #options: Required<SimulatedRuntimeOptions>;
  readonly #containers = new Map<string, ContainerState>();
  readonly #ends = new Map<string, () => void>();
  readonly #listeners = new Set<(id: string) => void>();
  #starting = 0;
  /** The most starts that went on at the same time. */
  startingMax = 0;

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = { createMs: 10, startMs: 70, listMs: 50, ...options };
  }

  get containers(): readonly ContainerState[] {
    return [...this.#containers.values()];
  }

  /** Like a slow list: what it shows is as old as the request. */
  async list(): Promise<readonly ContainerState[]> {
    const shown = this.containers;
    await this.#reach(this.#options.listMs);
    return shown;
  }

  async inspect(id: string): Promise<ContainerState | undefined> {
    await this.#reach(1);
    const container = this.#containers.get(id);
    const hasProcess = this.pids && container?.state === "running";
    return hasProcess ? { ...container, pid: 1 } : container;
  }

  /** Every image that can be pulled is there. */
  async findImage(image: string): Promise<Image | undefined> {
    await this.#reach(1);
    const { pullFault, isRemote = false } = this.images.get(image) ?? {};
    return pullFault === undefined && !isRemote ? imageNamed(image) : undefined;
  }

  async pullImage(image: string, credentials?: RegistryCredentials): Promise<Image> {
    await this.#reach(1);
    const { pullFault, pullMs = 0, password } = this.images.get(image) ?? {};
    await this.#options.clock.sleep(pullMs);
    if (pullFault !== undefined) throw new RuntimeError("ErrImagePull", pullFault);
    if (password !== undefined && credentials?.password !== password) {
      throw new RuntimeError("ErrImagePull", `unauthorized: ${credentials?.password ?? "nobody"}`);
    }
    return imageNamed(image);
  }

  async listImages(): Promise<readonly ListedImage[]> {
    await this.#reach(1);
    return this.listed;
  }

  async removeImage(id: string): Promise<void> {
    await this.#reach(1);
    this.listed = this.listed.filter((image) => image.id !== id);
  }

  async create(spec: ContainerSpec): Promise<string> {
    await this.#reach(this.#options.createMs);
    const { podUid, podName, podNamespace, name, restartCount, image } = spec;
    const id = `${podUid}_${name}_${restartCount}`;
    if (this.#containers.has(id)) return id;
    this.made.push(spec);
    if (spec.sharesProcesses) this.sharing.add(podUid);
    const imageId = `sha256:${image}`;
    const identity = { id, podUid, podName, podNamespace, name, restartCount, image, imageId };
    this.#containers.set(id, { ...identity, state: "created" });
    return id;
  }

  async start(id: string): Promise<void> {
    this.#starting++;
    this.startingMax = Math.max(this.startingMax, this.#starting);
    await this.#reach(this.#options.startMs).finally(() => this.#starting--);
    const container = this.#existing(id);
    if (container.state !== "created") return;
    const { runsMs, exitCode = 0, startFault } = this.images.get(container.image) ?? {};
    if (startFault !== undefined) throw new RuntimeError("RunContainerError", startFault);
    this.#assertAlone(container);
    const startedAtMs = this.#options.clock.now();
    this.#containers.set(id, { ...container, state: "running", startedAtMs });
    if (runsMs === undefined) return;
    this.#ends.set(id, this.#options.clock.after(runsMs, () => this.kill(id, exitCode)));
  }

  async resize(id: string, amounts: Pick<ContainerSpec, "limits" | "requests">): Promise<void> {
    await this.#reach(1);
    if (this.resizeFault !== undefined) {
      throw new RuntimeError("RunContainerError", this.resizeFault);
    }
    this.resized.push({ id, ...amounts });
  }

  async stop(id: string, graceMs: number): Promise<void> {
    await this.#reach(1);
    const container = this.#containers.get(id);
    if (container?.state !== "running") return;
    const heeds = this.images.get(container.image)?.heedsSigterm ?? true;
    if (!heeds) await this.#options.clock.sleep(graceMs);
    this.kill(id, heeds ? SIGTERM_CODE : SIGKILL_CODE);
  }

  async remove(id: string): Promise<void> {
    await this.#reach(1);
    if (this.#containers.get(id)?.state === "running") this.kill(id, SIGKILL_CODE);
    this.#containers.delete(id);
  }

  async releasePod(podUid: string): Promise<void> {
    await this.#reach(1);
    const alive = this.containers.filter((each) =>
      each.podUid === podUid && each.state === "running"
    );
    assert(alive.length === 0, "A pod lets go of what its containers share when they have ended");
    this.sharing.delete(podUid);
  }

  async exec(): Promise<ExecResult> {
    await this.#reach(1);
    return this.execResult;
  }

  /** A command that sends its input back, says the output of `execResult`, and ends with its exit code. */
  async openExec(
    _id: string,
    _command: readonly string[],
    wanted: WantedStreams,
  ): Promise<ContainerSession> {
    await this.#reach(1);
    return new EchoSession(this.execResult, wanted);
  }

  attach(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onExit(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  collectGarbage(): Promise<void> {
    return this.#reach(1);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A container ends, by itself or from outside. `isNotified: false`: the notice of it gets lost. */
  kill(id: string, exitCode: number, { isNotified = true } = {}): void {
    const container = this.#containers.get(id);
    if (container?.state !== "running") return;
    this.#ends.get(id)?.();
    const finishedAtMs = this.#options.clock.now();
    this.#containers.set(id, { ...container, state: "exited", exitCode, finishedAtMs });
    if (isNotified) { for (const listener of [...this.#listeners]) listener(id); }
  }

  async #reach(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms);
    if (this.isDown) throw new RuntimeError("RuntimeUnavailable", "Cannot reach the runtime");
  }

  #existing(id: string): ContainerState {
    const container = this.#containers.get(id);
    if (container === undefined) throw new RuntimeError("RunContainerError", `no container ${id}`);
    return container;
  }

  #assertAlone({ podUid, name }: ContainerState): void {
    const duplicate = this.containers.find((other) =>
      other.podUid === podUid && other.name === name && other.state === "running"
    );
    assert(duplicate === undefined, `Container ${name} of pod ${podUid} runs already`);
  }
}

function imageNamed(image: string): Image {
  return { reference: `sha256:${image}`, sizeBytes: 1_000 };
}
