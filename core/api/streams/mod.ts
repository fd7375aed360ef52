import { podExec } from "./pod_exec.ts";
import { podLog } from "./pod_log.ts";
import type { StreamDefinition } from "./stream.ts";

/** Every stream that is built in. A new one is one file and one line here. */
export const STREAMS: readonly StreamDefinition[] = [podExec, podLog];
