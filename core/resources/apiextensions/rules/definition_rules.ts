import type { Cause } from "../../../schema/causes.ts";
import type { Definition } from "../definition/definition.ts";
import { approvalCauses } from "../status/approval.ts";

/** What is wrong with a definition. */
export function definitionCauses(next: Definition, previous: Definition | undefined): Cause[] {
  return approvalCauses(next, previous);
}
