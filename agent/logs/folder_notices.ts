import type { Clock } from "../../core/lib/clock.ts";
import { Wake } from "../../core/lib/wake.ts";

export interface FolderNoticesOptions {
  /** Of a file in the folder. */
  path: string;
  clock: Clock;
  ended: AbortSignal;
  signal: AbortSignal;
}

/** Reports when something has changed in the folder of a file, or the container has ended. */
export class FolderNotices {
  readonly #options: FolderNoticesOptions;
  readonly #watcher: Deno.FsWatcher;
  /** The container has ended, or the client has gone. */
  readonly #end: AbortSignal;
  readonly #wake = new Wake();
  #pausedMs = -Infinity;

  constructor(options: FolderNoticesOptions) {
    this.#options = options;
    const { path } = options;
    this.#watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")), { recursive: false });
    void this.#listen();
    this.#end = AbortSignal.any([options.ended, options.signal]);
  }

  get hasEnded(): boolean {
    return this.#end.aborted;
  }

  /** Resolves at once when something has happened since the last call, else when it does. */
  async next(): Promise<void> {
    await this.#wake.wait(this.#end);
  }

  /** Resolves `everyMs` after the last time, at once when that is longer ago, or at the end. */
  async pause(everyMs: number): Promise<void> {
    const { clock } = this.#options;
    const restMs = this.#pausedMs + everyMs - clock.elapsed();
    if (restMs > 0) await clock.sleep(restMs, this.#end).catch(() => {}); // rejects at the end
    this.#pausedMs = clock.elapsed();
  }

  close(): void {
    this.#watcher.close();
  }

  async #listen(): Promise<void> {
    for await (const { kind } of this.#watcher) if (kind !== "access") this.#wake.set();
  }
}
