import type { View } from "../../client/client.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Loop } from "./controller.ts";

/** Objects for which a loop is needed. */
export interface Need {
  resource: AnyResource;
  /** Absent: any object of the kind. */
  isFor?(object: KubeObject): boolean;
}

/**
 * A loop whose code is loaded when there is something for it to do: a server without autoscalers or Rollouts starts faster,
 * and is smaller. Once loaded it stays.
 */
export interface LoopOnDemand {
  name: string;
  neededBy: readonly Need[];
  load(): Promise<Loop>;
}

/** Resolves with the loop once it is needed; with `undefined` when the signal aborts first. */
export async function whenNeeded(
  { neededBy, load }: LoopOnDemand,
  view: View,
  signal: AbortSignal,
): Promise<Loop | undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) resolve();
  const stops = neededBy.map(({ resource, isFor = () => true }) => {
    if (view.list(resource).some((object) => isFor(object))) resolve();
    return view.subscribe(resource, ({ object }) => {
      if (isFor(object)) resolve();
    });
  });
  await promise;
  signal.removeEventListener("abort", stop);
  for (const unsubscribe of stops) unsubscribe();
  return signal.aborted ? undefined : await load();
}
