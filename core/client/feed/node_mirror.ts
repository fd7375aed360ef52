import { ENDED } from "../../lib/abort.ts";
import { AssertionError } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Random } from "../../lib/random.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import { followLines } from "../answer_body.ts";
import { ApiError } from "../api_error.ts";
import type { KeptView, SavedView } from "../kept_view.ts";
import type { Source } from "../list_watch.ts";
import { MirroredView } from "../mirrored_view.ts";
import { objectPath } from "../object_path.ts";
import { restBeforeRetry } from "../retry_pace.ts";
import type { ServerLink } from "../server_link.ts";
import { type FeedLine, feedQueryText } from "./feed_lines.ts";
import { FeedReader } from "./feed_reader.ts";
import { SourceLists } from "./source_lists.ts";

/** A feed that lasted this long ended normally. */
const HEALTHY_AFTER_MS = 30_000;
/** A server that has no feeds is asked again after this long: it may have been replaced by a newer one. */
const OLD_SERVER_MS = 300_000;
/** How a server answers that has no feeds: it knows no such path, or nobody's right to it. */
const NO_FEED: readonly number[] = [403, 404, 405];

export interface NodeMirrorOptions {
  link: ServerLink;
  node: string;
  /** What is mirrored, each kind once; of which objects, the server says. Where it has no feeds, the selectors say. */
  sources: readonly Source[];
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * What a node follows of the API's objects, by one stream of the server, which selects them: as a {@linkcode Mirror} for
 * whoever reads it. It shows the server's revisions one after another; the state after a gap is shown whole.
 *
 * Kinds that the server does not tell of are listed and watched; all of them, where it has no feeds.
 */
export class NodeMirror extends MirroredView implements KeptView {
  readonly #options: NodeMirrorOptions;
  readonly #reader: FeedReader;
  readonly #lists: SourceLists;
  readonly #ready = Promise.withResolvers<void>();
  #isRestored = false;
  #isCurrent = false;
  #refusal = "";
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: NodeMirrorOptions) {
    super(options.sources.map(({ resource }) => resource));
    this.#options = options;
    const target = {
      kindNamed: (name: string) => this.kindNamed(name),
      kindOfObject: (object: Parameters<typeof this.kindOfObject>[0]) => this.kindOfObject(object),
    };
    const names = options.sources.map(({ resource }) => groupResourceOf(resource));
    this.#reader = new FeedReader(target, names);
    this.#lists = new SourceLists({ ...options, kindOf: (source) => this.kindOf(source.resource) });
  }

  /** Whether the server has told everything since the start: what was restored may be old. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Whether it has told everything on the connection that is open now. */
  get isInStep(): boolean {
    return this.#reader.isComplete;
  }

  restore({ objects }: SavedView): void {
    this.#isRestored = true;
    this.putAll(objects);
  }

  /** After a restart the objects themselves say what has changed. */
  position(): unknown {
    return {};
  }

  /**
   * Starts to follow the server, until the signal aborts. Resolves when everything is shown, however long it takes to reach
   * the server, or at once when it was restored; rejects when the signal aborts first. Called once.
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#ended = this.#run(signal).finally(() => this.#lists.ended());
    if (this.#isRestored) return;
    const early = this.#ended.then(() => Promise.reject(signal.reason));
    early.catch(() => {}); // a later end is reported by `ended`
    await Promise.race([this.#ready.promise, early]);
  }

  /** Resolves when the signal has aborted and everything has ended. Rejects only for a fault of ours. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      const startedMs = clock.elapsed();
      let isGivenUp = false;
      try {
        isGivenUp = await this.#follow(signal);
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        if (error instanceof ApiError && NO_FEED.includes(error.code)) {
          await this.#doWithout(signal);
          continue;
        }
        if (!signal.aborted) this.#note(error);
      }
      const isHealthy = clock.elapsed() - startedMs >= HEALTHY_AFTER_MS;
      failures = isHealthy || isGivenUp ? 1 : failures + 1;
      await restBeforeRetry(failures, this.#options, signal);
    }
  }

  /** Resolves when the server ends the feed, or with true when it was given up to be reopened, which is not a failure. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const take = (line: string) => this.#take(JSON.parse(line) as FeedLine, signal);
    try {
      return await followLines(this.#options, this.#path(), take, signal);
    } finally {
      this.#reader.end();
    }
  }

  #path(): string {
    const query = feedQueryText(this.#reader.begin({ beats: true }));
    return `${objectPath(nodes, { name: this.#options.node })}/follow?${query}`;
  }

  #take(line: FeedLine, signal: AbortSignal): void {
    const kinds = this.#reader.take(line);
    if (kinds) this.#lists.useFor((name) => !kinds.includes(name), signal);
    if (line.type !== "SYNCED") return;
    this.#refusal = "";
    this.#lists.complete().then(() => this.#setReady());
  }

  #setReady(): void {
    this.#isCurrent = true;
    this.#ready.resolve();
  }

  /** Lists and watches everything, until it is time to ask for a feed again. */
  async #doWithout(signal: AbortSignal): Promise<void> {
    const { clock, link, log } = this.#options;
    log.debug("The server has no feeds: each kind is watched", {});
    this.#lists.useFor(() => true, signal);
    this.#lists.complete().then(() => this.#setReady());
    const restored = new AbortController();
    const stop = link.onRestored(() => restored.abort(ENDED));
    const either = AbortSignal.any([signal, restored.signal]);
    await clock.sleep(OLD_SERVER_MS, either).catch(() => {}); // rejects only when a signal aborts
    stop();
  }

  /** That the server cannot be reached is logged by the link. */
  #note(error: unknown): void {
    const { log } = this.#options;
    if (!(error instanceof ApiError)) return log.debug("The feed has ended", { error });
    if (error.message === this.#refusal) return;
    this.#refusal = error.message;
    log.warn("Cannot follow the server", { error });
  }
}
