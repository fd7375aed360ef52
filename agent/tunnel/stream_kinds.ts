import type { NodeImages } from "../../core/client/images/node_images.ts";
import type { KubeletApi } from "../../core/client/nodes/kubelet_api.ts";
import type { NodeStreams } from "../../core/client/node_streams.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { UsageSource } from "../../core/usage/cluster_usage.ts";
import { imageKind } from "./image_kind.ts";
import { kubeletKind } from "./kubelet_kind.ts";
import { podStreamKinds } from "./pod_stream_kinds.ts";
import { usageKind } from "./usage_kind.ts";

/** What the answers to streams need. */
export interface AgentStreamParts {
  agent: {
    streams: NodeStreams;
    kubelet: KubeletApi;
    care: { usage?: UsageSource | undefined };
  };
  images: NodeImages;
  clock: Clock;
}

/** Every kind of stream that an agent answers. New ones are one file and one line here. */
export function agentStreamKinds(
  { agent, images, clock }: AgentStreamParts,
): readonly StreamKind[] {
  const { streams, kubelet, care: { usage } } = agent;
  return [
    ...podStreamKinds({ streams, clock }),
    kubeletKind({ kubelet, clock }),
    imageKind({ images, clock }),
    ...(usage ? [usageKind({ usage, clock })] : []),
  ];
}
