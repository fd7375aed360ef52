import { podmanType } from "./podman/podman_type.ts";
import { processType } from "./process/process_type.ts";
import type { RuntimeType } from "./runtime_type.ts";

/**
 * Every container runtime that is built in, the best first: `--runtime auto` takes the first that the machine has. A
 * new one is one folder and one line here.
 */
export const RUNTIMES: readonly RuntimeType[] = [podmanType, processType];
