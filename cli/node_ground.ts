import type { ContainerRuntime } from "../agent/container_runtime.ts";
import { LoopbackNetwork } from "../agent/network/loopback_network.ts";
import type { PodNetwork } from "../agent/pod_network.ts";
import { ProcessRuntime } from "../agent/process/process_runtime.ts";
import { LOOPBACK_RANGES } from "./addresses.ts";
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
}

// deno-lint-ignore require-await
export async function openNode(ground: Ground): Promise<NodeGround> {
  const { dataFolder, clock, flags } = ground;
  const runtime = new ProcessRuntime({ folder: `${dataFolder}/process`, clock, version: VERSION });
  const ranges = LOOPBACK_RANGES;
  const podCidr = flags.podCidr ?? ranges.podCidr;
  const network = new LoopbackNetwork({ folder: `${dataFolder}/network`, cidr: podCidr });
  ground.parts.defer(async () => {
    await runtime.close();
    network.close();
  });
  return {
    runtime,
    network,
    podCidr,
    serviceCidr: flags.serviceCidr ?? ranges.serviceCidr,
    title: "process",
  };
}
