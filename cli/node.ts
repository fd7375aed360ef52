import type { Command } from "commander";
import type { Terminal } from "../server/terminal.ts";
import { durationOf, secondsOf } from "./flags/amounts.ts";
import { kubeconfigOption } from "./flags/kubeconfig_option.ts";
import type { DrainOptions } from "./nodes/drain.ts";

interface Flags {
  kubeconfig?: string;
}

interface DrainFlags extends Flags, Omit<DrainOptions, "timeoutMs"> {
  timeout: number;
}

/** What `kubectl` does with nodes, for machines without it, and how each node is connected. */
export function nodeCommand(program: Command, terminal: Terminal): void {
  const node = program.command("node").description("look at nodes, and take them out of service");
  node.command("list")
    .description("show all nodes, how each is connected, and when it was last heard of")
    .addOption(kubeconfigOption())
    .action(async (flags: Flags) => {
      const { listNodes } = await import("./nodes/node_list.ts");
      await withServer(flags, (server) => listNodes(server, terminal));
    });
  addCordon(node, terminal, { unschedulable: true });
  addCordon(node, terminal, { unschedulable: false });
  addDrain(node, terminal);
  node.command("delete <name...>")
    .description("forget nodes and revoke their credentials; their pods are deleted")
    .addOption(kubeconfigOption())
    .action(async (names: string[], flags: Flags) => {
      const { deleteNode } = await import("./nodes/deletion.ts");
      await withServer(flags, async (server) => {
        for (const name of names) await deleteNode(server, name, terminal);
      });
    });
}

function addCordon(node: Command, terminal: Terminal, how: { unschedulable: boolean }): void {
  node.command(how.unschedulable ? "cordon <name...>" : "uncordon <name...>")
    .description(how.unschedulable ? "place no new pods on nodes" : "place new pods on nodes again")
    .addOption(kubeconfigOption())
    .action(async (names: string[], flags: Flags) => {
      const { cordon } = await import("./nodes/cordon.ts");
      await withServer(flags, async (server) => {
        for (const name of names) await cordon(server, name, how, terminal);
      });
    });
}

function addDrain(node: Command, terminal: Terminal): void {
  node.command("drain <name>")
    .description("place no new pods on a node, and evict those that it has, as their budgets allow")
    .option("--ignore-daemonsets", "leave pods of DaemonSets where they are", false)
    .option("--delete-emptydir-data", "evict pods whose emptyDir volumes are lost with them", false)
    .option("--force", "evict pods, too, that nothing makes anew", false)
    .option("--grace-period <seconds>", "time for each pod to end (its own)", secondsOf)
    .option("--timeout <time>", "give up after so long, such as 5m; 0 never does", timeLimitOf, 0)
    .addOption(kubeconfigOption())
    .action(async (name: string, { timeout: timeoutMs, ...flags }: DrainFlags) => {
      const { drain } = await import("./nodes/drain.ts");
      await withServer(flags, (server) => drain(server, name, { ...flags, timeoutMs }, terminal));
    });
}

type Act = Parameters<typeof import("./nodes/node_server.ts").withNodeServer<void>>[2];

async function withServer(flags: Flags, act: Act): Promise<void> {
  const { withNodeServer } = await import("./nodes/node_server.ts");
  await withNodeServer(flags, "node", act);
}

/** `0` is no limit. */
function timeLimitOf(text: string): number {
  return text === "0" ? 0 : durationOf(text);
}
