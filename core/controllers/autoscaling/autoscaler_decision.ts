import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import type { Moment } from "../../lib/clock.ts";
import { isEqual } from "../../lib/equality.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalers,
} from "../../resources/autoscaling/horizontal_pod_autoscalers.ts";
import type { AutoscalerStatus } from "../../resources/autoscaling/autoscaler_shape.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { withCondition } from "../../resources/conditions.ts";
import {
  act,
  type Plan,
  plan,
  recordEvent,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { type MetricsVerdict, verdictOf } from "./metrics_verdict.ts";
import type { Measurement } from "./proposals.ts";
import { type ScaleTarget, scaleTargetOf } from "./scale_target.ts";
import { NO_PAST, type ScalingPast, withChange, withRecommendation } from "./scaling_past.ts";
import { type Reason, stabilized } from "./stabilization.ts";

export interface Decision {
  plan: Plan;
  past: ScalingPast;
}

/** What an autoscaler decides from: nothing else is looked at. */
export interface DecisionInput {
  autoscaler: HorizontalPodAutoscaler;
  /** One for each metric of the spec, in their order. */
  measurements: readonly Measurement[];
  past: ScalingPast | undefined;
  catalog: Catalog;
  view: View;
  moment: Moment;
}

/**
 * Decides how many replicas there should be. https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
 *
 * Kubernetes: `reconcileAutoscaler` in `pkg/controller/podautoscaler/horizontal.go`.
 */
export function decide(input: DecisionInput): Decision {
  const { autoscaler, catalog, view, moment, past = NO_PAST } = input;
  const { metadata: { namespace }, spec } = autoscaler;
  const target = scaleTargetOf(catalog, spec.scaleTargetRef, { namespace, view });
  const draft = new StatusDraft(autoscaler, moment);
  if ("fault" in target) {
    draft.tell("Warning", "FailedGetScale", target.fault);
    const message =
      `the HPA controller was unable to get the target's current scale: ${target.fault}`;
    draft.set("AbleToScale", "False", { reason: "FailedGetScale", message });
    return { plan: plan(draft.writes(autoscaler.status)), past };
  }
  draft.set("AbleToScale", "True", {
    reason: "SucceededGetScale",
    message: "the HPA controller was able to get the target's current scale",
  });
  const current = target.scale.wanted ?? 0;
  const begun = input.past ? past : withRecommendation(past, current, moment.elapsedMs);
  return decideReplicas({ ...input, past: begun, target, current, draft });
}

interface ReplicaInput extends DecisionInput {
  past: ScalingPast;
  target: ScaleTarget;
  current: number;
  draft: StatusDraft;
}

function decideReplicas(input: ReplicaInput): Decision {
  const { autoscaler: { spec }, current, draft, past } = input;
  const { minReplicas, maxReplicas } = spec;
  if (current === 0 && minReplicas !== 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    draft.set("ScalingActive", "False", { reason: "ScalingDisabled", message });
    return settled(input, { desired: 0, past });
  }
  if (current > maxReplicas) {
    return rescaled(input, maxReplicas, "Current number of replicas above Spec.MaxReplicas");
  }
  if (current < minReplicas) {
    return rescaled(input, minReplicas, "Current number of replicas below Spec.MinReplicas");
  }
  const verdict = verdictOf(input);
  verdict.notices.forEach((notice) => draft.add(notice));
  draft.set("ScalingActive", verdict.condition.status, verdict.condition);
  if (verdict.proposed === undefined) {
    draft.tell("Warning", "FailedComputeMetricsReplicas", verdict.error ?? "");
    const { desiredReplicas } = input.autoscaler.status;
    return settled(input, { desired: desiredReplicas, past, verdict });
  }
  return decideByMetrics(input, verdict, verdict.proposed);
}

function decideByMetrics(
  input: ReplicaInput,
  verdict: MetricsVerdict,
  { replicas: desired, name }: { replicas: number; name: string },
): Decision {
  const { autoscaler: { spec }, current, past, draft, moment: { elapsedMs: nowMs } } = input;
  const next = stabilized(spec, { desired, current, past, nowMs });
  draft.set("AbleToScale", "True", next.ableToScale);
  draft.set("ScalingLimited", next.isLimited ? "True" : "False", next.limit);
  const known = { ...input, past: withRecommendation(past, desired, nowMs) };
  if (next.replicas === current) {
    return settled(known, { desired: current, past: known.past, verdict });
  }
  const why = desired > current
    ? `${name} above target`
    : desired < current
    ? "All metrics below target"
    : "";
  return rescaled(known, next.replicas, why, verdict);
}

function settled(
  { autoscaler, current, draft }: ReplicaInput,
  { desired, past, verdict }: { desired: number; past: ScalingPast; verdict?: MetricsVerdict },
): Decision {
  const status = statusOf(autoscaler, { current, desired, verdict });
  return { plan: plan(draft.writes(status)), past };
}

function rescaled(
  input: ReplicaInput,
  desired: number,
  why: string,
  verdict?: MetricsVerdict,
): Decision {
  const { autoscaler, current, draft, moment, past, target } = input;
  const status = statusOf(autoscaler, { current, desired, verdict });
  const scaling = `New size: ${desired}; reason: ${why}`;
  const failed = draft.copy();
  draft.set("AbleToScale", "True", {
    reason: "SucceededRescale",
    message: `the HPA controller was able to update the target scale to ${desired}`,
  });
  draft.tell("Normal", "SuccessfulRescale", scaling);
  const write = act(target.resource, target.object.metadata, "scale", {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { namespace: autoscaler.metadata.namespace, name: target.object.metadata.name },
    spec: { replicas: desired },
  }, {
    refused: ({ message }) => {
      failed.tell("Warning", "FailedRescale", `${scaling}; error: ${message}`);
      failed.set("AbleToScale", "False", {
        reason: "FailedUpdateScale",
        message: `the HPA controller was unable to update the target scale: ${message}`,
      });
      return failed.writes({ ...status, desiredReplicas: autoscaler.status.desiredReplicas });
    },
  });
  const done = { ...status, lastScaleTime: timestamp(moment.nowMs) };
  return {
    plan: plan([write, ...draft.writes(done)]),
    past: withChange(past, desired - current, moment.elapsedMs),
  };
}

function statusOf(
  { status: { lastScaleTime } }: HorizontalPodAutoscaler,
  { current, desired, verdict }: {
    current: number;
    desired: number;
    verdict: MetricsVerdict | undefined;
  },
): AutoscalerStatus {
  const metrics = verdict?.statuses ?? [];
  return {
    ...(lastScaleTime !== undefined && { lastScaleTime }),
    ...(current > 0 && { currentReplicas: current }),
    desiredReplicas: desired,
    ...(metrics.length > 0 && { currentMetrics: [...metrics] }),
  };
}

/** Conditions and events of one decision. */
class StatusDraft {
  readonly #autoscaler: HorizontalPodAutoscaler;
  readonly #nowMs: number;
  #conditions: AutoscalerStatus["conditions"];
  readonly #notices: Notice[] = [];

  constructor(autoscaler: HorizontalPodAutoscaler, { nowMs }: Pick<Moment, "nowMs">) {
    this.#autoscaler = autoscaler;
    this.#nowMs = nowMs;
    this.#conditions = autoscaler.status.conditions;
  }

  copy(): StatusDraft {
    const copy = new StatusDraft(this.#autoscaler, { nowMs: this.#nowMs });
    copy.#conditions = this.#conditions;
    copy.#notices.push(...this.#notices);
    return copy;
  }

  set(type: string, status: "True" | "False", { reason, message }: Reason): void {
    const next = { type, status, reason, message };
    this.#conditions = withCondition(this.#conditions, next, this.#nowMs);
  }

  tell(type: Notice["type"], reason: string, message: string): void {
    this.add({ about: this.#autoscaler, type, reason, message });
  }

  add(notice: Notice): void {
    this.#notices.push(notice);
  }

  writes(counts: AutoscalerStatus): Write[] {
    const { conditions: _, ...others } = counts;
    const status = { ...others, ...(this.#conditions && { conditions: this.#conditions }) };
    const events = this.#notices.map(recordEvent);
    if (isEqual(status, this.#autoscaler.status)) return events;
    return [updateStatus(horizontalPodAutoscalers, { ...this.#autoscaler, status }), ...events];
  }
}
