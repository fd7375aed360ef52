import type { User } from "../http/api_context.ts";
import { ADMIN } from "./pki.ts";

/** Whether the user may do everything: Kubernetes' group `system:masters`. */
export function isAdmin({ groups }: User): boolean {
  return groups.includes(ADMIN.organization);
}
