import { type Command, Option } from "commander";
import { FRONTS } from "../core/api/front/served.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import { withNodeFlags } from "./node_flags.ts";
import {
  advertisedNames,
  analysisTargets,
  balancerRange,
  eventLimits,
  listenAddress,
  optionalPlugins,
  secondsOf,
} from "./server_flags.ts";
import { type ServerFlags } from "../server/options.ts";
import { withAuditFlags } from "./flags/audit_flags.ts";
import { withRangeFlags } from "./flags/range_flags.ts";
import { withLifecycleFlags } from "./flags/lifecycle_flags.ts";
import { withStoreFlags } from "./store_flags.ts";

const ANALYSIS_TARGETS =
  "names, addresses and ranges that metrics of analyses may ask although they are this machine's";
const LISTEN = { host: "127.0.0.1", port: 6443 };

export function serverCommand(program: Command, terminal: Terminal): void {
  const command = program.command("server")
    .description("run a server: API, store, controllers, scheduler, agent and proxy");
  withListenFlags(command)
    .option(
      "--lb-range <cidr>",
      "addresses of which each Service of the type LoadBalancer gets one (the node's own)",
      balancerRange,
    )
    .option(
      "--enable-admission-plugins <names>",
      "admission plugins that are off by default: DenyServiceExternalIPs",
      optionalPlugins,
    )
    .option(
      "--event-rate-limits <limits>",
      "most Events a second and at once: Server=50/100,Namespace=5/10,User=…,SourceAndObject=…",
      eventLimits,
    )
    .option("--analysis-targets <hosts>", ANALYSIS_TARGETS, analysisTargets)
    .addOption(
      new Option(
        "--take-over [seconds]",
        "stop the server that has the data folder; kill it if that takes longer (30)",
      ).preset("30").argParser(secondsOf),
    );
  withNodeFlags(command, dataFolderOfProcess());
  withRangeFlags(withLifecycleFlags(withAuditFlags(withStoreFlags(command))))
    .action((flags: ServerFlags) => runServer(flags, terminal));
}

/** Where clients reach the server. */
function withListenFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--listen <host:port>", "address of the API; port 0 picks a free one")
        .argParser(listenAddress).default(LISTEN, "127.0.0.1:6443"),
    )
    .option(
      "--advertise <names>",
      "names and addresses by which other machines reach the server, the first preferred",
      advertisedNames,
    )
    .option(
      "--metrics-listen <host:port>",
      "serve /metrics over plain HTTP, too, such as at 127.0.0.1:8090",
      listenAddress,
    )
    .addOption(
      new Option("--front <name>", "what serves TLS: OpenSSL in a thread, or node:https")
        .choices(FRONTS).default("auto"),
    );
}

/** Runs until the terminal's signal aborts. */
async function runServer(flags: ServerFlags, terminal: Terminal): Promise<void> {
  const { startServer } = await import("../server/coracle_server.ts");
  const server = await startServer(flags, terminal);
  if (server === undefined) return;
  const { url, kubeconfig, owner, platform: { title } } = server.built;
  const state = owner === undefined ? `is ready at ${url}` : `stands by at ${url} for ${owner}`;
  terminal.out(`Coracle ${state}, kubeconfig ${kubeconfig}, runtime ${title}\n`);
  const why = await server.ended(terminal.signal);
  await server.stop();
  if (why !== undefined) throw why;
}
