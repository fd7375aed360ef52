import { ownField } from "../../../lib/own_field.ts";
import { JOINED_BY } from "../../../resources/certificates/node_joining.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import type { Store } from "../../../store/store.ts";
import type { User } from "../../http/api_context.ts";
import { nodeOf } from "../nodes/node_identity.ts";

/**
 * Whether another machine has joined as this node since: from then on the certificates of those before it count no longer,
 * however long they are valid. Asked of each request.
 */
export function isReplaced(
  user: Pick<User, "name" | "groups" | "uid">,
  store: Pick<Store, "get">,
): boolean {
  const current = joinedBy(nodeOf(user), store);
  return current !== undefined && current !== user.uid;
}

/** The uid of the machine that is this node; `undefined`: none has joined by a token. */
export function joinedBy(node: string | undefined, store: Pick<Store, "get">): string | undefined {
  if (node === undefined) return undefined;
  const found = store.get([nodes.plural, "", node])?.object as Node | undefined;
  return ownField(found?.metadata.annotations, JOINED_BY);
}
