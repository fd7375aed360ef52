import type { AnyResource } from "../resource.ts";
import { runtimeClasses } from "./runtime_classes.ts";

/** The kinds of `node.k8s.io/v1`. */
export const NODE_KINDS: readonly AnyResource[] = [runtimeClasses];
