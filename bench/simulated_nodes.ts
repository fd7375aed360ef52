/**
 * Many nodes in one process, for benches: real agents over HTTPS, with containers that exist in memory only. They share
 * one mirror of the API, as the nodes of kwok do.
 *
 *     deno run -A bench/simulated_nodes.ts SERVER CA-FILE TOKEN-FILE COUNT
 */
import { Agent } from "../agent/agent.ts";
import { agentSources } from "../agent/agent_sources.ts";
import { SimulatedRuntime } from "../agent/runtimes/simulated/simulated_runtime.ts";
import { VOLUME_TYPES } from "../agent/volumes/types/mod.ts";
import type { View, ViewEvent } from "../core/client/client.ts";
import { HttpClient } from "../core/client/http_client.ts";
import { HttpsTransport } from "../core/client/https_transport.ts";
import { Mirror } from "../core/client/mirror.ts";
import { ServerLink } from "../core/client/server_link.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import { Random } from "../core/lib/random.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import type { KubeObject, Resource } from "../core/resources/resource.ts";
import { GOOD_RUNTIME } from "../tests/simulation/faulty_runtime.ts";
import { Lifetime } from "../tests/simulation/lifetime.ts";
import {
  MachineState,
  NO_VOLUMES,
  SimulatedFiles,
  SimulatedNetwork,
} from "../tests/simulation/simulated_network.ts";

/** Nodes that join at the same time. */
const JOINING_MAX = 20;

const MACHINE = {
  capacity: { cpu: "32", memory: "67108864Ki", pods: "110" },
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

/** The mirror as each node sees it: told of its own node and pods, and of all other kinds. */
class SharedView {
  readonly #mirror: Mirror;
  readonly #pods = new Map<string, (event: ViewEvent<Pod>) => void>();
  readonly #nodes = new Map<string, (event: ViewEvent) => void>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
    mirror.subscribe(pods, (event) => this.#pods.get(event.object.spec.nodeName ?? "")?.(event));
    mirror.subscribe(nodes, (event) => this.#nodes.get(event.object.metadata.name)?.(event));
  }

  of(node: string): View {
    const mirror = this.#mirror;
    return {
      get: (resource, name) => mirror.get(resource, name),
      list: (resource, namespace) => mirror.list(resource, namespace),
      by: (resource, index, value) => mirror.by(resource, index, value),
      subscribe: <T extends KubeObject>(
        resource: Resource<T>,
        listener: (event: ViewEvent<T>) => void,
      ) => {
        const listeners: Map<string, (event: never) => void> | undefined =
          resource.kind === pods.kind
            ? this.#pods
            : resource.kind === nodes.kind
            ? this.#nodes
            : undefined;
        if (listeners === undefined) return mirror.subscribe(resource, listener);
        listeners.set(node, listener);
        return () => void listeners.delete(node);
      },
    };
  }
}

const [server, caFile, tokenFile, count] = Deno.args as [string, string, string, string];
const clock = new SystemClock();
const random = new Random(1);
const log = silentLog(clock);
const lifetime = new Lifetime();
const transport = new HttpsTransport({
  server,
  caPem: await Deno.readTextFile(caFile),
  token: (await Deno.readTextFile(tokenFile)).trim(),
  pair: undefined,
  userAgent: "simulated-nodes",
});
const link = new ServerLink({ transport: transport.send, clock, log, server });
const client = new HttpClient(link);
const sources = agentSources("", VOLUME_TYPES).map(({ resource }) => ({ resource }));
const mirror = new Mirror({ link, sources, clock, random, log });
await mirror.start(lifetime.signal);
const view = new SharedView(mirror);

async function runNode(index: number): Promise<void> {
  const nodeName = `node-${index}`;
  const edge = {
    ...{ state: new MachineState(index), clock, random, lifetime },
    quality: { ...GOOD_RUNTIME, lateMaxMs: 0 },
  };
  const agent = new Agent({
    nodeName,
    hostIP: `192.168.${index >> 8}.${index & 255}`,
    version: "v1.34.0",
    machine: MACHINE,
    dataFolder: `/${nodeName}`,
    runtime: new SimulatedRuntime({ clock, createMs: 1, startMs: 1, listMs: 1 }),
    network: new SimulatedNetwork(edge),
    files: new SimulatedFiles(edge),
    volumes: NO_VOLUMES,
    removeFolder: () => Promise.resolve(),
    untilDrained: () => Promise.resolve(),
    client,
    view: view.of(nodeName),
    tokens: client,
    events: { record: () => {} },
    clock,
    log,
  });
  void agent.run(lifetime.signal);
  while (mirror.get(nodes, { name: nodeName }) === undefined) await clock.sleep(10);
}

const waiting = Array.from({ length: Number(count) }, (_, index) => index);
await Promise.all(Array.from({ length: JOINING_MAX }, async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runNode(next);
}));
// deno-lint-ignore no-console
console.log("joined");
