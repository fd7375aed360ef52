import type { ContainerRuntime } from "../agent/container_runtime.ts";
import { createPodNetwork, type NodeNetwork } from "../agent/network/node_network.ts";
import type { PodNetwork } from "../agent/pod_network.ts";
import { PodmanRuntime } from "../agent/podman/podman_runtime.ts";
import { type Podman, PodmanUnavailable } from "../agent/podman/podman.ts";
import { findPodman, startPodmanService } from "../agent/podman/podman_service.ts";
import { ProcessRuntime } from "../agent/process/process_runtime.ts";
import { gatewayDevice, LOOPBACK_RANGES, NAMESPACE_RANGES } from "./addresses.ts";
import { CommandError } from "./command.ts";
import type { Ground } from "./server_ground.ts";
import { VERSION } from "./version.ts";

/** What the node's pods run on. */
export interface NodeGround {
  runtime: ContainerRuntime;
  network: PodNetwork;
  podCidr: string;
  serviceCidr: string;
  /** For people, e.g. `podman 4.3.1`. */
  title: string;
  /** The Podman behind the runtime, for who has to make an image. */
  podman: Podman | undefined;
}

/** Opens the runtime that the flags ask for, and the network that this machine allows. */
export async function openNode(ground: Ground): Promise<NodeGround> {
  const [{ runtime, podman }, addresses] = await Promise.all([
    openRuntime(ground),
    openNetwork(ground),
  ]);
  const title = runtime.version.replace("://", " ");
  return { runtime, podman, title, ...addresses };
}

interface OpenRuntime {
  runtime: ContainerRuntime;
  podman: Podman | undefined;
}

/** `auto` takes Podman where it can be had, and says in one line how to get it where not. */
async function openRuntime(ground: Ground): Promise<OpenRuntime> {
  const { flags, log } = ground;
  if (flags.runtime === "process") return { runtime: processRuntime(ground), podman: undefined };
  try {
    return await podmanRuntime(ground);
  } catch (error) {
    if (!(error instanceof PodmanUnavailable)) throw error;
    if (flags.runtime === "podman") throw new CommandError(error.message);
    log.warn(`${error.message}; until then containers are plain processes, without isolation`);
    return { runtime: processRuntime(ground), podman: undefined };
  }
}

function processRuntime({ dataFolder, clock, parts, log, flags }: Ground): ContainerRuntime {
  const runtime = new ProcessRuntime({ folder: `${dataFolder}/process`, clock, version: VERSION });
  parts.defer(() => runtime.close());
  if (flags.runtime === "process") {
    log.warn("Containers are plain processes of this machine: no image, no isolation, no limits");
  }
  return runtime;
}

async function podmanRuntime(ground: Ground): Promise<OpenRuntime> {
  const { dataFolder, clock, log, flags, parts } = ground;
  const podman = await openPodman(ground);
  parts.defer(() => flags.temporary ? podman.own?.destroy() ?? podman.stop() : podman.stop());
  const runtime = new PodmanRuntime({ podman, owner: `${flags.node}:${dataFolder}`, clock, log });
  parts.defer(() => runtime.close());
  return { runtime, podman };
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

type Addresses = Pick<NodeGround, "network" | "podCidr" | "serviceCidr">;

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
  parts.defer(() => flags.stopPods ? network.destroy() : network.pods.close());
  return { network: network.pods, ...rangesOf(network, asked, wantsLoopback) };
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
