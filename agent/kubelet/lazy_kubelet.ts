import type { KubeletApi } from "../../core/client/nodes/kubelet_api.ts";
import type { UsageReporter } from "../stats/usage_reporter.ts";
import type { ConfiguredAgent } from "./configuration.ts";
import type { KubeletRoutesOptions } from "./kubelet_routes.ts";

/** What an agent knows of itself. */
export type KnownAgent =
  & Pick<KubeletRoutesOptions, "nodeName" | "view" | "containers">
  & Omit<ConfiguredAgent, "maxPods">
  & {
    machine: { capacity: Readonly<Record<string, string>> };
    usage: UsageReporter | undefined;
  };

/** What an agent answers where others ask a kubelet. Few ask: what answers is loaded by the first who does. */
export function lazyKubelet(known: () => KnownAgent): KubeletApi {
  return {
    ask: async (request, signal) => {
      const { KubeletRoutes } = await import("./kubelet_routes.ts");
      const { usage, ...agent } = known();
      const maxPods = Number(agent.machine.capacity["pods"] ?? 0);
      const routes = new KubeletRoutes({
        ...agent,
        ...(usage && { usage }),
        configured: { ...agent, maxPods },
      });
      return await routes.ask(request, signal);
    },
  };
}
