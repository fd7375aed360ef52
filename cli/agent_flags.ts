import { InvalidArgumentError } from "commander";
import type { NodeFlags } from "./node_flags.ts";

/** What the flags of `coracle agent` say. */
export interface AgentFlags extends NodeFlags {
  /** E.g. `https://192.0.2.1:6443`; absent: the one in the kubeconfig. */
  server?: string;
  kubeconfig: string;
}

/** `https://HOST:PORT`, without what may follow. */
export function serverUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") {
    throw new InvalidArgumentError("It must be a URL such as https://192.0.2.1:6443.");
  }
  return url.origin;
}
