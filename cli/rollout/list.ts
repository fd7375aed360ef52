import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { ageOf, durationMsOf, humanDuration } from "../../core/schema/durations.ts";
import type { Terminal } from "../../server/terminal.ts";
import { type Cluster, EXPERIMENTS, type Place, ROLLOUTS } from "./cluster/cluster.ts";
import { FollowedObjects } from "./cluster/followed_objects.ts";
import type { AnyObject, Experiment, Rollout } from "./cluster/objects.ts";
import { phaseOf, setWeightOf, stepTextOf, strategyOf } from "./summary/phase.ts";
import { linesOf } from "./pages/styled_text.ts";

export interface ListOptions {
  kind: "rollouts" | "experiments";
  allNamespaces: boolean;
  /** Rollouts only, as the next two. */
  name?: string;
  watch: boolean;
  timestamps: boolean;
  output?: "json";
}

const PLAIN = { colours: false };
const ROLLOUT_HEADER = [
  "NAME",
  "STRATEGY",
  "STATUS",
  "STEP",
  "SET-WEIGHT",
  "READY",
  "DESIRED",
  "UP-TO-DATE",
  "AVAILABLE",
];
const EXPERIMENT_HEADER = ["NAME", "STATUS", "DURATION", "REMAINING", "AGE"];
/** So that a line that comes later most likely stands under the others. */
const ROLLOUT_WIDTHS = [10, 9, 12, 4, 10, 5, 7, 10, 9];
const EXPERIMENT_WIDTHS = [10, 6, 8, 9, 3];
const NAMESPACE_WIDTH = 9;

/** Lists rollouts or experiments as a table, and with `watch` a line for each rollout that has changed. */
export async function list(
  cluster: Cluster,
  options: ListOptions,
  terminal: Terminal,
  clock: Clock = new SystemClock(),
): Promise<void> {
  const { kind, watch, output } = options;
  const isOfExperiments = kind === "experiments";
  const place = isOfExperiments ? EXPERIMENTS : ROLLOUTS;
  const objects = await listed(cluster, place, options);
  if (output === "json") return terminal.out(`${JSON.stringify(listOf(objects), undefined, 2)}\n`);
  if (objects.length === 0 && !watch) return terminal.err("No resources found.\n");
  const header = isOfExperiments ? EXPERIMENT_HEADER : ROLLOUT_HEADER;
  const cellsOf = (object: AnyObject) =>
    isOfExperiments
      ? experimentCells(object as Experiment, clock.now())
      : rolloutCells(object as Rollout);
  const named = (object: AnyObject, cells: readonly string[]) => [
    ...(options.timestamps ? [timestamp(clock.now()).padEnd(20)] : []),
    ...(options.allNamespaces ? [(object.metadata.namespace ?? "").padEnd(NAMESPACE_WIDTH)] : []),
    ...cells,
  ];
  const head = [
    ...(options.timestamps ? ["TIMESTAMP"] : []),
    ...(options.allNamespaces ? ["NAMESPACE"] : []),
    ...header,
  ];
  const rows = objects.map((object) => named(object, cellsOf(object)));
  terminal.out(linesOf([head, ...rows], PLAIN).map((line) => `${line}\n`).join(""));
  if (!watch || isOfExperiments) return;
  await printChanges(cluster, options, {
    terminal,
    clock,
    rowOf: (one) => named(one, cellsOf(one)),
  });
}

function listOf(items: readonly AnyObject[]): object {
  return { apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items };
}

async function listed(
  cluster: Cluster,
  place: Place,
  { allNamespaces, name }: ListOptions,
): Promise<AnyObject[]> {
  const { items } = await cluster.list<AnyObject>(place, { everywhere: allNamespaces });
  return name === undefined ? items : items.filter(({ metadata }) => metadata.name === name);
}

async function printChanges(
  cluster: Cluster,
  { name, allNamespaces }: ListOptions,
  { terminal, clock, rowOf }: {
    terminal: Terminal;
    clock: Clock;
    rowOf(object: AnyObject): string[];
  },
): Promise<void> {
  const rollouts = new FollowedObjects<Rollout>(cluster, ROLLOUTS, { everywhere: allNamespaces });
  await rollouts.list();
  const printed = new Map<string, string>();
  const shown = () =>
    rollouts.all.filter(({ metadata }) => name === undefined || metadata.name === name);
  for (const one of shown()) printed.set(one.metadata.uid, rolloutCells(one).join());
  await rollouts.follow(
    () => {
      for (const one of shown()) {
        const cells = rolloutCells(one).join();
        if (printed.get(one.metadata.uid) === cells) continue;
        printed.set(one.metadata.uid, cells);
        terminal.out(`${linesOf([rowOf(one)], PLAIN)[0]}\n`);
      }
    },
    clock,
    terminal.signal,
  );
}

function rolloutCells(rollout: Rollout): string[] {
  const { metadata, spec, status = {} } = rollout;
  const { readyReplicas = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  return padded([
    metadata.name,
    strategyOf(rollout) || "unknown",
    phaseOf(rollout).phase,
    stepTextOf(rollout) ?? "-",
    spec.strategy?.canary ? `${setWeightOf(rollout)}` : "-",
    `${readyReplicas}/${replicas}`,
    `${spec.replicas ?? 1}`,
    `${updatedReplicas}`,
    `${availableReplicas}`,
  ], ROLLOUT_WIDTHS);
}

function experimentCells({ metadata, spec, status }: Experiment, nowMs: number): string[] {
  const durationMs = spec?.duration === undefined ? undefined : msOfDuration(spec.duration);
  const isOver = ["Successful", "Failed", "Error", "Inconclusive"].includes(status?.phase ?? "");
  const endMs = Date.parse(status?.availableAt ?? "") + (durationMs ?? NaN);
  return padded([
    metadata.name,
    status?.phase ?? "",
    durationMs === undefined ? "-" : humanDuration(durationMs),
    !isOver && endMs > nowMs ? humanDuration(endMs - nowMs) : "-",
    ageOf(metadata.creationTimestamp, nowMs),
  ], EXPERIMENT_WIDTHS);
}

/** A number alone is seconds. `undefined`: not a time. */
function msOfDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  try {
    return durationMsOf(text);
  } catch {
    return undefined; // shown as none
  }
}

function padded(cells: readonly string[], widths: readonly number[]): string[] {
  return cells.map((cell, index) => cell.padEnd(widths[index] ?? 0));
}
