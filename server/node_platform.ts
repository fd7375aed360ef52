import type { ContainerRuntime } from "../agent/runtimes/container_runtime.ts";
import { readMachine } from "../agent/node/machine.ts";
import { createPodNetwork, type NodeNetwork } from "../agent/network/node_network.ts";
import type { PodNetwork } from "../agent/network/pod_network.ts";
import { PodmanRuntime } from "../agent/runtimes/podman/podman_runtime.ts";
import {
  type Podman,
  PodmanUnavailable,
  protectedPathsOf,
} from "../agent/runtimes/podman/podman.ts";
import { findPodman, startPodmanService } from "../agent/runtimes/podman/podman_service.ts";
import { ProcessRuntime } from "../agent/runtimes/process/process_runtime.ts";
import { gitVersionOf } from "../core/api/http/version.ts";
import { SharedFolderError } from "../core/lib/linux/private_folder.ts";
import { Proxy } from "../proxy/threads/proxy.ts";
import { gatewayDevice, LOOPBACK_RANGES, NAMESPACE_RANGES } from "./addresses.ts";
import { CommandError } from "./command_error.ts";
import type { CommandContext } from "./context.ts";
import type { NodePlatform } from "./node.ts";
import { logLimitsOf } from "./options.ts";
import { VERSION } from "./version.ts";

/** What the pods of this machine run on. */
export interface MachinePlatform extends NodePlatform {
  agent: NonNullable<NodePlatform["agent"]>;
  podCidr: string;
  serviceCidr: string;
  /** The runtime for people, e.g. `podman 4.3.1`. */
  title: string;
  /** The Podman behind the runtime, for who has to make an image. */
  podman: Podman | undefined;
  /** What the user should know of the runtime and can do about it, in one line. */
  notice: string | undefined;
}

export interface NodeIdentity {
  /** Its InternalIP. */
  hostIP: string;
  /** Besides those of Kubernetes. */
  labels: Readonly<Record<string, string>>;
}

/**
 * Opens the runtime that the flags ask for, and the network that this machine allows; starts the proxy, whose thread
 * takes a moment to be there. Nothing is served yet.
 */
export async function openMachine(
  context: CommandContext,
  { hostIP, labels }: NodeIdentity,
): Promise<MachinePlatform> {
  const { dataFolder, flags } = context;
  const [{ runtime, podman, notice }, { network, podCidr, ...addresses }, machine] = await Promise
    .all([openRuntime(context), openNetwork(context), readMachine(dataFolder)]);
  if (notice !== undefined) context.log.warn(notice);
  const agent = {
    ...{ nodeName: flags.node, hostIP, podCIDR: podCidr, labels, machine, dataFolder },
    version: gitVersionOf(VERSION),
    ...{ runtime, network, logLimits: logLimitsOf(flags) },
    protectedPaths: podman ? await protectedPathsOf(podman) : [],
  };
  const title = runtime.version.replace("://", " ");
  return { agent, proxy: startProxy(context), podCidr, ...addresses, title, podman, notice };
}

function startProxy(context: CommandContext): Proxy {
  const proxy = new Proxy(context);
  proxy.start();
  context.parts.defer(() => proxy.stop(0));
  return proxy;
}

interface OpenRuntime extends Pick<MachinePlatform, "podman" | "notice"> {
  runtime: ContainerRuntime;
}

const PLAIN = "containers are plain processes, without images, isolation or limits";

/** `auto` takes Podman where it can be had, and says in one line how to get it where not. */
async function openRuntime(context: CommandContext): Promise<OpenRuntime> {
  const { runtime } = context.flags;
  if (runtime === "process") return processRuntime(context, `As asked, ${PLAIN}`);
  try {
    return await podmanRuntime(context);
  } catch (error) {
    if (error instanceof SharedFolderError) {
      throw new CommandError(
        `Cannot keep Podman's socket and state in a folder of others: ${error.message}`,
      );
    }
    if (!(error instanceof PodmanUnavailable)) throw error;
    if (runtime === "podman") throw new CommandError(error.message);
    return processRuntime(context, `${error.message}; until then ${PLAIN}`);
  }
}

function processRuntime(
  { dataFolder, clock, flags, parts }: CommandContext,
  notice: string,
): OpenRuntime {
  const folder = `${dataFolder}/process`;
  const logLimits = logLimitsOf(flags);
  const runtime = new ProcessRuntime({ folder, clock, version: VERSION, logLimits });
  parts.defer(() => runtime.close());
  return { runtime, podman: undefined, notice };
}

async function podmanRuntime(context: CommandContext): Promise<OpenRuntime> {
  const { dataFolder, clock, log, flags, parts } = context;
  if (Deno.uid() !== 0) {
    throw new PodmanUnavailable(
      "Cannot use Podman: pods need network namespaces and cgroups, which only root can make; run it as root",
    );
  }
  const podman = await openPodman(context);
  parts.defer(() => flags.temporary ? podman.own?.destroy() ?? podman.stop() : podman.stop());
  const owner = `${flags.node}:${dataFolder}`;
  const logLimits = logLimitsOf(flags);
  const runtime = new PodmanRuntime({ podman, owner, clock, log, logLimits });
  parts.defer(() => runtime.close());
  return { runtime, podman, notice: undefined };
}

async function openPodman(
  { dataFolder, clock, log, flags: { podman } }: CommandContext,
): Promise<Podman> {
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

interface Addresses
  extends Pick<MachinePlatform, "routes" | "keeper" | "servicePeers" | "podCidr" | "serviceCidr"> {
  network: PodNetwork;
}

async function openNetwork({ dataFolder, flags, log, parts }: CommandContext): Promise<Addresses> {
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
