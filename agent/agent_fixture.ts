import { later } from "../tests/eventually.ts";
import { isConditionTrue } from "../core/resources/conditions.ts";
import assert from "node:assert/strict";
import { freshObjects } from "../core/objects/objects_fixture.ts";
import type { LocalClient } from "../core/objects/local_client.ts";
import type { Notice } from "../core/client/event_recorder.ts";
import type { Draft } from "../core/client/client.ts";
import { silentLog } from "../core/lib/log.ts";
import type { VirtualClock } from "../core/lib/virtual_clock.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import { Agent } from "./agent.ts";
import type { AgentOptions } from "./agent_options.ts";
import { DiskPodFiles } from "./volumes/pod_files.ts";
import type { PodAddress, PodNetwork } from "./network/pod_network.ts";
import type { ProbeOutcome } from "./probes/probe_type.ts";
import { SimulatedRuntime } from "./runtimes/simulated/simulated_runtime.ts";
import { VOLUME_TYPES } from "./volumes/types/mod.ts";
import { Volumes } from "./volumes/volumes.ts";

export interface PodDraft {
  name: string;
  image?: string;
  container?: Partial<Pod["spec"]["containers"][number]> | Record<string, unknown>;
  spec?: Record<string, unknown>;
}

/** An API and a machine with one agent, in virtual time; only files are real. */
export class NodeUnderTest implements AsyncDisposable {
  readonly notices: Notice[] = [];
  readonly network = new SimulatedNetwork();
  runtime!: SimulatedRuntime;
  agent!: Agent;
  startedMs = 0;
  /** What an agent that starts from now on is told besides. */
  more: Partial<AgentOptions> = {};
  untilDrained: ((podUid: string) => Promise<void>) | undefined;
  readonly #fileWork = new Pending();
  #stop = new AbortController();
  #run: Promise<void> = Promise.resolve();

  private constructor(
    readonly client: LocalClient,
    readonly clock: VirtualClock,
    readonly folder: string,
    readonly probe: () => ProbeOutcome,
  ) {}

  static async start(
    { listMs = 50, startMs = 70, probe = (): ProbeOutcome => ({ result: "success", output: "" }) } =
      {},
  ): Promise<NodeUnderTest> {
    const { client, clock } = await freshObjects();
    const node = new NodeUnderTest(client, clock, await Deno.makeTempDir(), probe);
    node.runtime = new SimulatedRuntime({ clock, listMs, startMs });
    await node.restart();
    return node;
  }

