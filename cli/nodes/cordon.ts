import { isRefusal } from "../../core/client/api_error.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import type { Terminal } from "../../server/terminal.ts";
import type { NodeServer } from "./node_server.ts";

/** The node is read again after so many conflicts at most. */
const CONFLICTS_MAX = 5;

/** Says whether new pods may be placed on a node, in the words of `kubectl cordon`. */
export async function cordon(
  server: NodeServer,
  name: string,
  { unschedulable }: { unschedulable: boolean },
  terminal: Terminal,
): Promise<void> {
  const done = unschedulable ? "cordoned" : "uncordoned";
  const hasChanged = await setUnschedulable(server, name, unschedulable);
  terminal.out(`node/${name} ${hasChanged ? "" : "already "}${done}\n`);
}

/** Resolves with whether it was otherwise before. */
async function setUnschedulable(
  server: NodeServer,
  name: string,
  unschedulable: boolean,
): Promise<boolean> {
  for (let conflicts = 0;; conflicts++) {
    const node = await server.get(nodes, { name });
    if ((node.spec.unschedulable ?? false) === unschedulable) return false;
    try {
      await server.client.update(nodes, withUnschedulable(node, unschedulable));
      return true;
    } catch (error) {
      if (!isRefusal(error, "Conflict") || conflicts === CONFLICTS_MAX) throw error;
    }
  }
}

function withUnschedulable(node: Node, unschedulable: boolean): Node {
  const { unschedulable: _, ...spec } = node.spec;
  return { ...node, spec: unschedulable ? { ...spec, unschedulable } : spec };
}
