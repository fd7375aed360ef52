import type { RuntimeType } from "../runtime_type.ts";

/** Containers by Podman: one that runs on this machine, or one that is started. */
export const podmanType: RuntimeType = {
  name: "podman",
  flags: [{
    name: "podman",
    usage: "--podman <socket>",
    description: "socket of a running Podman service; without it one is started",
  }],
  open: async (context) => (await import("./podman_opening.ts")).openPodmanRuntime(context),
};
