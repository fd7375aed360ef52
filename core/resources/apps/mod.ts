import type { AnyResource } from "../resource.ts";
import { deployments } from "./deployments.ts";
import { replicaSets } from "./replica_sets.ts";

/** The kinds of `apps/v1`. */
export const APPS_KINDS: readonly AnyResource[] = [
  deployments,
  replicaSets,
];
