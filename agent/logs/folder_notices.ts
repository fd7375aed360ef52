/** Tells when something has changed in the folder of a file, or the container has ended. */
export class FolderNotices {
  readonly #watcher: Deno.FsWatcher;
  readonly #ended: AbortSignal;
  readonly #signal: AbortSignal;
  #wake = () => {};
  #isDirty = false;

  constructor(path: string, ended: AbortSignal, signal: AbortSignal) {
    this.#watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")), { recursive: false });
    this.#ended = ended;
    this.#signal = signal;
    for (const each of [ended, signal]) each.addEventListener("abort", this.#mark, { once: true });
    this.#listen();
  }

  get hasEnded(): boolean {
    return this.#ended.aborted || this.#signal.aborted;
  }

  /** Resolves at once when something has happened since the last call, else when it does. */
  async next(): Promise<void> {
    if (!this.#isDirty && !this.hasEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#isDirty = false;
  }

  close(): void {
    for (const each of [this.#ended, this.#signal]) each.removeEventListener("abort", this.#mark);
    this.#watcher.close();
  }

  readonly #mark = (): void => {
    this.#isDirty = true;
    this.#wake();
  };

  async #listen(): Promise<void> {
    for await (const { kind } of this.#watcher) if (kind !== "access") this.#mark();
  }
}
