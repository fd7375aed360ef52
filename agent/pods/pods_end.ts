import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { PodNetwork } from "../network/pod_network.ts";
import type { ContainerRuntime, ContainerState } from "../runtimes/container_runtime.ts";
import type { PodVolumes } from "../volumes/volumes.ts";

/** How often the runtime is asked to end a container, when all are to end. */
const END_TRIES = 5;
const END_RETRY_MS = 1_000;

export interface EndingNode {
  runtime: ContainerRuntime;
  network: PodNetwork;
  volumes: PodVolumes;
  clock: Clock;
  log: Log;
  /** How long the containers of a pod get to end. */
  graceMsOf(podUid: string): number;
}

/**
 * Ends all containers of a node, each with the grace of its pod or, once the signal aborts, at once; takes down
 * their networks. Rejects when there are containers that cannot be ended, after all others are: their pods are left
 * whole.
 */
export async function endAllPods(node: EndingNode, signal: AbortSignal): Promise<void> {
  const { runtime, network, volumes } = node;
  const containers = await runtime.list();
  const ends = await Promise.allSettled(containers.map((each) => end(node, each, signal)));
  const left = new Set(
    containers.filter((_, i) => ends[i]!.status === "rejected").map(({ podUid }) => podUid),
  );
  const addresses = (await network.list()).filter(({ podUid }) => !left.has(podUid));
  await Promise.all(addresses.map(({ podUid }) => network.remove(podUid)));
  const uids = new Set(containers.map(({ podUid }) => podUid)).difference(left);
  await Promise.all([...uids].map((uid) => volumes.unmount(uid)));
  await Promise.all([...uids].map((uid) => runtime.releasePod?.(uid)));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure) throw failure.reason;
}

async function end(
  node: EndingNode,
  container: ContainerState,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, clock, log } = node;
  const { id } = container;
  for (let tries = 1;; tries++) {
    try {
      await stopOne(node, container, signal);
      await runtime.remove(id);
      return;
    } catch (error) {
      if (tries === END_TRIES) throw error;
      log.warn("Cannot end a container, trying again", { id, error });
      await clock.sleep(END_RETRY_MS);
    }
  }
}

async function stopOne(
  { runtime, graceMsOf }: EndingNode,
  { id, podUid, state }: ContainerState,
  signal: AbortSignal,
): Promise<void> {
  if (state !== "running") return;
  const kill = () => runtime.stop(id, 0).catch(() => {}); // the stop below reports what is wrong
  signal.addEventListener("abort", kill, { once: true });
  try {
    await runtime.stop(id, signal.aborted ? 0 : graceMsOf(podUid));
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
