import { nodeFollow } from "./node_follow.ts";
import { nodeTunnel } from "./node_tunnel.ts";
import { kubeletProxy } from "./kubelet/kubelet_proxy.ts";
import { podAttach } from "./pod_attach.ts";
import { podExec } from "./pod_exec.ts";
import { podLog } from "./pod_log.ts";
import { podPortForward } from "./pod_port_forward.ts";
import { proxy } from "./proxy.ts";
import type { StreamDefinition } from "./stream.ts";

/** Every stream that is built in. A new one is one file and one line here. */
export const STREAMS: readonly StreamDefinition[] = [
  nodeFollow,
  nodeTunnel,
  podAttach,
  podExec,
  podLog,
  podPortForward,
  (parts) => proxy(parts, kubeletProxy(parts)),
];
