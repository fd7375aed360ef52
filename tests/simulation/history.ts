import type { StoreEvent } from "../../core/store/store.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";

/** Kinds whose changes are noise to a reader. */
const SILENT_KINDS: ReadonlySet<string> = new Set(["leases.coordination.k8s.io", "events"]);

/** What may occur in a run besides the actions of its scenario. */
export type Occurrence =
  | "a request was lost"
  | "a request came twice"
  | "an answer was cut off"
  | "a slow watcher was cut off"
  | "a kind was listed again"
  | "a pod waited for its requests";

/** What happened in one run, in order, for people: formatted only when somebody reads it. */
export class History {
  readonly #lines: { atMs: number; text: string | (() => string) }[] = [];
  readonly #elapsedMs: () => number;
  /** How often each occurrence came about. */
  readonly occurrences = new Map<Occurrence, number>();

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  count(what: Occurrence): void {
    this.occurrences.set(what, (this.occurrences.get(what) ?? 0) + 1);
  }

  record(text: string | (() => string)): void {
    this.#lines.push({ atMs: this.#elapsedMs(), text });
  }

  change(event: StoreEvent): void {
    if (!SILENT_KINDS.has(event.entry.key[0])) this.record(() => changeText(event));
  }

  /** One line for each thing that happened: `  12.345 s  user scales web to 3`. */
  get lines(): string[] {
    return this.#lines.map(({ atMs, text }) =>
      `${(atMs / 1_000).toFixed(3).padStart(9)} s  ${typeof text === "string" ? text : text()}`
    );
  }
}

function changeText({ type, entry: { key, object, revision } }: StoreEvent): string {
  return `${type.toLowerCase()} ${key.join("/")} @${revision}${detailOf(object)}`;
}

function detailOf(object: StoreEvent["entry"]["object"]): string {
  const terminating = object.metadata.deletionTimestamp === undefined ? "" : " terminating";
  if (object.kind === "Pod") return terminating + podText(object as unknown as Pod);
  if (object.kind === "ReplicaSet" || object.kind === "Deployment") {
    const { spec, status } = object as unknown as ReplicaSet; // both have the fields read here
    return `${terminating} wants ${spec.replicas}, has ${status.replicas ?? 0}, ` +
      `available ${status.availableReplicas ?? 0}`;
  }
  return terminating;
}

function podText({ spec, status }: Pod): string {
  const isReady = status.conditions?.some(({ type, status }) =>
    type === "Ready" && status === "True"
  );
  const states = (status.containerStatuses ?? []).map(({ state, restartCount }) =>
    `${state.waiting?.reason ?? Object.keys(state)[0] ?? "-"}#${restartCount}`
  );
  return ` ${status.phase} on ${spec.nodeName ?? "-"} ${isReady ? "ready" : "unready"} ${states}`;
}
