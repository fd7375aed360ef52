import type { View } from "../../client/client.ts";
import { horizontalPodAutoscalers } from "../../resources/autoscaling/horizontal_pod_autoscalers.ts";
import type { Catalog } from "../../resources/catalog.ts";
import type { Moment } from "../../lib/clock.ts";
import {
  keyOf,
  type Loop,
  type LoopRun,
  nameOf,
  NOTHING,
  type Plan,
  plan,
} from "../runtime/controller.ts";
import { decide } from "./autoscaler_decision.ts";
import { measure } from "./measuring.ts";
import type { AskApi } from "./metrics_api.ts";
import type { Measurement } from "./proposals.ts";
import type { ScalingPast } from "./scaling_past.ts";

/** kube-controller-manager's `--horizontal-pod-autoscaler-sync-period`. */
const PERIOD_MS = 15_000;

/**
 * Scales what HorizontalPodAutoscalers are about: measures every 15 seconds, and decides by what was measured. Nothing
 * runs while there is no autoscaler.
 *
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
 */
export function autoscalerLoop(catalog: Catalog, ask: AskApi = nobody): Loop {
  return {
    name: "horizontal-pod-autoscaler",
    workers: 2,
    start: (view, add) => new AutoscalerRun({ catalog, view, ask, add }),
  };
}

/** As where nobody serves metrics. */
function nobody(): ReturnType<AskApi> {
  return Promise.resolve({ code: 404, body: undefined });
}

interface Parts {
  catalog: Catalog;
  view: View;
  ask: AskApi;
  add: (key: string) => void;
}

/** What is known of one autoscaler. Times are those of a clock that does not jump. */
interface Watched {
  state: "idle" | "measuring";
  /** When it was last measured; absent: never. */
  measuredMs?: number;
  /** What has been measured, until it is decided by. */
  measurements?: readonly Measurement[];
  past?: ScalingPast;
}

class AutoscalerRun implements LoopRun {
  readonly #parts: Parts;
  readonly #watched = new Map<string, Watched>();
  readonly #stopped = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { view, add } = parts;
    this.#unsubscribe = view.subscribe(
      horizontalPodAutoscalers,
      ({ object }) => add(keyOf(object.metadata)),
    );
    for (const { metadata } of view.list(horizontalPodAutoscalers)) add(keyOf(metadata));
  }

  reconcile(key: string, moment: Moment): Plan {
    const { view, catalog } = this.#parts;
    const autoscaler = view.get(horizontalPodAutoscalers, nameOf(key));
    if (autoscaler === undefined || autoscaler.metadata.deletionTimestamp !== undefined) {
      this.#watched.delete(key);
      return NOTHING;
    }
    const { measurements, ...known }: Watched = this.#watched.get(key) ?? { state: "idle" };
    if (known.state === "measuring") return NOTHING;
    if (measurements === undefined) return this.#measureWhenDue(key, known, moment);
    const { past } = known;
    const decision = decide({ autoscaler, measurements, past, catalog, view, moment });
    this.#watched.set(key, { ...known, past: decision.past });
    const restMs = known.measuredMs! + PERIOD_MS - moment.elapsedMs;
    return plan(decision.plan.writes, Math.max(0, restMs));
  }

  stop(): void {
    this.#stopped.abort(new Error("The autoscaler stops"));
    this.#unsubscribe();
  }

  #measureWhenDue(key: string, known: Watched, { elapsedMs }: Moment): Plan {
    const restMs = (known.measuredMs ?? -Infinity) + PERIOD_MS - elapsedMs;
    if (restMs > 0) return plan([], restMs);
    const { view, catalog, ask, add } = this.#parts;
    const { signal } = this.#stopped;
    const autoscaler = view.get(horizontalPodAutoscalers, nameOf(key))!;
    const begun: Watched = { ...known, state: "measuring", measuredMs: elapsedMs };
    this.#watched.set(key, begun);
    void measure(autoscaler, { view, catalog, ask, signal }).then((measurements) => {
      // It may have gone meanwhile, and another one have come.
      if (signal.aborted || this.#watched.get(key) !== begun) return;
      this.#watched.set(key, { ...begun, state: "idle", measurements });
      add(key);
    });
    return NOTHING;
  }
}
