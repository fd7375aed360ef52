import { agentSources } from "../../agent/agent_sources.ts";
import { VOLUME_TYPES } from "../../agent/volumes/types/mod.ts";
import type { ContainerState } from "../../agent/runtimes/container_runtime.ts";
import type { ProbeOutcome } from "../../agent/probes/probe_type.ts";
import {
  type SimulatedImage,
  SimulatedRuntime,
} from "../../agent/runtimes/simulated/simulated_runtime.ts";
import type { ViewEvent } from "../../core/client/client.ts";
import type { Source } from "../../core/client/list_watch.ts";
import type { NodeMirror } from "../../core/client/feed/node_mirror.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { KubeObject } from "../../core/resources/resource.ts";
import { connect, type RemoteApi, runAgent } from "../../server/agent.ts";
import type { Context } from "../../server/context.ts";
import type { NodePlatform } from "../../server/node.ts";
import { FaultyRuntime, GOOD_RUNTIME, type RuntimeQuality } from "./faulty_runtime.ts";
import { GOOD_LINK, type LinkQuality } from "./connection.ts";
import type { Occurrence } from "./history.ts";
import { Lifetime } from "./lifetime.ts";
import { type ServerEnd, SimulatedLink } from "./link.ts";
import { type KeptOnDisk, MemoryCheckpoint } from "./edge/memory_checkpoint.ts";
import { SettableClock } from "./settable_clock.ts";
import { MachineState, NO_VOLUMES, SimulatedFiles, SimulatedNetwork } from "./simulated_network.ts";

/** CPU for the pods of each machine, in thousandths: three pods of Deployments fit, and jobs. */
export const MACHINE_CPU_MILLIS = 1_750;
export const MACHINE_PODS_MAX = 110;
/** A container passes its readiness probe this long after its start. */
const WARM_UP_MS = 300;

/** Images that are not plain services. */
const IMAGES: readonly (readonly [name: string, image: SimulatedImage])[] = [
  ["crash", { runsMs: 200, exitCode: 3 }],
  ["absent", { pullFault: "manifest unknown" }],
  ["broken", { startFault: "no such file" }],
  ["app:3", { heedsSigterm: false }],
  ["init", { runsMs: 300, exitCode: 0 }],
  ["job", { runsMs: 3_000, exitCode: 0 }],
  ["failing-job", { runsMs: 2_000, exitCode: 1 }],
];

export interface MachineOptions {
  name: string;
  index: number;
  clock: Clock;
  log: Log;
  random: Random;
  server: () => ServerEnd | undefined;
  onStart(machine: SimulatedMachine, container: ContainerState, isOrphaned: boolean): void;
  onStop(machine: SimulatedMachine, podUid: string): void;
  onAnswer(version: number): void;
  onOccurrence(what: Occurrence): void;
  onFault(error: unknown): void;
  /** Whether it keeps what its agent needs to start without the server. */
  isKeeping: boolean;
  /** A mirror has received a change. */
  onMirrored(machine: SimulatedMachine, event: ViewEvent): void;
  untilDrained(podUid: string, signal: AbortSignal): Promise<void>;
}

/** A machine with its containers and, while one runs, its agent; on the far side of a link. */
export class SimulatedMachine {
  readonly name: string;
  readonly runtime: SimulatedRuntime;
  readonly state: MachineState;
  readonly link: LinkQuality = { ...GOOD_LINK };
  readonly quality: RuntimeQuality = { ...GOOD_RUNTIME };
  /** Ids of the containers that answer no probe at present. */
  readonly hanging = new Set<string>();
  readonly clock: SettableClock;
  readonly #options: MachineOptions;
  /** When each container was started, on a clock that does not jump. */
  readonly #startedMs = new Map<string, number>();
  /** How many agents have been started here. */
  lives = 0;
  #lifetime: Lifetime | undefined;
  #remote: Remote | undefined;
  #kept: KeptOnDisk | undefined;

  constructor(options: MachineOptions) {
    const clock = this.clock = new SettableClock(options.clock);
    this.#options = { ...options, clock };
    this.name = options.name;
    this.runtime = new SimulatedRuntime({ clock });
    for (const [name, image] of IMAGES) this.runtime.images.set(name, image);
    this.state = new MachineState(options.index + 1);
  }

  get isAgentUp(): boolean {
    return this.#lifetime !== undefined;
  }

  /** The mirror of its agent; `undefined` while none runs. */
  get mirror(): NodeMirror | undefined {
    return this.#remote?.mirror;
  }

