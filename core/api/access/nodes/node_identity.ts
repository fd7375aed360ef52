import type { User } from "../../http/api_context.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/node/ */
export const NODES_GROUP = "system:nodes";
const NODE_USER_PREFIX = "system:node:";

/** How the agent of a node is known. */
export function nodeUser(node: string): User {
  return { name: NODE_USER_PREFIX + node, groups: [NODES_GROUP] };
}

/** The node whose agent it is; `undefined` for everybody else. */
export function nodeOf({ name, groups }: User): string | undefined {
  if (!groups.includes(NODES_GROUP) || !name.startsWith(NODE_USER_PREFIX)) return undefined;
  return name.slice(NODE_USER_PREFIX.length) || undefined;
}
