/** The id of a container, as conmon names its exit files. While they are written they have a suffix. */
const ID = /^[0-9a-f]{64}$/;

/** The end of a container, seen before Podman knows of it. */
export interface SeenExit {
  exitCode: number;
  atMs: number;
}

/**
 * Watches the folder in which conmon writes the exit code of each container, and reports it within milliseconds;
 * Podman's own events come 150 to 220 ms later. What a file said is known as long as the file is there: it goes
 * when Podman has cleaned up and knows the end itself.
 */
export class ExitWatch {
  readonly #watcher: Deno.FsWatcher;
  readonly #report: (id: string) => void;
  /** The exits that were reported and whose files are still there. */
  readonly #reported = new Map<string, SeenExit | undefined>();

  constructor(readonly folder: string, report: (id: string) => void) {
    this.#report = report;
    this.#watcher = Deno.watchFs(folder, { recursive: false });
    this.#watch();
  }

  seen(id: string): SeenExit | undefined {
    return this.#reported.get(id);
  }

  close(): void {
    this.#watcher.close();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      for (const path of paths) this.#see(kind, path);
    }
  }

  #see(kind: Deno.FsEvent["kind"], path: string): void {
    const id = path.slice(path.lastIndexOf("/") + 1);
    if (!ID.test(id)) return;
    if (!this.#reported.has(id)) {
      this.#reported.set(id, readExit(path));
      this.#report(id);
    }
    if (kind === "remove") this.#reported.delete(id);
  }
}

/** The folder that the monitor of a running container writes to: it stands in its command line. */
export function exitsFolderOf(conmonPid: number): string | undefined {
  try {
    const words = Deno.readTextFileSync(`/proc/${conmonPid}/cmdline`).split("\0");
    const at = words.indexOf("--exit-dir");
    return at < 0 ? undefined : words[at + 1];
  } catch {
    return undefined; // it has ended, or may not be read
  }
}

function readExit(path: string): SeenExit | undefined {
  try {
    const text = Deno.readTextFileSync(path).trim();
    const atMs = Deno.statSync(path).mtime?.getTime();
    return text === "" || atMs === undefined ? undefined : { exitCode: Number(text), atMs };
  } catch {
    return undefined; // Podman was faster and has removed it: it knows the end by now
  }
}
