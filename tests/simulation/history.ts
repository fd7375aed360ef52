import type { StoreEvent } from "../../core/store/store.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ReplicaSet } from "../../core/resources/apps/replica_sets.ts";

/** Kinds whose changes tell a reader nothing. */
const SILENT_KINDS: ReadonlySet<string> = new Set(["leases.coordination.k8s.io", "events"]);

/** What a run may bring besides the actions of its scenario. */
export type Met =
  | "a request was lost"
  | "a request came twice"
  | "an answer was cut off"
  | "a slow watcher was cut off"
  | "a kind was listed again"
  | "a pod waited for its requests";

/** What happened in one run, in order, for people: made into text only when somebody wants to read it. */
export class History {
  readonly #lines: { atMs: number; text: string | (() => string) }[] = [];
  readonly #elapsedMs: () => number;
  /** How often something came about that the product has to cope with, by what it is. */
  readonly met = new Map<Met, number>();

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  meet(what: Met): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  say(text: string | (() => string)): void {
    this.#lines.push({ atMs: this.#elapsedMs(), text });
  }

  change(event: StoreEvent): void {
    if (!SILENT_KINDS.has(event.entry.key[0])) this.say(() => changeText(event));
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
  const going = object.metadata.deletionTimestamp === undefined ? "" : " terminating";
  if (object.kind === "Pod") return going + podText(object as unknown as Pod);
  if (object.kind === "ReplicaSet" || object.kind === "Deployment") {
    const { spec, status } = object as unknown as ReplicaSet; // what is read here both have
    return `${going} wants ${spec.replicas}, has ${status.replicas ?? 0}, ` +
      `available ${status.availableReplicas ?? 0}`;
  }
  return going;
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
