import type { AnyResource } from "../resource.ts";
import { controllerRevisions } from "./controller_revisions.ts";
import { daemonSets } from "./daemon_sets.ts";
import { deployments } from "./deployments.ts";
import { replicaSets } from "./replica_sets.ts";
import { statefulSets } from "./stateful_sets.ts";

/** The kinds of `apps/v1`. */
export const APPS_KINDS: readonly AnyResource[] = [
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
];
