import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import { podStreamKinds, type PodStreamKindsOptions } from "./pod_stream_kinds.ts";

/** What the answers to streams need. */
export type AgentStreamParts = PodStreamKindsOptions;

/** Every kind of stream that an agent answers. New ones are one file and one line here. */
export function agentStreamKinds(parts: AgentStreamParts): readonly StreamKind[] {
  return [
    ...podStreamKinds(parts),
  ];
}
