import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { staticPodOf } from "./static_pod.ts";

/** How long a file may go on being written after a notice. */
const SETTLE_MS = 100;
/** Notices get lost, as when the folder itself is made again: the kubelet's `fileCheckFrequency` is 20 s. */
const LOOK_MS = 20_000;
const FILES_MAX = 500;
const FILE_BYTES_MAX = 1024 * 1024;

export interface ManifestFolderOptions {
  folder: string;
  nodeName: string;
  clock: Clock;
  log: Log;
  onPods(pods: readonly Pod[]): void;
}

/** The static pods of a folder: told whenever its files have changed. What is no pod is logged once, and left alone. */
export class ManifestFolder {
  readonly #options: ManifestFolderOptions;
  readonly #wake = new Wake();
  /** By path: what was read, by its size and time of change. */
  #known = new Map<string, { stamp: string; pod: Pod | undefined }>();
  #isThere = true;

  constructor(options: ManifestFolderOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      using _watcher = this.#watch(); // before the look, so that nothing is missed
      await this.look();
      await this.#wake.wait(signal, { clock, ms: LOOK_MS });
      await clock.sleep(SETTLE_MS, signal).catch(() => {}); // rejects only when the signal aborts
    }
  }

  #watch(): Disposable {
    try {
      const watcher = Deno.watchFs(this.#options.folder, { recursive: false });
      void this.#listen(watcher);
      return { [Symbol.dispose]: () => watcher.close() };
    } catch {
      return { [Symbol.dispose]: () => {} }; // the folder is not there: looked for again soon
    }
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) if (kind !== "access") this.#wake.set();
  }

  /** Reads the folder. Never rejects. */
  async look(): Promise<void> {
    const { folder, log, onPods } = this.#options;
    try {
      const names = await namesIn(folder);
      if (names.length > FILES_MAX) {
        log.warn("Too many manifests; the last ones are ignored", { folder });
      }
      const known = new Map<string, { stamp: string; pod: Pod | undefined }>();
      for (const name of names.slice(0, FILES_MAX)) {
        const path = `${folder}/${name}`;
        const found = await this.#read(path);
        if (found) known.set(path, found);
      }
      this.#known = known;
      this.#isThere = true;
      onPods(withoutDuplicates([...known.values()].flatMap(({ pod }) => pod ?? [])));
    } catch (error) {
      // Whoever takes the folder away does not mean that all pods should end.
      if (this.#isThere) log.warn("Cannot read the folder of static pods", { folder, error });
      this.#isThere = false;
    }
  }

  /** What is not a file, such as a pipe that nobody writes to, is not opened. */
  async #read(path: string): Promise<{ stamp: string; pod: Pod | undefined } | undefined> {
    const { nodeName, clock, log } = this.#options;
    const info = await Deno.stat(path).catch(() => undefined); // gone meanwhile, or a link to nowhere
    if (!info?.isFile) return undefined;
    const stamp = `${info.ino} ${info.size} ${info.mtime?.getTime()}`;
    const before = this.#known.get(path);
    if (before?.stamp === stamp) return before;
    try {
      if (info.size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`);
      const text = await Deno.readFile(path);
      const pod = staticPodOf({ text, path, nodeName, nowMs: clock.now() });
      const isSame = before?.pod?.metadata.uid === pod.metadata.uid;
      return { stamp, pod: isSame ? before!.pod : pod };
    } catch (error) {
      log.warn("Cannot use a file as a static pod", { path, problem: messageOf(error) });
      return { stamp, pod: undefined };
    }
  }
}

/** In a fixed order, without hidden ones, such as those that editors leave. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => !name.startsWith(".")).sort();
}

/** Two files with a pod of one name: the first one counts. */
function withoutDuplicates(all: readonly Pod[]): Pod[] {
  const keyOf = ({ metadata: { namespace, name } }: Pod) => `${namespace}/${name}`;
  return all.filter((pod, i) => all.findIndex((other) => keyOf(other) === keyOf(pod)) === i);
}
