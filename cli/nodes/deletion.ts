import { nodeUser } from "../../core/api/access/nodes/node_identity.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import type { Terminal } from "../../server/terminal.ts";
import type { NodeServer } from "./node_server.ts";

/**
 * Deletes a node and revokes what its agent has to show itself, so that another machine may take its name. Its machine
 * goes on with what runs there, and is refused.
 */
export async function deleteNode(
  server: NodeServer,
  name: string,
  terminal: Terminal,
): Promise<void> {
  await server.client.delete(nodes, { name });
  await server.revoke(nodeUser(name).name);
  terminal.out(`node "${name}" deleted\n`);
}
