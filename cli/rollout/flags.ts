import { type Command, InvalidArgumentError, Option } from "commander";
import { ApiError } from "../../core/client/api_error.ts";
import { CommandError } from "../../server/command_error.ts";
import { accessOf } from "../../server/kubeconfig.ts";
import type { Terminal } from "../../server/terminal.ts";
import { kubeconfigOption } from "../flags/kubeconfig_option.ts";
import type { Cluster } from "./cluster/cluster.ts";

const DEFAULT_NAMESPACE = "default";

/** Where a command looks. */
export interface PlaceFlags {
  kubeconfig?: string;
  namespace?: string;
}

export function place(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace (the one of the kubeconfig's context)")
    .addOption(kubeconfigOption());
}

export function outputOption(): Option {
  return new Option("-o, --output <format>", "for programs").choices(["json"]);
}

export function onlyOne<T>(all: readonly T[]): T {
  const [one, another] = all;
  if (one !== undefined && another === undefined) return one;
  throw new CommandError("Cannot do this for several at once: name one");
}

export function mayColour({ interactive }: Terminal): boolean {
  return interactive && Deno.env.get("TERM") !== "dumb" && !Deno.env.get("NO_COLOR");
}

/** Errors of the API are what the user has to read. */
export async function withCluster<T>(
  { kubeconfig, namespace }: PlaceFlags,
  terminal: Terminal,
  act: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { Cluster } = await import("./cluster/cluster.ts");
  const access = await accessOf(kubeconfig);
  const place = namespace ?? access.namespace ?? DEFAULT_NAMESPACE;
  using cluster = new Cluster(access, place, terminal.signal);
  try {
    return await act(cluster);
  } catch (error) {
    throw error instanceof ApiError ? new CommandError(error.message) : error;
  }
}

export function revisionOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be the number of a revision.");
}

export function yesOf(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("It must be true or false.");
}
