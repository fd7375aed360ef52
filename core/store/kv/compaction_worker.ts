/// <reference lib="deno.worker" />
import { compact } from "./store_compaction.ts";

/** Compacts the file whose path it receives, off the serving thread. Started by `new Worker(…)`, never imported. */
self.onmessage = async ({ data: path }: MessageEvent<string>) => {
  try {
    await compact(path);
    self.postMessage({});
  } catch (error) {
    self.postMessage({ problem: (error as Error).message });
  }
};
