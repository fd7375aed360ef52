import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** What has been seen of one pod, from the time it was made until long after it went. Times are elapsed ms. */
export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  /** Uid of the controller that it was last seen to have. */
  owner: string | undefined;
  nodeName: string | undefined;
  readonly cpuMillis: number;
  isActive: boolean;
  /** When it last was active; `Infinity` while it is. */
  activeUntilMs: number;
  isReady: boolean;
  /** When it last became ready. */
  readySinceMs: number;
  wasReady: boolean;
  /** When it last was ready; `-Infinity` before. */
  readyUntilMs: number;
  finishedMs: number | undefined;
  deletionGraceSeconds: number | undefined;
  goneMs: number | undefined;
}

/** Every pod that ever was. Its own reading of pods, so that a fault of the product's is not shared. */
export class PodLedger {
  readonly #facts = new Map<string, PodFacts>();

  get all(): Iterable<PodFacts> {
    return this.#facts.values();
  }

  of(uid: string): PodFacts | undefined {
    return this.#facts.get(uid);
  }

  /** Takes note of a pod as it is now. Gives what is wrong with the change. */
  seen(pod: Pod, nowMs: number): string | undefined {
    const { uid, name, deletionTimestamp, ownerReferences = [] } = pod.metadata;
    const before = this.#facts.get(uid);
    const facts = before ?? newFacts(pod);
    this.#facts.set(uid, facts);
    const wrong = before && faultOf(before, pod);
    facts.owner = ownerReferences.find(({ controller }) => controller)?.uid;
    facts.nodeName = pod.spec.nodeName;
    const isFinished = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
    if (isFinished) facts.finishedMs ??= nowMs;
    facts.deletionGraceSeconds = pod.metadata.deletionGracePeriodSeconds;
    const isActive = !isFinished && deletionTimestamp === undefined;
    if (isActive) facts.activeUntilMs = Infinity;
    else if (facts.isActive) facts.activeUntilMs = nowMs;
    facts.isActive = isActive;
    const isReady =
      pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ??
        false;
    if (facts.isReady && !isReady) facts.readyUntilMs = nowMs;
    if (!facts.isReady && isReady) facts.readySinceMs = nowMs;
    facts.isReady = isReady;
    facts.wasReady ||= isReady;
    return wrong && `pod ${name} ${wrong}`;
  }

  gone(uid: string, nowMs: number): void {
    const facts = this.#facts.get(uid);
    if (facts === undefined) return;
    facts.goneMs = nowMs;
    if (facts.isActive) facts.activeUntilMs = nowMs;
    if (facts.isReady) facts.readyUntilMs = nowMs;
    facts.isActive = facts.isReady = false;
  }
}

function newFacts({ metadata: { uid, name }, spec }: Pod): PodFacts {
  return {
    ...{ uid, name, owner: undefined, nodeName: undefined, cpuMillis: cpuMillisOf(spec) },
    ...{
      isActive: false,
      activeUntilMs: -Infinity,
      readySinceMs: Infinity,
      isReady: false,
      wasReady: false,
    },
    ...{
      readyUntilMs: -Infinity,
      finishedMs: undefined,
      goneMs: undefined,
      deletionGraceSeconds: undefined,
    },
  };
}

function faultOf(before: PodFacts, pod: Pod): string | undefined {
  if (before.goneMs !== undefined) return "came back from the dead";
  if (before.nodeName !== undefined && before.nodeName !== pod.spec.nodeName) {
    return `moved from ${before.nodeName} to ${pod.spec.nodeName}`;
  }
  const isFinished = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  if (before.finishedMs !== undefined && !isFinished) return "was finished and is so no more";
  return undefined;
}

/** All pods of the simulator ask for whole thousandths, written so. */
function cpuMillisOf({ containers }: Pod["spec"]): number {
  return containers.reduce(
    (sum, { resources }) => sum + Number.parseInt(resources?.requests?.["cpu"] ?? "0"),
    0,
  );
}
