import type { ObjectName, View } from "../../client/client.ts";
import { ownField } from "../../lib/own_field.ts";
import { type Rollout, rollouts } from "../../resources/argoproj/mod.ts";
import { type Ingress, ingresses } from "../../resources/networking/ingresses.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Controller, NOTHING, type Plan, plan, update } from "../runtime/controller.ts";
import {
  type ManagedAnnotations,
  managedAnnotations,
  withManagedAnnotations,
} from "./traffic/writers/ingress/managed_annotations.ts";

const ACTIONS = "/actions.";

/**
 * Gives Ingresses of ALB back to their users: once a rollout that wrote actions into one is gone, or names it no more, all
 * traffic of these goes to the Service that they are named after.
 *
 * Argo Rollouts: `ingress/alb.go`.
 */
export const ingressReleaseController: Controller<Ingress> = {
  name: "rollouts-controller",
  resource: ingresses,
  watches: [{ resource: rollouts, concerns: ingressesOf, includesFormer: true }],
  workers: 1,
  reconcile,
};

function ingressesOf(changed: KubeObject): ObjectName[] {
  const { metadata: { namespace }, spec } = changed as Rollout;
  return namespace === undefined ? [] : namesIn(spec).map((name) => ({ namespace, name }));
}

function namesIn({ strategy }: Rollout["spec"]): readonly string[] {
  const { alb } = strategy?.canary?.trafficRouting ?? {};
  return alb?.ingresses ?? (alb?.ingress === undefined ? [] : [alb.ingress]);
}

function reconcile(ingress: Ingress, view: View): Plan {
  const managed = managedAnnotations(ingress);
  if (managed === undefined || managed.size === 0) return NOTHING;
  const left = [...managed.keys()].filter((rollout) => !isNamedBy(rollout, ingress, view));
  if (left.length === 0) return NOTHING;
  const next = left.reduce((next, rollout) => released(next, managed, rollout), ingress);
  const others = new Map([...managed].filter(([rollout]) => !left.includes(rollout)));
  return plan([update(ingresses, withManagedAnnotations(next, others))]);
}

function isNamedBy(name: string, { metadata }: Ingress, view: View): boolean {
  const rollout = view.get(rollouts, { ...metadata, name });
  return rollout !== undefined && namesIn(rollout.spec).includes(metadata.name);
}

/** Actions that cannot be read stay as they are. */
function released(ingress: Ingress, managed: ManagedAnnotations, rollout: string): Ingress {
  const changed = (managed.get(rollout) ?? []).flatMap((key) => {
    const action = resetAction(key, ownField(ingress.metadata.annotations, key));
    return action === undefined ? [] : [[key, action] as const];
  });
  const annotations = { ...ingress.metadata.annotations, ...Object.fromEntries(changed) };
  return { ...ingress, metadata: { ...ingress.metadata, annotations } };
}

interface Action {
  ForwardConfig?: {
    TargetGroups?: readonly { ServiceName?: string; ServicePort?: string }[];
    TargetGroupStickinessConfig?: object;
  };
}

/** The action with all traffic to the Service that it is named after; `undefined` for one that has it nowhere. */
function resetAction(key: string, text: string | undefined): string | undefined {
  const at = key.indexOf(ACTIONS);
  if (at < 0 || text === undefined) return undefined;
  const service = key.slice(at + ACTIONS.length);
  const { ForwardConfig = {} } = actionIn(text) ?? {};
  const group = ForwardConfig.TargetGroups?.find((each) => each.ServiceName === service);
  if (group?.ServicePort === undefined) return undefined;
  const { TargetGroupStickinessConfig } = ForwardConfig;
  return JSON.stringify({
    Type: "forward",
    ForwardConfig: {
      TargetGroups: [{ ServiceName: service, ServicePort: group.ServicePort, Weight: 100 }],
      ...(TargetGroupStickinessConfig && { TargetGroupStickinessConfig }),
    },
  });
}

function actionIn(text: string): Action | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Action : undefined;
  } catch {
    return undefined; // somebody else's
  }
}
