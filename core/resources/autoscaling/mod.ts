import type { AnyResource } from "../resource.ts";
import { horizontalPodAutoscalers } from "./horizontal_pod_autoscalers.ts";

/** The kinds of `autoscaling/v2` and `autoscaling/v1`. */
export const AUTOSCALING_KINDS: readonly AnyResource[] = [
  horizontalPodAutoscalers,
];
