import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { CommandDefinition, Terminal } from "./command.ts";
import { dataFolderOfProcess } from "./data_folder.ts";
import type { RuntimeChoice } from "./runtime_choice.ts";

/** What the flags of `coracle server` say. */
export interface ServerFlags {
  data: string;
  listen: { host: string; port: number };
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

export const serverCommand: CommandDefinition = (program, terminal) => {
  withServerFlags(program.command("server"))
    .description("run the whole of Coracle: API, store, controllers, scheduler, agent and proxy")
    .action((flags: ServerFlags) => runServer(flags, terminal));
};

/** Runs until the terminal's signal aborts. */
async function runServer(flags: ServerFlags, terminal: Terminal): Promise<void> {
  const { CoracleServer } = await import("./coracle_server.ts");
  const server = await CoracleServer.start(flags, terminal);
  const { url, kubeconfig, runtime } = server.place;
  terminal.out(`Coracle is ready at ${url}, kubeconfig ${kubeconfig}, runtime ${runtime}\n`);
  const why = await server.ended(terminal.signal);
  await server.stop();
  if (why !== undefined) throw why;
}

function withServerFlags(command: Command): Command {
  return command
    .option("--data <dir>", "folder that keeps everything", dataFolderOfProcess())
    .option("--listen <host:port>", "address of the API; port 0 picks a free one", listenAddress, {
      host: "127.0.0.1",
      port: 6443,
    })
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
    .option("--stop-pods", "stop the pods too when the server ends", false)
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

/** `127.0.0.1:6443`, `[::1]:0`, `localhost:6443`. */
export function listenAddress(text: string): { host: string; port: number } {
  const match = text.match(/^(?:\[([0-9a-fA-F:]+)\]|([^:\s[\]]+)):(\d{1,5})$/);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new InvalidArgumentError("It must be HOST:PORT, such as 127.0.0.1:6443.");
  }
  return { host: match[1] ?? match[2]!, port };
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
