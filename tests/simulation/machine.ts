import { Agent } from "../../agent/agent.ts";
import type { ContainerState } from "../../agent/container_runtime.ts";
import type { ProbeOutcome } from "../../agent/probes.ts";
import { SimulatedRuntime } from "../../agent/simulated_runtime.ts";
import type { Client, View } from "../../core/client/client.ts";
import { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import type { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { configMaps } from "../../core/resources/config_maps.ts";
import { leases } from "../../core/resources/leases.ts";
import { nodes } from "../../core/resources/nodes.ts";
import { pods } from "../../core/resources/pods.ts";
import { secrets } from "../../core/resources/secrets.ts";
import { services } from "../../core/resources/services.ts";
import type { Store } from "../../core/store/store.ts";
import { FaultyRuntime, GOOD_RUNTIME, type RuntimeQuality } from "./faulty_runtime.ts";
import { LaggingView } from "./lagging_view.ts";
import { Lifetime } from "./lifetime.ts";
import { GOOD_LINK, LinkedClient, type LinkQuality } from "./link.ts";
import { Ground, NO_VOLUMES, SimulatedFiles, SimulatedNetwork } from "./simulated_network.ts";

/** CPU that pods may take of each machine, in thousandths: three pods of Deployments fit, and jobs. */
export const MACHINE_CPU_MILLIS = 1_750;
export const MACHINE_PODS_MAX = 110;
/** A container answers its readiness probe so long after its start. */
const WARM_UP_MS = 300;
/** How soon a client tries to connect again. */
const RECONNECT_MS = 500;
const SEEN_BY_AGENTS = [pods, nodes, leases, configMaps, secrets, services];

export interface MachineOptions {
  name: string;
  index: number;
  clock: VirtualClock;
  log: Log;
  random: Random;
  server: () => { client: Client; store: Store } | undefined;
  onStart(machine: SimulatedMachine, container: ContainerState, isOrphaned: boolean): void;
  onStop(machine: SimulatedMachine, podUid: string): void;
  onAnswer(answer: unknown): void;
  onFault(error: unknown): void;
}

/** A machine with its containers and, while one runs, its agent; on the far side of a link. */
export class SimulatedMachine {
  readonly name: string;
  readonly runtime: SimulatedRuntime;
  readonly ground: Ground;
  readonly link: LinkQuality = { ...GOOD_LINK };
  readonly quality: RuntimeQuality = { ...GOOD_RUNTIME };
  readonly #options: MachineOptions;
  #lifetime: Lifetime | undefined;
  #view: LaggingView | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.runtime = new SimulatedRuntime({ clock: options.clock });
    this.ground = new Ground(options.index + 1);
  }

  get isAgentUp(): boolean {
    return this.#lifetime !== undefined;
  }

  /** Starts an agent, which begins once it has seen the API. */
  startAgent(): void {
    if (this.#lifetime !== undefined) return;
    const { clock, random, onFault } = this.#options;
    const lifetime = this.#lifetime = new Lifetime();
    const view = new LaggingView({ clock, random, quality: this.link, resources: SEEN_BY_AGENTS });
    this.#view = view;
    lifetime.atEnd(() => view.close());
    this.#connect().then(() => {
      if (lifetime.isOver) return;
      return this.#agentFor(lifetime, view).run(lifetime.signal);
    }).catch(onFault);
  }

  /** Ends the agent as `kill -9` does: containers go on. */
  killAgent(): void {
    this.#lifetime?.end();
    this.#lifetime = undefined;
    this.#view = undefined;
  }

  /** The plug is pulled: containers and network are gone, files are not. */
  losePower(): void {
    this.killAgent();
    for (const { id } of this.runtime.containers) this.runtime.kill(id, 137);
    this.ground.addresses.clear();
  }

  /** Connections end when the link or the server does. */
  disconnect(): void {
    this.#view?.disconnect();
  }

  /** Keeps trying to be connected for as long as the agent lives. */
  async #connect(): Promise<void> {
    const { clock, server } = this.#options;
    const [lifetime, view] = [this.#lifetime!, this.#view!];
    const tryOnce = () => {
      const end = server();
      if (this.link.isUp && end !== undefined) view.connect(end.store);
      return view.isConnected;
    };
    while (!lifetime.isOver && !tryOnce()) await clock.sleep(RECONNECT_MS);
  }

  /** Called by the cluster when the server or the link may be back. */
  reconnect(): void {
    if (this.#lifetime !== undefined) this.#connect().catch(this.#options.onFault);
  }

  #agentFor(lifetime: Lifetime, view: View): Agent {
    const { clock, random, log, server, onAnswer, onStart, onStop, name } = this.#options;
    const quality = this.quality;
    const client = new LinkedClient({
      ...{ clock, random, quality: this.link, onAnswer, server: () => server()?.client },
    });
    lifetime.atEnd(() => client.die());
    const edge = { ground: this.ground, clock, random, quality, lifetime };
    const { signal } = lifetime;
    return new Agent({
      ...{ nodeName: name, hostIP: `192.168.0.${this.#options.index + 1}`, version: "v1.34.0" },
      ...{ machine: MACHINE, dataFolder: `/${name}`, client, view, clock, log },
      runtime: new FaultyRuntime(this.runtime, {
        ...{ clock, random, quality, lifetime },
        onStop: (podUid) => onStop(this, podUid),
        onStart: (container, isOrphaned) => onStart(this, container, isOrphaned),
      }),
      network: new SimulatedNetwork(edge),
      files: new SimulatedFiles(edge),
      volumes: NO_VOLUMES,
      events: new EventRecorder({ client, clock, log, signal, host: name }),
      checkProbe: (_probe, { containerId }) => this.#answerOf(containerId),
    });
  }

  async #answerOf(id: string): Promise<ProbeOutcome> {
    const { clock } = this.#options;
    await clock.sleep(1);
    const container = this.runtime.containers.find((candidate) => candidate.id === id);
    const isWarm = container?.state === "running" &&
      clock.now() - container.startedAtMs! >= WARM_UP_MS;
    return { result: isWarm ? "success" : "failure", output: isWarm ? "" : "connection refused" };
  }
}

const MACHINE = {
  capacity: {
    cpu: `${MACHINE_CPU_MILLIS}m`,
    memory: "4194304Ki",
    pods: String(MACHINE_PODS_MAX),
  },
  info: {
    ...{ machineID: "m", systemUUID: "s", bootID: "b", kernelVersion: "6", osImage: "Linux" },
    ...{ operatingSystem: "linux", architecture: "amd64" },
  },
};
