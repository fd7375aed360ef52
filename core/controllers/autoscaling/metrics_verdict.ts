import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import type { Moment } from "../../lib/clock.ts";
import type { AutoscalerSpec, MetricStatus } from "../../resources/autoscaling/autoscaler_shape.ts";
import {
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalers,
} from "../../resources/autoscaling/horizontal_pod_autoscalers.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { matches, parseLabelSelector, SelectorError } from "../../schema/selectors.ts";
import { type Measurement, type NoProposal, type Proposal, proposalOf } from "./proposals.ts";
import { type ScaleTarget, scaleTargetOf } from "./scale_target.ts";
import type { Tolerances } from "./replica_counts.ts";

/** kube-controller-manager's `--horizontal-pod-autoscaler-tolerance`. */
const TOLERANCE = 0.1;

/** What all metrics of an autoscaler say together. */
export interface MetricsVerdict {
  /** The most that a metric asks for; absent: the metrics do not say enough. */
  proposed?: { replicas: number; name: string };
  condition: { status: "True" | "False"; reason: string; message: string };
  statuses: readonly MetricStatus[];
  notices: readonly Notice[];
  error?: string;
}

interface VerdictInput {
  autoscaler: HorizontalPodAutoscaler;
  measurements: readonly Measurement[];
  target: ScaleTarget;
  catalog: Catalog;
  view: View;
  moment: Moment;
}

/** When some metrics are not known, the others may ask for more replicas, but not for fewer. */
export function verdictOf(input: VerdictInput): MetricsVerdict {
  const { autoscaler, target: { scale } } = input;
  const selection = selectedPods(input);
  if ("fault" in selection) return blocked(autoscaler, selection);
  const proposals = proposalsOf(input, selection.pods);
  const faults = proposals.filter((each): each is NoProposal => "fault" in each);
  const most = proposals.filter((each): each is Proposal => "status" in each)
    .reduce<Proposal | undefined>(
      (best, each) => best === undefined || each.replicas > best.replicas ? each : best,
      undefined,
    );
  const statuses = proposals.map((each): MetricStatus => "status" in each ? each.status : {});
  const notices = faults.map(({ reason, fault }) => warning(autoscaler, reason, fault));
  const [first] = faults;
  const isUnsure = first !== undefined &&
    (most === undefined || most.replicas < (scale.wanted ?? 0));
  if (isUnsure || most === undefined) {
    const error = `invalid metrics (${faults.length} invalid out of ${proposals.length}), ` +
      `first error is: ${first?.error}`;
    return { condition: unable(first), statuses, notices, error };
  }
  const message = `the HPA was able to successfully calculate a replica count from ${most.name}`;
  const condition = { status: "True" as const, reason: "ValidMetricFound", message };
  return { proposed: most, condition, statuses, notices };
}

function proposalsOf(
  { autoscaler: { metadata: { namespace }, spec }, measurements, target, moment }: VerdictInput,
  selected: readonly Pod[],
): (Proposal | NoProposal)[] {
  const scaled = {
    replicas: target.scale.wanted ?? 0,
    pods: selected,
    tolerances: tolerancesOf(spec),
    nowMs: moment.nowMs,
  };
  const situation = { namespace, scaled, present: target.scale.present };
  const unknown: Measurement = { fault: "no metrics returned" };
  return (spec.metrics ?? []).map((metric, i) =>
    proposalOf(metric, measurements[i] ?? unknown, situation)
  );
}

function unable(first: NoProposal | undefined): MetricsVerdict["condition"] {
  return {
    status: "False",
    reason: first?.reason ?? "InvalidMetricSourceType",
    message: `the HPA was unable to compute the replica count: ${first?.fault ?? "no metrics"}`,
  };
}

function warning(about: HorizontalPodAutoscaler, reason: string, message: string): Notice {
  return { about, type: "Warning", reason, message };
}

interface Blocked {
  /** Of the event. */
  event: string;
  reason: string;
  fault: string;
  message: string;
}

function blocked(
  autoscaler: HorizontalPodAutoscaler,
  { event, reason, fault, message }: Blocked,
): MetricsVerdict {
  return {
    condition: { status: "False", reason, message },
    statuses: [],
    notices: [warning(autoscaler, event, fault)],
    error: fault,
  };
}

/** The pods of the target; none of them may be those of another autoscaler, too. */
function selectedPods(input: VerdictInput): { pods: readonly Pod[] } | Blocked {
  const { autoscaler: { metadata: { namespace } }, target: { scale: { selector } }, view } = input;
  if (selector === undefined) {
    const message = "the HPA target's scale is missing a selector";
    return {
      event: "SelectorRequired",
      reason: "InvalidSelector",
      fault: "selector is required",
      message,
    };
  }
  const found = podsOf(selector, namespace, view);
  if ("fault" in found) {
    const message =
      `couldn't convert selector into a corresponding internal selector object: ${found.fault}`;
    return { event: "InvalidSelector", reason: "InvalidSelector", fault: message, message };
  }
  const names = otherAutoscalers(input, found.pods);
  if (names.length === 0) return found;
  const all = [input.autoscaler.metadata.name, ...names].sort()
    .map((name) => `{${name} ${namespace}}`).join(" ");
  const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all}]`;
  return { event: "AmbiguousSelector", reason: "AmbiguousSelector", fault: message, message };
}

function podsOf(
  selector: string,
  namespace: string,
  view: View,
): { pods: readonly Pod[] } | { fault: string } {
  try {
    const rules = parseLabelSelector(selector);
    const all = view.list(pods, namespace);
    return { pods: all.filter(({ metadata }) => matches(rules, metadata.labels)) };
  } catch (error) {
    if (error instanceof SelectorError) return { fault: error.message };
    throw error;
  }
}

function otherAutoscalers(
  { autoscaler, catalog, view }: VerdictInput,
  selected: readonly Pod[],
): string[] {
  const { namespace, uid } = autoscaler.metadata;
  const others = view.list(horizontalPodAutoscalers, namespace)
    .filter(({ metadata }) => metadata.uid !== uid);
  return others.filter(({ spec }) => {
    const target = scaleTargetOf(catalog, spec.scaleTargetRef, { namespace, view });
    if ("fault" in target || target.scale.selector === undefined) return false;
    const found = podsOf(target.scale.selector, namespace, view);
    return "pods" in found && found.pods.some((pod) => selected.includes(pod));
  }).map(({ metadata }) => metadata.name);
}

function tolerancesOf({ behavior }: AutoscalerSpec): Tolerances {
  const of = (tolerance: string | undefined) =>
    tolerance === undefined ? TOLERANCE : Number(tolerance);
  return { up: of(behavior?.scaleUp?.tolerance), down: of(behavior?.scaleDown?.tolerance) };
}
