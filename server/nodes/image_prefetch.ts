import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { View } from "../../core/client/client.ts";
import type { NodeImages } from "../../core/client/images/node_images.ts";
import { type Prefetch, prefetchesOf } from "../../core/controllers/images/prefetches.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { Slots } from "../../core/lib/slots.ts";
import { Wake } from "../../core/lib/wake.ts";
import { deployments } from "../../core/resources/apps/deployments.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";

const COMPONENT = "image-prefetcher";
/** Changes come in bursts. */
const SETTLE_MS = 1_000;
/** The kubelet's for images. */
const RETRY: Backoff = { firstMs: 10_000, maxMs: 300_000, factor: 2 };
/** Nodes that fetch at once: registries and uplinks are shared. */
const NODES_AT_ONCE = 4;

export interface ImagePrefetchOptions {
  view: View;
  images: { get(node: string): NodeImages | undefined };
  events: Pick<EventRecorder, "record">;
  clock: Clock;
}

/** Has nodes fetch the images that Deployments want to be there ahead. Each is asked for until the node has it. */
export class ImagePrefetch {
  readonly #options: ImagePrefetchOptions;
  readonly #wake = new Wake();
  readonly #slots = new Slots(NODES_AT_ONCE);
  /** By node and image: since when it is there, or how often it has failed. */
  readonly #states = new Map<
    string,
    "asked" | "there" | { failures: number; notBeforeMs: number }
  >();
  readonly #told = new Set<string>();

  constructor(options: ImagePrefetchOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#options;
    const wake = () => this.#wake.set();
    const stops = [view.subscribe(deployments, wake), view.subscribe(nodes, wake)];
    wake();
    try {
      while (!signal.aborted) {
        await this.#wake.wait(signal, this.#timer());
        await clock.sleep(SETTLE_MS, signal).catch(() => {}); // looked at by the loop
        if (!signal.aborted) this.look(signal);
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** Asks for what is missing. */
  look(signal: AbortSignal): void {
    const { view, events, clock } = this.#options;
    const { wanted, faults } = prefetchesOf(view);
    for (const { deployment: about, message } of faults) {
      const key = `${about.metadata.uid} ${message}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      events.record(COMPONENT, { about, type: "Warning", reason: "InvalidPrefetch", message });
    }
    const keys = new Set(wanted.map(keyOf));
    for (const key of this.#states.keys()) if (!keys.has(key)) this.#states.delete(key);
    for (const one of wanted) {
      const state = this.#states.get(keyOf(one));
      if (state === "asked" || state === "there") continue;
      if (state !== undefined && state.notBeforeMs > clock.elapsed()) continue;
      this.#states.set(keyOf(one), "asked");
      void this.#slots.use(() => this.#fetch(one, state?.failures ?? 0), signal).catch(() => {});
    }
  }

  async #fetch(one: Prefetch, failures: number): Promise<void> {
    const { images, events, clock } = this.#options;
    const { deployment: about, node, image, secrets } = one;
    const where = `image "${image}" on node "${node}"`;
    try {
      const agent = images.get(node);
      if (!agent) throw new Error("its agent is not connected");
      await agent.pull(image, secrets);
      this.#states.set(keyOf(one), "there");
      const message = `Successfully fetched ${where}`;
      events.record(COMPONENT, { about, type: "Normal", reason: "Prefetched", message });
    } catch (error) {
      const notBeforeMs = clock.elapsed() + waitMsAfter(failures + 1, RETRY);
      this.#states.set(keyOf(one), { failures: failures + 1, notBeforeMs });
      const message = `Cannot fetch ${where}: ${messageOf(error)}`;
      events.record(COMPONENT, { about, type: "Warning", reason: "FailedPrefetch", message });
      this.#wake.set();
    }
  }

  /** Until something may be tried again; `undefined`: nothing waits. */
  #timer(): { clock: Clock; ms: number } | undefined {
    const { clock } = this.#options;
    const due = [...this.#states.values()].flatMap((state) =>
      typeof state === "string" ? [] : [state.notBeforeMs]
    );
    if (due.length === 0) return undefined;
    return { clock, ms: Math.max(0, Math.min(...due) - clock.elapsed()) };
  }
}

function keyOf({ node, image }: Prefetch): string {
  return `${node} ${image}`;
}
