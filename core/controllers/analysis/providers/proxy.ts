import { failed, type Provider } from "./provider.ts";

/** The plugin that the proxies of this cluster are. */
export const PROXY_PLUGIN = "coracle.dev/proxy";

/** What the proxies themselves have counted. */
export const proxy: Provider = {
  type: "plugin",
  measure({ metric }) {
    const [name = ""] = Object.keys(metric.provider.plugin ?? {});
    return Promise.resolve(failed(`plugin "${name}" is not there`));
  },
};
