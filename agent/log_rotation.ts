import type { Log } from "../core/lib/log.ts";
import type { ContainerRuntime, ContainerState } from "./runtimes/container_runtime.ts";
import type { PodFiles } from "./volumes/pod_files.ts";

export interface LogRotationOptions {
  files: Pick<PodFiles, "rotateLog">;
  runtime: Pick<ContainerRuntime, "logFormat">;
  log: Log;
}

/** Rotates logs that have grown too large. */
export class LogRotation {
  readonly #options: LogRotationOptions;
  /** Whether those that had grown too large could be rotated the last time. */
  #canRotate = true;

  constructor(options: LogRotationOptions) {
    this.#options = options;
  }

  /** A log that cannot be rotated, because the disk is full or its pod has gone, says nothing about the runtime. */
  async rotate(containers: readonly ContainerState[]): Promise<void> {
    const { files, runtime, log } = this.#options;
    const failures: unknown[] = [];
    for (const { podUid, name: container, restartCount, state } of containers) {
      if (state !== "running") continue;
      await files.rotateLog({ podUid, container, restartCount }, runtime.logFormat)
        .catch((error) => failures.push(error));
    }
    const [error] = failures;
    if (error !== undefined && this.#canRotate) log.warn("Cannot rotate a log", { error });
    this.#canRotate = error === undefined;
  }
}
