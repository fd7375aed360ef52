import { type Command, Option } from "commander";
import { UPLINKS } from "../core/client/tunnel/tunnel_times.ts";
import { serverUrl } from "./flags/server_url.ts";
import { type AgentFlags } from "../server/options.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import { withNodeFlags } from "./node_flags.ts";

export function agentCommand(program: Command, terminal: Terminal): void {
  const command = program.command("agent")
    .description("run pods on this machine for a server on another one")
    .option(
      "--server <url>",
      "address of the server (default: the one that this machine has joined)",
      serverUrl,
    )
    .option(
      "--kubeconfig <file>",
      'how to reach the server, and as whom (default: as "coracle join" has left it)',
    )
    .addOption(
      new Option(
        "--uplink <kind>",
        "what the way to the server is: how often it is asked for a sign of life, and when it counts as lost",
      ).choices(Object.keys(UPLINKS)).default("usual"),
    );
  withNodeFlags(command, `${dataFolderOfProcess()}/agent`)
    .action((flags: AgentFlags) => {
      const isNodeGiven = command.getOptionValueSource("node") !== "default";
      return runAgent({ ...flags, isNodeGiven }, terminal);
    });
}

/** Runs until the terminal's signal aborts. */
async function runAgent(flags: AgentFlags, terminal: Terminal): Promise<void> {
  const { startAgent } = await import("../server/coracle_agent.ts");
  const agent = await startAgent(flags, terminal);
  if (agent === undefined) return;
  const { node, server, podCidr, runtime } = agent.built;
  terminal.out(
    `Coracle agent "${node}" is ready for ${server}, runtime ${runtime}, pods ${podCidr}\n`,
  );
  const why = await agent.ended(terminal.signal);
  await agent.stop();
  if (why !== undefined) throw why;
}
