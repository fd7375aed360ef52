import type { OpenRuntime, RuntimeContext } from "../runtime_type.ts";
import { writeImage } from "./process_image.ts";
import { ProcessRuntime } from "./process_runtime.ts";

/** Opens the runtime of plain processes. */
export function openProcessRuntime(
  { dataFolder, clock, version, logLimits }: RuntimeContext,
): OpenRuntime {
  const folder = `${dataFolder}/process`;
  const runtime = new ProcessRuntime({ folder, clock, version, logLimits });
  return {
    runtime,
    protectedPaths: [],
    limitation: "containers are plain processes, without images, isolation or limits",
    makeImage: async ({ reference, program: { command, title } }) => {
      await writeImage(`${folder}/images`, reference, { Entrypoint: command });
      return title;
    },
    close: () => runtime.close(),
  };
}
