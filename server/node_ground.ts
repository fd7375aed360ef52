import type { ContainerRuntime } from "../agent/runtimes/container_runtime.ts";
import { createPodNetwork, type NodeNetwork } from "../agent/network/node_network.ts";
import type { NetworkKeeper } from "../agent/network/network_keeper.ts";
import type { NodeRoutes } from "../agent/network/node_routes.ts";
import type { PodNetwork } from "../agent/network/pod_network.ts";
import { PodmanRuntime } from "../agent/runtimes/podman/podman_runtime.ts";
import { type Podman, PodmanUnavailable } from "../agent/runtimes/podman/podman.ts";
import { findPodman, startPodmanService } from "../agent/runtimes/podman/podman_service.ts";
import { ProcessRuntime } from "../agent/runtimes/process/process_runtime.ts";
import { SharedFolderError } from "../core/lib/linux/private_folder.ts";
import { gatewayDevice, LOOPBACK_RANGES, NAMESPACE_RANGES } from "./addresses.ts";
import { CommandError } from "./command_error.ts";
import type { Ground } from "./ground.ts";
import { logLimitsOf } from "./options.ts";
import { VERSION } from "./version.ts";

/** What the node's pods run on. */
export interface NodeGround {
  runtime: ContainerRuntime;
  network: PodNetwork;
  /** The ways to the pods of other nodes, where pods have addresses of their own. */
  routes?: NodeRoutes;
  /** Puts the network right when others have changed it. */
  keeper?: NetworkKeeper;
  /** Who may connect to services, where the listeners have to see to it. */
  servicePeers?: readonly string[];
  podCidr: string;
  serviceCidr: string;
  /** For people, e.g. `podman 4.3.1`. */
  title: string;
  /** The Podman behind the runtime, for who has to make an image. */
  podman: Podman | undefined;
  /** What the user should know of the runtime and can do about it, in one line. */
  notice: string | undefined;
}

/** Opens the runtime that the flags ask for, and the network that this machine allows. */
export async function openNode(ground: Ground): Promise<NodeGround> {
  const [open, addresses] = await Promise.all([openRuntime(ground), openNetwork(ground)]);
  if (open.notice !== undefined) ground.log.warn(open.notice);
  return { ...open, title: open.runtime.version.replace("://", " "), ...addresses };
}

type OpenRuntime = Pick<NodeGround, "runtime" | "podman" | "notice">;

const PLAIN = "containers are plain processes, without images, isolation or limits";

/** `auto` takes Podman where it can be had, and says in one line how to get it where not. */
async function openRuntime(ground: Ground): Promise<OpenRuntime> {
  const { runtime } = ground.flags;
  if (runtime === "process") return processRuntime(ground, `As asked, ${PLAIN}`);
  try {
    return await podmanRuntime(ground);
  } catch (error) {
    if (error instanceof SharedFolderError) {
      throw new CommandError(
        `Cannot keep Podman's socket and state in a folder of others: ${error.message}`,
      );
    }
    if (!(error instanceof PodmanUnavailable)) throw error;
    if (runtime === "podman") throw new CommandError(error.message);
    return processRuntime(ground, `${error.message}; until then ${PLAIN}`);
  }
}

function processRuntime({ dataFolder, clock, flags, parts }: Ground, notice: string): OpenRuntime {
  const folder = `${dataFolder}/process`;
  const logLimits = logLimitsOf(flags);
  const runtime = new ProcessRuntime({ folder, clock, version: VERSION, logLimits });
  parts.defer(() => runtime.close());
  return { runtime, podman: undefined, notice };
}

async function podmanRuntime(ground: Ground): Promise<OpenRuntime> {
  const { dataFolder, clock, log, flags, parts } = ground;
  if (Deno.uid() !== 0) {
    throw new PodmanUnavailable(
      "Cannot use Podman: pods need network namespaces and cgroups, which only root can make; run it as root",
    );
  }
  const podman = await openPodman(ground);
  parts.defer(() => flags.temporary ? podman.own?.destroy() ?? podman.stop() : podman.stop());
  const owner = `${flags.node}:${dataFolder}`;
  const logLimits = logLimitsOf(flags);
  const runtime = new PodmanRuntime({ podman, owner, clock, log, logLimits });
  parts.defer(() => runtime.close());
  return { runtime, podman, notice: undefined };
}

async function openPodman({ dataFolder, clock, log, flags: { podman } }: Ground): Promise<Podman> {
  if (podman === undefined) {
    const folder = `${dataFolder}/podman`;
    // Containers of a service of our own would be out of sight behind one that came later.
    const others = await isThere(folder) ? undefined : await findPodman({ clock });
    return others ?? await startPodmanService({ folder, clock, log });
  }
  const found = await findPodman({ socketPath: podman, clock });
  if (found) return found;
  throw new PodmanUnavailable(
    `Cannot use Podman: nobody answers at "${podman}"; start "podman system service" there, or leave --podman out`,
  );
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

type Addresses = Pick<
  NodeGround,
  "network" | "routes" | "keeper" | "servicePeers" | "podCidr" | "serviceCidr"
>;

async function openNetwork({ dataFolder, flags, log, parts }: Ground): Promise<Addresses> {
  const asked = {
    podCidr: flags.podCidr ?? NAMESPACE_RANGES.podCidr,
    serviceCidr: flags.serviceCidr ?? NAMESPACE_RANGES.serviceCidr,
  };
  const wantsLoopback = flags.podCidr?.startsWith("127.") ?? false;
  const network = await createPodNetwork({
    kind: wantsLoopback ? "loopback" : "auto",
    podCIDR: asked.podCidr,
    serviceCIDR: asked.serviceCidr,
    loopbackCIDR: wantsLoopback ? asked.podCidr : LOOPBACK_RANGES.podCidr,
    device: await gatewayDevice(dataFolder),
    folder: `${dataFolder}/network`,
    log,
  });
  parts.defer(() => leaveNetwork(network));
  const { pods, routes, keeper, servicePeers } = network;
  return {
    network: pods,
    ...(routes && { routes }),
    ...(keeper && { keeper }),
    ...(servicePeers && { servicePeers }),
    ...rangesOf(network, asked, wantsLoopback),
  };
}

/** Pods that run on keep their network; without any, nothing of it stays on the machine. */
async function leaveNetwork(network: NodeNetwork): Promise<void> {
  const addresses = await network.pods.list();
  return addresses.length === 0 ? await network.destroy() : network.pods.close();
}

/** Loopback addresses are taken when nothing else is possible: then what was asked for cannot be had. */
function rangesOf(
  { pods }: NodeNetwork,
  asked: { podCidr: string; serviceCidr: string },
  wantsLoopback: boolean,
): { podCidr: string; serviceCidr: string } {
  if (pods.kind === "namespace") return asked;
  if (!wantsLoopback) return LOOPBACK_RANGES;
  const isLoopback = asked.serviceCidr.startsWith("127.");
  return { ...asked, ...(isLoopback ? {} : { serviceCidr: LOOPBACK_RANGES.serviceCidr }) };
}