  /** Pods that its agent, started alone, has to run: services that are neither finished nor deleted. */
  keptPods(): readonly Pod[] {
    const objects = [...this.#kept?.values.values() ?? []] as KubeObject[];
    return objects.filter((object): object is Pod => object.kind === "Pod").filter((pod) =>
      pod.metadata.deletionTimestamp === undefined && pod.spec.restartPolicy === "Always" &&
      !["Succeeded", "Failed"].includes(pod.status.phase)
    );
  }

  /** Starts an agent, which begins to work once its mirror is complete. */
  startAgent(): void {
    if (this.#lifetime !== undefined) return;
    const { onFault, onMirrored } = this.#options;
    const lifetime = this.#lifetime = new Lifetime();
    this.lives++;
    const fail = (error: unknown) => {
      if (!lifetime.isOver) onFault(error);
    };
    const { clock, random, log } = this.#options;
    const context = { clock, random, log, fail, signal: lifetime.signal, parts: lifetime };
    const remote = this.#remote = this.#connect(context, lifetime);
    for (const { resource } of sourcesOf(this.name)) {
      remote.mirror.subscribe<KubeObject>(resource, (event) => {
        if (!lifetime.isOver) onMirrored(this, event);
      });
    }
    runAgent(context, remote, {
      nodeName: this.name,
      gatewayAddress: "0.0.0.0",
      stopPods: false,
      ...(this.#options.isKeeping && { checkpoint: this.#checkpoint(lifetime) }),
      openPlatform: () => Promise.resolve({ agent: this.#platform(lifetime) }),
    }).catch(fail);
  }

  #checkpoint(lifetime: Lifetime): MemoryCheckpoint {
    const { clock } = this.#options;
    const save = (kept: KeptOnDisk) => this.#kept = kept;
    return new MemoryCheckpoint({ found: this.#kept, clock, lifetime, save });
  }

  /** Ends the agent as `kill -9` does: containers keep running. */
  killAgent(): void {
    this.#lifetime?.end();
    this.#lifetime = undefined;
    this.#remote = undefined;
  }

  /** Power fails: containers and network are gone, files are not. */
  losePower(): void {
    this.killAgent();
    for (const { id } of this.runtime.containers) this.runtime.kill(id, 137);
    this.state.addresses.clear();
  }

  /** All connections break. */
  cutConnections(): void {
    this.#remote?.network.cut();
  }

  /** Must be called when the link is up again. */
  resume(): void {
    this.#remote?.network.resume();
  }

  /** Connects to the server as `coracle agent` does. */
  #connect(context: Context, lifetime: Lifetime): Remote {
    const network = new SimulatedLink({ ...this.#options, quality: this.link });
    lifetime.defer(() => network.die());
    const sources = sourcesOf(this.name);
    return {
      network,
      ...connect(context, { transport: network.send, server: "server", node: this.name, sources }),
    };
  }

  #platform(lifetime: Lifetime): NonNullable<NodePlatform["agent"]> {
    const { clock, random, onStart, onStop, name, untilDrained } = this.#options;
    const quality = this.quality;
    const edge = { state: this.state, clock, random, quality, lifetime };
    return {
      nodeName: name,
      hostIP: `192.168.0.${this.#options.index + 1}`,
      version: "v1.34.0",
      machine: MACHINE,
      dataFolder: `/${name}`,
      runtime: new FaultyRuntime(this.runtime, {
        clock,
        random,
        quality,
        lifetime,
        onStop: (podUid) => onStop(this, podUid),
        onStart: (container, isOrphaned) => {
          if (!this.#startedMs.has(container.id)) {
            this.#startedMs.set(container.id, clock.elapsed());
          }
          onStart(this, container, isOrphaned);
        },
      }),
      network: new SimulatedNetwork(edge),
      files: new SimulatedFiles(edge),
      volumes: NO_VOLUMES,
      removeFolder: () => Promise.resolve(),
      untilDrained,
      checkProbe: (_probe, { containerId }) => this.#probe(containerId),
    };
  }

  /** The result of a probe: late on a slow machine, a failure when the container hangs. */
  async #probe(id: string): Promise<ProbeOutcome> {
    const { clock, random } = this.#options;
    const { lateMaxMs } = this.quality;
    if (lateMaxMs > GOOD_RUNTIME.lateMaxMs) await clock.sleep(random.integer(lateMaxMs));
    const container = this.runtime.containers.find((candidate) => candidate.id === id);
    const isWarm = container?.state === "running" && !this.hanging.has(id) &&
      clock.elapsed() - this.#startedMs.get(id)! >= WARM_UP_MS;
    return { result: isWarm ? "success" : "failure", output: isWarm ? "" : "connection refused" };
  }
}

/** One agent process's connection to the server. */
interface Remote extends RemoteApi {
  network: SimulatedLink;
}

/** What an agent mirrors; of pods and leases only those of its node. */
export function sourcesOf(node: string): Source[] {
  return agentSources(node, VOLUME_TYPES);
}

const MACHINE = {
  capacity: {
    cpu: `${MACHINE_CPU_MILLIS}m`,
    memory: "4194304Ki",
    pods: String(MACHINE_PODS_MAX),
  },
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
