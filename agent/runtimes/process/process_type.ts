import type { RuntimeType } from "../runtime_type.ts";

/** Containers as plain processes: what every machine has. */
export const processType: RuntimeType = {
  name: "process",
  open: async (context) => (await import("./process_opening.ts")).openProcessRuntime(context),
};
