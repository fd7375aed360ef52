import { ifAbsent } from "../../../core/lib/absent.ts";

/**
 * The folder where the end of each process is written down: a file per container, named by its id, holding the
 * exit code. Watched by inotify, so that listeners hear of an end within milliseconds.
 *
 * Deno keeps one watcher for the whole process: closing a recursive watch on a parent folder also ends
 * this one. Nothing may watch a parent recursively.
 */
export class ExitFolder {
  readonly #folder: string;
  readonly #watcher: Deno.FsWatcher;
  readonly #listeners = new Set<(id: string) => void>();
  /** Ids that were reported: writing a file makes several events. */
  readonly #reported = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#watcher = Deno.watchFs(folder, { recursive: false });
    this.#watch();
  }

  path(id: string): string {
    return `${this.#folder}/${id}`;
  }

  /** `undefined` while a container has not ended, or its file is being written. */
  exitCode(id: string): number | undefined {
    try {
      const text = Deno.readTextFileSync(this.path(id)).trim();
      return text === "" ? undefined : Number(text);
    } catch (error) {
      return ifAbsent(error);
    }
  }

  /** Calls `listener` with the id of each container that ends from now on. Returns the stop. */
  subscribe(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#watcher.close();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      for (const path of paths) this.#see(kind, path.slice(path.lastIndexOf("/") + 1));
    }
  }

  #see(kind: Deno.FsEvent["kind"], id: string): void {
    if (kind === "remove") this.#reported.delete(id);
    if (this.#reported.has(id) || this.exitCode(id) === undefined) return;
    this.#reported.add(id);
    for (const listener of this.#listeners) listener(id);
  }
}
