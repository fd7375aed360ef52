import type { User } from "../../http/api_context.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/node/ */
export const NODES_GROUP = "system:nodes";
const NODE_USER_PREFIX = "system:node:";

/** The user name and group of the agent of a node. */
export function nodeUser(node: string): User {
  return { name: NODE_USER_PREFIX + node, groups: [NODES_GROUP] };
}

/** The node whose agent the user is; `undefined` for everybody else. */
export function nodeOf({ name, groups }: User): string | undefined {
  if (!groups.includes(NODES_GROUP) || !name.startsWith(NODE_USER_PREFIX)) return undefined;
  return name.slice(NODE_USER_PREFIX.length) || undefined;
}
