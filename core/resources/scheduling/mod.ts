import type { AnyResource } from "../resource.ts";
import { priorityClasses } from "./priority_classes.ts";

/** The kinds of `scheduling.k8s.io/v1`. */
export const SCHEDULING_KINDS: readonly AnyResource[] = [priorityClasses];
