import { type Command, InvalidArgumentError, Option } from "commander";
import type { RuntimeChoice } from "./runtime_choice.ts";

/** What the flags say of a node: of the one in the server, and of one that is elsewhere. */
export interface NodeFlags {
  data: string;
  runtime: RuntimeChoice;
  podman?: string;
  node: string;
  podCidr?: string;
  serviceCidr?: string;
  gatewayAddress: string;
  stopPods: boolean;
  /** Remove all that was made on this machine at the end: for the demo. */
  temporary?: boolean;
  logLevel: "debug" | "info" | "warn" | "error";
}

/** Adds the flags of a node. `dataFolder`: where it keeps everything unless told. */
export function withNodeFlags(command: Command, dataFolder: string): Command {
  return command
    .option("--data <dir>", "folder that keeps everything", dataFolder)
    .addOption(runtimeOption())
    .option("--podman <socket>", "socket of a running Podman service; without it one is started")
    .option("--node <name>", "name of this node", nodeName, Deno.hostname().toLowerCase())
    .option("--pod-cidr <cidr>", "addresses of this node's pods", ipv4Range)
    .addOption(
      new Option("--service-cidr <cidr>", "addresses of Services").argParser(ipv4Range).hideHelp(),
    )
    .option(
      "--gateway-address <addr>",
      "where the listeners of Gateways open",
      ipAddress,
      "0.0.0.0",
    )
    .option("--stop-pods", "stop the pods too at the end", false)
    .addOption(
      new Option("--temporary", "remove at the end what was made on this machine").hideHelp(),
    )
    .addOption(
      new Option("--log-level <level>", "how much is said on standard error")
        .choices(["debug", "info", "warn", "error"]).default("info"),
    );
}

/** The `--runtime` flag, which several commands have. */
export function runtimeOption(): Option {
  return new Option("--runtime <name>", "what runs containers: Podman, or plain processes")
    .choices(["auto", "podman", "process"]).default("auto");
}

/** A range with at least two addresses for pods, e.g. `10.42.0.0/24`. */
export function ipv4Range(text: string): string {
  const match = text.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/);
  const bytes = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (!match || bytes.some((byte) => byte > 255) || bits < 8 || bits > 30) {
    throw new InvalidArgumentError("It must be an IPv4 range of /8 to /30, such as 10.42.0.0/24.");
  }
  return text;
}

function ipAddress(text: string): string {
  const isIpv4 = /^(\d{1,3}\.){3}\d{1,3}$/.test(text) &&
    text.split(".").every((byte) => Number(byte) <= 255);
  if (!isIpv4 && !/^[0-9a-fA-F:]*:[0-9a-fA-F:]+$/.test(text)) {
    throw new InvalidArgumentError("It must be an IP address, such as 127.0.0.1.");
  }
  return text;
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
function nodeName(text: string): string {
  if (
    text.length > 253 ||
    !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
  ) {
    throw new InvalidArgumentError(
      "It must be a DNS subdomain: lower-case letters, digits, '-', '.'.",
    );
  }
  return text;
}
