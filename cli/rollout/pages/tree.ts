import { ageOf, humanDuration } from "../../../core/schema/durations.ts";
import { ICONS, KIND_ICONS } from "../summary/icons.ts";
import { type Cell, coloured, joined, type Span } from "./styled_text.ts";
import type { AnalysisRunInfo, JobInfo } from "../summary/analysis_runs.ts";
import type { ExperimentInfo } from "../summary/experiments.ts";
import type { PodInfo } from "../summary/pods.ts";
import type { ReplicaSetInfo } from "../summary/replica_sets.ts";
import { revisionsOf, type RolloutInfo } from "../summary/rollout_info.ts";

/** One line of the tree, with what hangs on it. */
interface Node {
  icon: string;
  name: string | Span;
  kind: string;
  state: Cell;
  /** RFC 3339; absent: it has no age. */
  createdAt?: string | undefined;
  info: Cell;
  children: readonly Node[];
}

const HEADER: readonly Cell[] = ["NAME", "KIND", "STATUS", "AGE", "INFO"];

/** The tree of a rollout as rows of a table: its revisions, and what is left of each. */
export function rolloutRows(info: RolloutInfo, nowMs: number): Cell[][] {
  const { objectMeta, icon, status } = info;
  return rowsOf({
    icon: KIND_ICONS.Rollout,
    name: objectMeta.name,
    kind: "Rollout",
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: "",
    children: revisionsOf(info).map((revision) => revisionNode(info, revision, nowMs)),
  }, nowMs);
}

export function experimentRows(info: ExperimentInfo, nowMs: number): Cell[][] {
  return rowsOf(experimentNode(info, nowMs), nowMs);
}

function rowsOf(root: Node, nowMs: number): Cell[][] {
  return [[...HEADER], ...nodeRows(root, "", "", nowMs)];
}

/** `prefix`: of the line itself; `below`: of the lines under it. */
function nodeRows(node: Node, prefix: string, below: string, nowMs: number): Cell[][] {
  const { icon, name, kind, state, createdAt, info, children } = node;
  const age = kind === "" ? "" : ageOf(createdAt, nowMs);
  return [
    [[`${prefix}${icon} `, name], kind, state, age, info],
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      return nodeRows(
        child,
        below + (isLast ? "└──" : "├──"),
        below + (isLast ? "   " : "│  "),
        nowMs,
      );
    }),
  ];
}

function stateCell(icon: string, state: string): Cell {
  return [coloured(icon), ` ${state}`];
}

function revisionNode(info: RolloutInfo, revision: number, nowMs: number): Node {
  const isOfRevision = (one: { revision: number }) => one.revision === revision;
  return {
    icon: KIND_ICONS.Revision,
    name: `revision:${revision}`,
    kind: "",
    state: "",
    info: "",
    children: [
      ...info.replicaSets.filter(isOfRevision).map((one) => replicaSetNode(one, nowMs)),
      ...info.experiments.filter(isOfRevision).map((one) => experimentNode(one, nowMs)),
      ...info.analysisRuns.filter(isOfRevision).map(analysisRunNode),
    ],
  };
}

function replicaSetNode(info: ReplicaSetInfo, nowMs: number): Node {
  const { objectMeta, icon, status, scaleDownDeadline, pods, kind = "ReplicaSet" } = info;
  const roles = (["stable", "canary", "active", "preview", "ping", "pong"] as const)
    .filter((role) => info[role]);
  const delay = scaleDownDeadline === undefined ? [] : [delayText(scaleDownDeadline, nowMs)];
  return {
    icon: KIND_ICONS.ReplicaSet,
    name: coloured(objectMeta.name, roles.at(-1) ?? ""),
    kind,
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: joined([...roles.map((role) => [coloured(role)]), ...delay], ","),
    children: pods.map(podNode),
  };
}

function delayText(deadline: string, nowMs: number): string {
  const deadlineMs = Date.parse(deadline);
  if (Number.isNaN(deadlineMs)) return "delay:";
  return `delay:${deadlineMs < nowMs ? "passed" : humanDuration(deadlineMs - nowMs)}`;
}

function podNode({ objectMeta, icon, status, ready, restarts }: PodInfo): Node {
  return {
    icon: KIND_ICONS.Pod,
    name: objectMeta.name,
    kind: "Pod",
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: `ready:${ready}${restarts > 0 ? `,restarts:${restarts}` : ""}`,
    children: [],
  };
}

function experimentNode(info: ExperimentInfo, nowMs: number): Node {
  const { objectMeta, icon, status, replicaSets, analysisRuns } = info;
  return {
    icon: KIND_ICONS.Experiment,
    name: coloured(objectMeta.name, status),
    kind: "Experiment",
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: "",
    children: [
      ...replicaSets.map((one) => replicaSetNode(one, nowMs)),
      ...analysisRuns.map(analysisRunNode),
    ],
  };
}

function analysisRunNode(info: AnalysisRunInfo): Node {
  const { objectMeta, icon, status, successful, failed, inconclusive, error, jobs } = info;
  const counts = [
    [ICONS.ok, successful],
    [ICONS.bad, failed],
    [ICONS.unknown, inconclusive],
    [ICONS.warning, error],
  ] as const;
  const shown = counts.filter(([, count]) => count > 0)
    .map(([sign, count]): Cell => [coloured(sign), ` ${count}`]);
  return {
    icon: KIND_ICONS.AnalysisRun,
    name: coloured(objectMeta.name, status),
    kind: "AnalysisRun",
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: joined(shown, ","),
    children: jobs.map(jobNode),
  };
}

function jobNode({ objectMeta, icon, status }: JobInfo): Node {
  return {
    icon: KIND_ICONS.Job,
    name: coloured(objectMeta.name, status),
    kind: "Job",
    state: stateCell(icon, status),
    createdAt: objectMeta.creationTimestamp,
    info: "",
    children: [],
  };
}