  /** Starts an agent on the machine, after the one before was halted. */
  async restart(): Promise<void> {
    await this.halt();
    this.#stop = new AbortController();
    const { client, clock, runtime, network, notices } = this;
    this.agent = new Agent({
      nodeName: "node-a",
      hostIP: "192.168.0.1",
      version: "v1.34.0",
      machine: MACHINE,
      dataFolder: this.folder,
      client,
      view: client,
      runtime,
      network,
      clock,
      log: silentLog(clock),
      events: { record: (_, notice) => notices.push(notice) },
      checkProbe: () => Promise.resolve(this.probe()),
      files: this.#fileWork.watch(new DiskPodFiles(this.folder)),
      volumes: this.#fileWork.watch(
        new Volumes({
          dataFolder: this.folder,
          nodeName: "node-a",
          view: client,
          clock,
          types: VOLUME_TYPES,
          openTree: () => undefined,
        }),
      ),
      ...(this.untilDrained && { untilDrained: this.untilDrained }),
      ...this.more,
    });
    this.startedMs = clock.now();
    this.#run = this.agent.run(this.#stop.signal);
    this.#run.catch(() => {}); // thrown by `halt`
  }

  async halt(): Promise<void> {
    this.#stop.abort();
    await this.settle(this.#run);
  }

  async create({ name, image = "app:1", container = {}, spec = {} }: PodDraft): Promise<void> {
    const containers = [{ name: "main", image, ...container }];
    const draft = {
      metadata: { namespace: "default", name },
      spec: { nodeName: "node-a", ...spec, containers },
    };
    await this.client.create(pods, draft as Draft<Pod>);
  }

  async setImage(name: string, image: string): Promise<void> {
    const pod = this.pod(name)!;
    const containers = pod.spec.containers.map((container) => ({ ...container, image }));
    await this.client.update(pods, { ...pod, spec: { ...pod.spec, containers } });
  }

  /** Lets time go on until the condition holds; fails when it does not within the time. */
  async until(condition: () => boolean, withinMs = 5_000): Promise<void> {
    const endMs = this.clock.now() + withinMs;
    let idleTurns = 0;
    while (!condition()) {
      await this.#settleFiles();
      if (condition()) return;
      if ((this.clock.nextMs ?? 0) - this.clock.now() > LONG_MS) await this.#settleAll();
      if (condition()) return;
      if ((this.clock.nextMs ?? Infinity) <= endMs) await this.clock.step();
      else assert.ok(++idleTurns < IDLE_TURNS_MAX, `Not within ${withinMs} ms: ${condition}`);
    }
  }

  /** Before much virtual time passes, whatever else takes real time has been given some. */
  async #settleAll(): Promise<void> {
    for (let turn = 0; turn < REAL_TURNS; turn++) {
      await later(1);
      await this.#settleFiles();
    }
  }

  /** Files take real time: virtual time waits until those that are being read or written are. */
  async #settleFiles(): Promise<void> {
    for (let turn = 0; turn < FILE_TURNS || this.#fileWork.count > 0; turn++) {
      await Deno.stat(this.folder);
    }
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    work.then(() => isDone = true, () => isDone = true);
    await this.until(() => isDone, 60_000);
    return await work;
  }

  followLog(name: string): AsyncIterable<Uint8Array> {
    const options = {
      container: "main",
      follow: true,
      previous: false,
      timestamps: false,
      tailLines: undefined,
      sinceMs: undefined,
      limitBytes: undefined,
    };
    const { signal } = new AbortController();
    return this.agent.streams.logs({ namespace: "default", name }, options, signal);
  }

  pod(name: string): Pod | undefined {
    return this.client.get(pods, { namespace: "default", name });
  }

  waiting(name: string): { reason?: string; message?: string } | undefined {
    return this.pod(name)?.status.containerStatuses?.[0]?.state.waiting;
  }

  restarts(name: string): number | undefined {
    return this.pod(name)?.status.containerStatuses?.[0]?.restartCount;
  }

  reasons(name: string): string[] {
    return this.notices.filter(({ about }) => about.metadata.name === name)
      .map(({ reason }) => reason);
  }

  nodeReady(): string | undefined {
    return this.client.get(nodes, { name: "node-a" })?.status.conditions
      ?.find(({ type }) => type === "Ready")?.status;
  }

  killAll(exitCode: number): void {
    for (const { id } of this.runtime.containers) this.runtime.kill(id, exitCode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.halt();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Counts the calls of objects that have not ended yet. */
class Pending {
  count = 0;

  watch<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => this.#counted(value.apply(target, args));
      },
    });
  }

  #counted<R>(result: R): R {
    if (!(result instanceof Promise)) return result;
    this.count++;
    const end = () => void this.count--;
    result.then(end, end);
    return result;
  }
}

class SimulatedNetwork implements PodNetwork {
  readonly kind = "namespace";
  readonly gatewayIP = "10.0.0.254";
  readonly addresses = new Map<string, PodAddress>();
  readonly #listeners = new Set<(podUid: string) => void>();
  #last = 0;

  start(): Promise<void> {
    return Promise.resolve();
  }

  add(podUid: string): Promise<PodAddress> {
    const known = this.addresses.get(podUid);
    const address = known ??
      { podUid, ip: `10.0.0.${++this.#last}`, namespacePath: `/ns/${podUid}` };
    this.addresses.set(podUid, address);
    return Promise.resolve(address);
  }

  has(podUid: string): boolean {
    return this.addresses.has(podUid);
  }

  onLost(listener: (podUid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Somebody takes a pod's network away, with what was in it. */
  lose(podUid: string): void {
    this.addresses.delete(podUid);
    for (const listener of this.#listeners) listener(podUid);
  }

  remove(podUid: string): Promise<void> {
    this.addresses.delete(podUid);
    return Promise.resolve();
  }

  list(): Promise<readonly PodAddress[]> {
    return Promise.resolve([...this.addresses.values()]);
  }

  close(): void {}
}

/** More than the longest chain of file operations of a step. */
const FILE_TURNS = 20;
const LONG_MS = 1_000;
const REAL_TURNS = 5;
/** … and far more: what has not happened then, does not. */
const IDLE_TURNS_MAX = 50;

const MACHINE = {
  capacity: { cpu: "2", memory: "4194304Ki", pods: "110" },
  info: {
    machineID: "m",
    systemUUID: "s",
    bootID: "b",
    kernelVersion: "6",
    osImage: "Linux",
    operatingSystem: "linux",
    architecture: "amd64",
  },
};

/** Whether the pod is there and ready. */
export function isReady(pod: Pod | undefined): boolean {
  return isConditionTrue(pod?.status.conditions, "Ready");
}
