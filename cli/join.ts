import { type Command, InvalidArgumentError } from "commander";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import { CommandError } from "../server/command_error.ts";
import type { Terminal } from "../server/terminal.ts";
import { serverUrl } from "./flags/server_url.ts";
import { nodeName } from "./node_flags.ts";

interface JoinFlags {
  token: string;
  caHash: string[];
  node: string;
  data: string;
  install?: boolean;
}

export function joinCommand(program: Command, terminal: Terminal): void {
  program.command("join")
    .description(
      'make this machine a node of a cluster; "coracle token create" prints the whole command',
    )
    .argument("<server>", "address of the server, such as https://192.0.2.1:6443", serverUrl)
    .requiredOption("--token <token>", "what lets this machine in, as ID.SECRET", joinToken)
    .requiredOption(
      "--ca-hash <hash>",
      "by which the server's certificate authority is known, as sha256:HEX",
      caHashes,
    )
    .option("--node <name>", "name of this node", nodeName, Deno.hostname().toLowerCase())
    .option("--data <dir>", "folder for all data of the agent", `${dataFolderOfProcess()}/agent`)
    .option("--install", "have systemd run the agent, from now on and whenever the machine starts")
    .argument("[flags...]", "after --: flags of coracle agent, for --install")
    .action((server: string, agentFlags: string[], flags: JoinFlags) =>
      join(server, { ...flags, agentFlags }, terminal)
    );
}

async function join(
  server: string,
  flags: JoinFlags & { agentFlags: readonly string[] },
  terminal: Terminal,
): Promise<void> {
  const { joinMachine } = await import("./cluster/machine_join.ts");
  const { node, caHash: caHashes, token, data, install = false, agentFlags } = flags;
  if (!install && agentFlags.length > 0) {
    throw new CommandError("Flags after -- are those of the agent: they need --install", 2);
  }
  const { servers: [used] } = await joinMachine({ server, token, caHashes, node, data }, terminal);
  if (install) {
    const { installAgent } = await import("./cluster/agent_installation.ts");
    await installAgent({ node, data, agentFlags });
    return terminal.out(
      `This machine is now node "${node}" of the cluster at ${used}; systemd runs its agent\n`,
    );
  }
  terminal.out(
    `This machine is now node "${node}" of the cluster at ${used}; start its agent with: coracle agent${
      data === `${dataFolderOfProcess()}/agent` ? "" : ` --data ${data}`
    }\n`,
  );
}

/** https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#token-format */
function joinToken(text: string): string {
  if (!/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(text)) {
    throw new InvalidArgumentError(
      'It must be a token such as abcdef.0123456789abcdef; "coracle token create" makes one.',
    );
  }
  return text;
}

/** Each use of the flag adds one. */
function caHashes(text: string, before: readonly string[] = []): string[] {
  const hash = text.toLowerCase();
  if (!/^sha256:[0-9a-f]{64}$/.test(hash)) {
    throw new InvalidArgumentError("It must be sha256: and 64 hexadecimal digits.");
  }
  return [...before, hash];
}
