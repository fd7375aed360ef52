import type { Clock } from "../../core/lib/clock.ts";

export interface FolderNoticesOptions {
  /** Of a file in the folder. */
  path: string;
  clock: Clock;
  ended: AbortSignal;
  signal: AbortSignal;
}

/** Tells when something has changed in the folder of a file, or the container has ended. */
export class FolderNotices {
  readonly #options: FolderNoticesOptions;
  readonly #watcher: Deno.FsWatcher;
  #wake = () => {};
  #isDirty = false;
  #pausedMs = -Infinity;

  constructor(options: FolderNoticesOptions) {
    this.#options = options;
    const { path } = options;
    this.#watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")), { recursive: false });
    void this.#listen();
    for (const end of this.#ends) end.addEventListener("abort", this.#mark, { once: true });
  }

  get hasEnded(): boolean {
    return this.#ends.some(({ aborted }) => aborted);
  }

  /** Resolves at once when something has happened since the last call, else when it does. */
  async next(): Promise<void> {
    if (!this.#isDirty && !this.hasEnded) await this.#marked();
    this.#isDirty = false;
  }

  /** Resolves `everyMs` after the last time, at once when that is longer ago, or at the end. */
  async pause(everyMs: number): Promise<void> {
    const { clock } = this.#options;
    const restMs = this.#pausedMs + everyMs - clock.elapsed();
    if (restMs > 0) await clock.sleep(restMs, AbortSignal.any(this.#ends)).catch(() => {}); // rejects at the end
    this.#pausedMs = clock.elapsed();
  }

  close(): void {
    for (const end of this.#ends) end.removeEventListener("abort", this.#mark);
    this.#watcher.close();
  }

  get #ends(): AbortSignal[] {
    return [this.#options.ended, this.#options.signal];
  }

  #marked(): Promise<void> {
    return new Promise<void>((resolve) => this.#wake = resolve);
  }

  readonly #mark = (): void => {
    this.#isDirty = true;
    this.#wake();
  };

  async #listen(): Promise<void> {
    for await (const { kind } of this.#watcher) if (kind !== "access") this.#mark();
  }
}
