import type { Notice } from "../../../client/event_recorder.ts";
import { isEqual } from "../../../lib/equality.ts";
import { type ReplicaSet, replicaSets } from "../../../resources/apps/replica_sets.ts";
import type {
  AnalysisRun,
  BlueGreenStatus,
  CanaryStatus,
  Experiment,
} from "../../../resources/argoproj/mod.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { earliest, recordEvent, update, type Write } from "../../runtime/controller.ts";
import { PauseChanges, type PauseReason } from "./pauses.ts";
import type { FullStatus, OpenSituation } from "./situation.ts";

/** How a part of a look ends it: nothing that comes after it is done, and the status says no more than `canary.weights`. */
export type Outcome = "stop" | undefined;

/** The AnalysisRuns of this revision, by what they are for. */
export interface CurrentRuns {
  step?: AnalysisRun;
  background?: AnalysisRun;
  prePromotion?: AnalysisRun;
  postPromotion?: AnalysisRun;
}

/** Members to be; `undefined` takes one away. */
type Members<T> = { [K in keyof T]?: T[K] | undefined };

/** What becomes of one object; the write is made of its last version. */
interface Change<T extends KubeObject> {
  before: T;
  now: T;
  events: Notice[];
}

type Entry = { set: Change<ReplicaSet> } | { service: Change<Service> } | { write: Write };

/**
 * What one look at a Rollout has decided so far. Each set and each Service is written at most once, at the place of its
 * first change, with its events behind it; all other events follow the one write of the status, so that none is told of
 * what is then refused.
 */
export class Pass {
  /** The status to be: what no part says is not there. */
  status: FullStatus;
  /** AnalysisRuns of this revision, as soon as analyses have been looked at. */
  runs: CurrentRuns = {};
  /** The experiment of the current step, as soon as experiments have been looked at. */
  experiment: Experiment | undefined;
  readonly #situation: OpenSituation;
  readonly #pauses: PauseChanges;
  readonly #entries: Entry[] = [];
  readonly #sets = new Map<string, Change<ReplicaSet>>();
  readonly #services = new Map<string, Change<Service>>();
  readonly #told: Notice[] = [];
  #againAfterMs: number | undefined;

  constructor(situation: OpenSituation) {
    const { status: { canary, restartedAt, alb, albs } } = situation.rollout;
    this.#situation = situation;
    this.#pauses = new PauseChanges(situation.rollout);
    this.status = {
      ...(restartedAt !== undefined && { restartedAt }),
      ...(alb && { alb }),
      ...(albs && { albs }),
      canary: canary.weights ? { weights: canary.weights } : {},
      blueGreen: {},
    };
  }

  /** Changes members of the status to be. */
  setStatus(members: Members<FullStatus>): void {
    this.status = withMembers(this.status, members);
  }

  setCanaryStatus(members: Members<CanaryStatus>): void {
    this.status = { ...this.status, canary: withMembers(this.status.canary, members) };
  }

  setBlueGreenStatus(members: Members<BlueGreenStatus>): void {
    this.status = { ...this.status, blueGreen: withMembers(this.status.blueGreen, members) };
  }

  /** The set as it has been changed so far. */
  setNow(set: ReplicaSet): ReplicaSet {
    return this.#sets.get(set.metadata.uid)?.now ?? set;
  }

  /** Changes a set, and tells of it when it is written. */
  changeSet(
    set: ReplicaSet,
    change: (now: ReplicaSet) => ReplicaSet,
    event?: { reason: string; message: string },
  ): void {
    let known = this.#sets.get(set.metadata.uid);
    if (known === undefined) {
      known = { before: set, now: set, events: [] };
      this.#sets.set(set.metadata.uid, known);
      this.#entries.push({ set: known });
    }
    this.#change(known, change, event);
  }

  /** The Service as it has been changed so far. */
  serviceNow(service: Service): Service {
    return this.#services.get(service.metadata.uid)?.now ?? service;
  }

  /** Changes a Service, and tells of it when it is written. */
  changeService(
    service: Service,
    change: (now: Service) => Service,
    event?: { reason: string; message: string },
  ): void {
    let known = this.#services.get(service.metadata.uid);
    if (known === undefined) {
      known = { before: service, now: service, events: [] };
      this.#services.set(service.metadata.uid, known);
      this.#entries.push({ service: known });
    }
    this.#change(known, change, event);
  }

  #change<T extends KubeObject>(
    known: Change<T>,
    change: (now: T) => T,
    event?: { reason: string; message: string },
  ): void {
    known.now = change(known.now);
    if (event) known.events.push(this.#notice("Normal", event));
  }

  /** Writes of anything else, in order. */
  write(...writes: readonly Write[]): void {
    this.#entries.push(...writes.map((write) => ({ write })));
  }

  /** Tells of the Rollout once its status is written. */
  tell(reason: string, message: string, type: Notice["type"] = "Normal"): void {
    this.#told.push(this.#notice(type, { reason, message }));
  }

  #notice(type: Notice["type"], event: { reason: string; message: string }): Notice {
    return { about: this.#situation.stored, type, ...event };
  }

  /** Looks again after this long, or earlier. */
  wakeIn(ms: number): void {
    this.#againAfterMs = earliest(this.#againAfterMs, Math.max(0, ms));
  }

  get againAfterMs(): number | undefined {
    return this.#againAfterMs;
  }

  get isAborted(): boolean {
    return this.#pauses.isAborted;
  }

  get abortMessage(): string | undefined {
    return this.#pauses.abortMessage;
  }

  get hasAddedPause(): boolean {
    return this.#pauses.hasAdded;
  }

  addPause(reason: PauseReason): void {
    this.#pauses.add(reason);
  }

  removePause(reason: PauseReason): void {
    this.#pauses.remove(reason);
  }

  clearPauses(): void {
    this.#pauses.clear();
  }

  addAbort(message: string): void {
    this.#pauses.addAbort(message);
  }

  removeAbort(): void {
    this.#pauses.removeAbort();
  }

  /** Puts what was decided about pauses and aborts into the status. */
  settlePauses(): void {
    const { abort: _a, abortedAt: _at, pauseConditions: _p, controllerPause: _c, ...rest } =
      this.status;
    this.status = { ...rest, ...this.#pauses.statusAt(this.#situation.nowMs) };
  }

  /** All that is to be written, `statusWrites` after sets and Services, the told events last. */
  writesWith(statusWrites: readonly Write[]): Write[] {
    return [
      ...this.#entries.flatMap((entry) => {
        if ("write" in entry) return [entry.write];
        if ("set" in entry) {
          return writesOf(entry.set, (object) => update(replicaSets, object));
        }
        return writesOf(entry.service, (object) => update(services, object));
      }),
      ...statusWrites,
      ...this.#told.map(recordEvent),
    ];
  }
}

function writesOf<T extends KubeObject>(
  { before, now, events }: Change<T>,
  write: (object: T) => Write,
): Write[] {
  return [...(isEqual(before, now) ? [] : [write(now)]), ...events.map(recordEvent)];
}

function withMembers<T extends object>(whole: T, members: Members<T>): T {
  const all = { ...whole, ...members };
  // Nothing but members that may be absent is taken away.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}
