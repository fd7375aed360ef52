import type { Agent } from "../../agent/agent.ts";
import type { NodeStreams } from "../../core/client/node_streams.ts";
import type { NodeImages } from "../../core/client/images/node_images.ts";
import { RemoteImages } from "../../core/client/images/remote_images.ts";
import type { KubeletApi } from "../../core/client/nodes/kubelet_api.ts";
import { RemoteKubelet } from "../../core/client/remote_streams/remote_kubelet.ts";
import { RemoteStreams } from "../../core/client/remote_streams/remote_streams.ts";
import type { Tunnel } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import type { UsageSource } from "../../core/usage/cluster_usage.ts";
import { RemoteUsage } from "../../core/usage/remote_usage.ts";

export interface NodeLinksOptions {
  nodeName: string;
  /** That of this process; absent: pods run on other nodes only. */
  agent?: Agent | undefined;
  /** Takes images for it. */
  images?: NodeImages | undefined;
  /** Through which agents elsewhere are reached. */
  tunnels: { get(node: string): Pick<Tunnel, "open"> | undefined };
  clock: Clock;
  random: Random;
}

/** How the agent of each node is asked: directly, or through its tunnel while there is one. */
export interface NodeLinks {
  streams: { get(node: string): NodeStreams | undefined };
  kubelets: { get(node: string): KubeletApi | undefined };
  images: { get(node: string): NodeImages | undefined };
  usage(node: string): UsageSource | undefined;
}

export function nodeLinks(
  { nodeName, agent, images, tunnels, clock, random }: NodeLinksOptions,
): NodeLinks {
  const own = (name: string) => name === nodeName ? agent : undefined;
  const remote = (name: string) => {
    const tunnel = tunnels.get(name);
    return tunnel && { name, tunnel, clock };
  };
  return {
    streams: {
      get: (name) => {
        const node = remote(name);
        return own(name)?.streams ?? (node && new RemoteStreams(node, random));
      },
    },
    kubelets: {
      get: (name) => {
        const node = remote(name);
        return own(name)?.kubelet ?? (node && new RemoteKubelet(node));
      },
    },
    images: {
      get: (name) => {
        if (name === nodeName) return images;
        const node = remote(name);
        return node && new RemoteImages(node);
      },
    },
    usage: (name) => {
      const node = remote(name);
      return own(name)?.care.usage ?? (node && new RemoteUsage(node));
    },
  };
}
