import type { Command } from "commander";
import type { Terminal } from "../server/terminal.ts";
import { kubeconfigOption } from "./flags/kubeconfig_option.ts";
import type { PushFlags } from "./images/nodes_push.ts";

/** Images without a registry. */
export function imageCommand(program: Command, terminal: Terminal): void {
  const image = program.command("image").description("bring images to nodes without a registry");
  image.command("push <file|name>")
    .description(
      "send an archive (podman save, docker save), or an image of this machine, to nodes: what they lack of it, from where an " +
        "earlier transfer broke off",
    )
    .option("--node <name...>", "these nodes (all)")
    .option("-l, --selector <labels>", "nodes with these labels, such as site=a")
    .option("--name <image>", "as pods name it (the name in the archive)")
    .addOption(kubeconfigOption())
    .action(async (from: string, flags: PushFlags) => {
      const { pushToNodes } = await import("./images/nodes_push.ts");
      await pushToNodes(from, flags, terminal);
    });
}
