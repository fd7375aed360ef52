import { abortWith, ENDED } from "../../lib/abort.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Random } from "../../lib/random.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import { ListWatch, type Source } from "../list_watch.ts";
import type { MirroredKind } from "../mirrored_kind.ts";
import type { ServerLink } from "../server_link.ts";

interface SourceListsOptions {
  link: ServerLink;
  sources: readonly Source[];
  clock: Clock;
  random: Random;
  log: Log;
  kindOf(source: Source): MirroredKind;
}

interface Running {
  stop: AbortController;
  listed: Promise<void>;
  ended: Promise<void>;
}

/** Lists and watches of kinds that no feed tells of. */
export class SourceLists {
  readonly #options: SourceListsOptions;
  readonly #running = new Map<string, Running>();
  #failed: Promise<unknown> = Promise.resolve();

  constructor(options: SourceListsOptions) {
    this.#options = options;
  }

  /** From now on these kinds are listed and watched, until the signal aborts, and no others. */
  useFor(isMeant: (name: string) => boolean, signal: AbortSignal): void {
    for (const source of this.#options.sources) {
      if (source.isOnlyFed) continue;
      const name = groupResourceOf(source.resource);
      const running = this.#running.get(name);
      if (isMeant(name) === (running !== undefined)) continue;
      if (running) {
        running.stop.abort(ENDED);
        this.#running.delete(name);
      } else this.#running.set(name, this.#start(source, signal));
    }
  }

  /** Resolves when all of those were listed. */
  async complete(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ listed }) => listed));
  }

  /** Resolves when the signal has aborted and all have ended. Rejects only for a fault of ours. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await this.#failed;
  }

  #start(source: Source, signal: AbortSignal): Running {
    const stop = new AbortController();
    const release = abortWith(stop, signal);
    const { promise: listed, resolve: onListed } = Promise.withResolvers<void>();
    const kind = this.#options.kindOf(source);
    const watch = new ListWatch({ ...this.#options, source, kind, onListed });
    const ended = watch.run(stop.signal).finally(release);
    this.#failed = Promise.all([this.#failed, ended]);
    this.#failed.catch(() => {}); // reported by `ended`
    return { stop, listed, ended };
  }
}
