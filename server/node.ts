import { gitVersionOf } from "../core/api/http/version.ts";
import { Agent } from "../agent/agent.ts";
import { readMachine } from "../agent/node/machine.ts";
import { protectedPathsOf } from "../agent/runtimes/podman/podman.ts";
import type { Client, View } from "../core/client/client.ts";
import type { EventRecorder } from "../core/client/event_recorder.ts";
import { Proxy } from "../proxy/threads/proxy.ts";
import { runProxy } from "../proxy/threads/run_proxy.ts";
import { type Ground, keepRunning } from "./ground.ts";
import { logLimitsOf } from "./options.ts";
import type { NodeGround } from "./node_ground.ts";
import { VERSION } from "./version.ts";

/** What requests under way in the proxy are given to end when the process stops. */
const DRAIN_MS = 5_000;
/** The process counts as ready without its routes after this long. */
const ROUTED_MS_MAX = 2_000;
/** What pods are given in all, with `--stop-pods`, before they are killed. */
const STOP_PODS_MS = 30_000;

/** How the node sees the API: in the server's process, or from elsewhere. */
export interface NodeAccess {
  client: Client;
  /** Must show all that there is already. */
  view: View;
  events: EventRecorder;
  /** Called when the view seems to have lost its connection without knowing. */
  onStaleView?: () => void;
}

export interface NodeIdentity {
  /** Its InternalIP. */
  hostIP: string;
  /** Besides those of Kubernetes. */
  labels: Readonly<Record<string, string>>;
}

/** What runs on every node. */
export interface Node {
  agent: Agent;
  proxy: Proxy;
}

/** Makes the agent and the proxy, whose thread takes a moment to be there. Nothing is served yet. */
export async function createNode(
  ground: Ground,
  { client, view, events, onStaleView }: NodeAccess,
  { runtime, network, podCidr, podman, hostIP, labels }: NodeGround & NodeIdentity,
): Promise<Node> {
  const { dataFolder, flags, clock, log, parts } = ground;
  const proxy = new Proxy(ground);
  proxy.start();
  parts.defer(() => proxy.stop(0));
  const agent = new Agent({
    ...{ nodeName: flags.node, hostIP, podCIDR: podCidr, labels },
    version: gitVersionOf(VERSION),
    machine: await readMachine(dataFolder),
    ...{ dataFolder, client, view, runtime, network, clock, log, events },
    logLimits: logLimitsOf(flags),
    protectedPaths: podman ? await protectedPathsOf(podman) : [],
    ...(onStaleView && { onStaleView }),
    untilDrained: (podUid, signal) => proxy.untilDrained(podUid, signal),
  });
  return { agent, proxy };
}

/**
 * Runs pods, and the traffic to them; resolves when requests find their way to what runs already. The proxy is stopped
 * first, so that pods answer what is under way.
 */
export async function runNode(
  ground: Ground,
  { view }: Pick<NodeAccess, "view">,
  { agent, proxy, routes, keeper, servicePeers }:
    & Node
    & Pick<NodeGround, "routes" | "keeper" | "servicePeers">,
): Promise<void> {
  runAgent(ground, agent);
  if (keeper) {
    const { clock } = ground;
    keepRunning(ground, "the network of pods", (signal) => keeper.run({ clock, signal }));
  }
  if (routes) {
    const { clock, flags: { node } } = ground;
    const loop = (signal: AbortSignal) => routes.run({ view, nodeName: node, clock, signal });
    keepRunning(ground, "the routes to other nodes", loop);
  }
  await runTraffic(ground, view, { proxy, servicePeers });
}

function runAgent(ground: Ground, agent: Agent): void {
  const { flags, parts, log } = ground;
  parts.defer(async () => {
    if (!flags.stopPods) return;
    log.info("Stopping the pods");
    await agent.stopAll(AbortSignal.timeout(STOP_PODS_MS));
  });
  keepRunning(ground, "the agent", (signal) => agent.run(signal));
}

async function runTraffic(
  ground: Ground,
  view: View,
  { proxy, servicePeers }: Pick<Node, "proxy"> & { servicePeers: readonly string[] | undefined },
): Promise<void> {
  const { flags: { gatewayAddress }, clock, log, parts } = ground;
  const routed = new AbortController();
  parts.defer(() => proxy.stop(DRAIN_MS));
  keepRunning(ground, "the route table", (signal) =>
    runProxy({
      ...{ view, proxy, clock, log, signal, gatewayAddress },
      nodePortAddress: gatewayAddress,
      listensOnClusterIPs: true,
      ...(servicePeers && { clusterIPPeers: servicePeers }),
      onApplied: () => routed.abort(),
    }));
  await clock.sleep(ROUTED_MS_MAX, routed.signal).catch(() => {}); // rejects when there is a table
}
