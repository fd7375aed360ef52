import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** What is known of one pod, from its creation until long after its deletion. Times are elapsed ms. */
export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  /** Uid of its last known controller. */
  owner: string | undefined;
  nodeName: string | undefined;
  readonly cpuMillis: number;
  /** Whether a container prepares it, with the name `init`. */
  readonly hasInit: boolean;
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

/** Every pod that ever existed. It reads pods with code of its own, so that it shares no bug with the product. */
export class PodLedger {
  readonly #facts = new Map<string, PodFacts>();

  get all(): Iterable<PodFacts> {
    return this.#facts.values();
  }

  of(uid: string): PodFacts | undefined {
    return this.#facts.get(uid);
  }

  /** Records a pod as it is now. Returns what is wrong with the change. */
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
    uid,
    name,
    owner: undefined,
    nodeName: undefined,
    cpuMillis: cpuMillisOf(spec),
    hasInit: spec.initContainers?.some(({ name }) => name === "init") ?? false,
    isActive: false,
    activeUntilMs: -Infinity,
    readySinceMs: Infinity,
    isReady: false,
    wasReady: false,
    readyUntilMs: -Infinity,
    finishedMs: undefined,
    goneMs: undefined,
    deletionGraceSeconds: undefined,
  };
}

function faultOf(before: PodFacts, pod: Pod): string | undefined {
  if (before.goneMs !== undefined) return "came back from the dead";
  if (before.nodeName !== undefined && before.nodeName !== pod.spec.nodeName) {
    return `moved from ${before.nodeName} to ${pod.spec.nodeName}`;
  }
  const isFinished = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  if (before.finishedMs !== undefined && !isFinished) return "had finished and no longer has";
  return undefined;
}

/** All pods of the simulator request CPU in thousandths. */
function cpuMillisOf({ containers }: Pod["spec"]): number {
  return containers.reduce(
    (sum, { resources }) => sum + Number.parseInt(resources?.requests?.["cpu"] ?? "0"),
    0,
  );
}
