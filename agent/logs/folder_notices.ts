import type { Clock } from "../../core/lib/clock.ts";

export interface FolderNoticesOptions {
  /** Of a file in the folder. */
  path: string;
  clock: Clock;
  ended: AbortSignal;
  signal: AbortSignal;
}

/**
 * Tells when something has changed in the folder of a file, or the container has ended. Who writes without a pause makes
 * a notice of each write: while its reader pauses, nobody listens.
 */
export class FolderNotices {
  readonly #options: FolderNoticesOptions;
  #watcher: Deno.FsWatcher | undefined;
  #wake = () => {};
  #isDirty = false;
  #pausedMs = -Infinity;

  constructor(options: FolderNoticesOptions) {
    this.#options = options;
    this.#watcher = this.#listen();
    for (const end of this.#ends) end.addEventListener("abort", this.#mark, { once: true });
  }

  get hasEnded(): boolean {
    return this.#ends.some(({ aborted }) => aborted);
  }

  /** Resolves at once when something may have happened since the last call, else when it does. */
  async next(): Promise<void> {
    const isDeaf = this.#watcher === undefined;
    this.#watcher ??= this.#listen();
    if (!isDeaf && !this.#isDirty && !this.hasEnded) await this.#marked();
    this.#isDirty = false;
  }

  /** Resolves `everyMs` after the last time, at once when that is longer ago, or at the end. */
  async pause(everyMs: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = this.#pausedMs + everyMs;
    if (clock.elapsed() < untilMs) {
      this.#stopListening();
      const cancel = clock.after(untilMs - clock.elapsed(), () => this.#wake());
      while (!this.hasEnded && clock.elapsed() < untilMs) await this.#marked();
      cancel();
    }
    this.#pausedMs = clock.elapsed();
  }

  close(): void {
    for (const end of this.#ends) end.removeEventListener("abort", this.#mark);
    this.#stopListening();
  }

  get #ends(): readonly AbortSignal[] {
    return [this.#options.ended, this.#options.signal];
  }

  #marked(): Promise<void> {
    return new Promise<void>((resolve) => this.#wake = resolve);
  }

  readonly #mark = (): void => {
    this.#isDirty = true;
    this.#wake();
  };

  #listen(): Deno.FsWatcher {
    const { path } = this.#options;
    const watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")), { recursive: false });
    void this.#hear(watcher);
    return watcher;
  }

  async #hear(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) if (kind !== "access") this.#mark();
  }

  #stopListening(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
