import type { AnyResource } from "../resource.ts";
import { events } from "./events.ts";

/** The kinds of `v1` and `events.k8s.io/v1`. */
export const EVENTS_KINDS: readonly AnyResource[] = [
  events,
];
