import {
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerState,
  type Image,
  type ListedImage,
  RuntimeError,
} from "../../agent/runtimes/container_runtime.ts";
import type { RuntimeType } from "../../agent/runtimes/runtime_type.ts";
import type { Clock } from "../../core/lib/clock.ts";

/** Containers that are played: each says one line, which a flag of its own sets, and runs until it is stopped. */
export const puppetRuntime: RuntimeType = {
  name: "puppet",
  flags: [{ name: "puppetLine", usage: "--puppet-line <text>", description: "what puppets say" }],
  open: ({ clock, flags }) => {
    const runtime = new PuppetRuntime(clock, String(flags["puppetLine"]));
    return Promise.resolve({
      runtime,
      protectedPaths: [],
      limitation: "containers are puppets",
      close: () => runtime.close(),
    });
  },
};

class PuppetRuntime implements ContainerRuntime {
  readonly name = "puppet";
  readonly version = "puppet://1.0.0";
  readonly logFormat = "cri";
  readonly #clock: Clock;
  readonly #line: string;
  readonly #puppets = new Map<string, { state: ContainerState; logPath: string }>();
  readonly #listeners = new Set<(id: string) => void>();

  constructor(clock: Clock, line: string) {
    this.#clock = clock;
    this.#line = line;
  }

  list(): Promise<readonly ContainerState[]> {
    return Promise.resolve([...this.#puppets.values()].map(({ state }) => state));
  }

  inspect(id: string): Promise<ContainerState | undefined> {
    return Promise.resolve(this.#puppets.get(id)?.state);
  }

  findImage(image: string): Promise<Image> {
    return Promise.resolve({ reference: `puppet-image:${image}`, sizeBytes: 0 });
  }

  pullImage(image: string): Promise<Image> {
    return this.findImage(image);
  }

  listImages(): Promise<readonly ListedImage[]> {
    return Promise.resolve([]);
  }

  removeImage(): Promise<void> {
    return Promise.resolve();
  }

  create(spec: ContainerSpec): Promise<string> {
    const { podUid, podName, podNamespace, name, restartCount, image, logPath } = spec;
    const id = `${podUid}-${name}-${restartCount}`;
    const imageId = `puppet-image:${image}`;
    const identity = { id, podUid, podName, podNamespace, name, restartCount, image, imageId };
    this.#puppets.set(id, { state: { ...identity, state: "created" }, logPath });
    return Promise.resolve(id);
  }

  async start(id: string): Promise<void> {
    const puppet = this.#puppets.get(id);
    if (puppet === undefined) throw new RuntimeError("RunContainerError", `no puppet ${id}`);
    const startedAtMs = this.#clock.now();
    const time = new Date(startedAtMs).toISOString();
    await Deno.writeTextFile(puppet.logPath, `${time} stdout F ${this.#line}\n`);
    puppet.state = { ...puppet.state, state: "running", startedAtMs };
  }

  stop(id: string): Promise<void> {
    const puppet = this.#puppets.get(id);
    if (puppet?.state.state !== "running") return Promise.resolve();
    const finishedAtMs = this.#clock.now();
    puppet.state = { ...puppet.state, state: "exited", exitCode: 0, finishedAtMs };
    for (const listener of this.#listeners) listener(id);
    return Promise.resolve();
  }

  async remove(id: string): Promise<void> {
    await this.stop(id);
    this.#puppets.delete(id);
  }

  exec() {
    return Promise.resolve({ exitCode: 0, output: this.#line });
  }

  openExec(): Promise<never> {
    return Promise.reject(new RuntimeError("RunContainerError", "puppets take no orders"));
  }

  attach(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onExit(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  collectGarbage(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
