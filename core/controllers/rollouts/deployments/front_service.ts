import type { Draft, View } from "../../../client/client.ts";
import { isEqual } from "../../../lib/equality.ts";
import { type Deployment, deployments } from "../../../resources/apps/deployments.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import { matches, selectorOfLabels } from "../../../schema/selectors.ts";
import { STEPS } from "../../apps/stepwise.ts";
import { create, remove, update, type Write } from "../../runtime/controller.ts";
import { controlled, controllerReference, isControlledBy } from "../../runtime/ownership.ts";
import { HASH_LABEL } from "../../../resources/argoproj/rollout_keys.ts";
import { SHARES } from "../../../traffic/service_shares.ts";
import type { Read } from "./canary_text.ts";

/** On a generated Service: the one whose traffic it takes a share of. */
const FRONT = "coracle.dev/front-service";
const ROLES = ["stable", "canary"] as const;

/**
 * The Service that clients of a Deployment use: the only one that selects its pods, or the one that it names.
 * `undefined`: there is none, and pods alone make the weights.
 */
export function frontServiceOf(deployment: Deployment, view: View): Read<Service | undefined> {
  const { metadata: { namespace, annotations = {} }, spec } = deployment;
  const selecting = view.list(services, namespace).filter((service) =>
    !isControlledBy(service, deployment) && isSplittable(service) &&
    matches(selectorOfLabels(service.spec.selector), spec.template.metadata?.labels)
  );
  const wanted = annotations[STEPS.service];
  if (wanted === undefined) {
    if (selecting.length < 2) return { value: selecting[0] };
    const names = selecting.map(({ metadata }) => metadata.name).join(", ");
    return {
      causes: [`several Services select the pods (${names}): name one by ${STEPS.service}`],
    };
  }
  const found = selecting.find(({ metadata }) => metadata.name === wanted);
  if (found) return { value: found };
  return { causes: [`${STEPS.service}: Service "${wanted}" does not select the pods`] };
}

function isSplittable({ spec }: Service): boolean {
  const { selector = {}, clusterIP, type } = spec;
  return Object.keys(selector).length > 0 && clusterIP !== "None" && type !== "ExternalName";
}

export function nameOfShare({ metadata }: Deployment, role: typeof ROLES[number]): string {
  return `${metadata.name}-${role}`;
}

/** Makes the Services of the two sets what the front Service asks for. Their selectors' hashes are the Rollout's. */
export function shareWrites(deployment: Deployment, front: Service, view: View): Write[] {
  return ROLES.flatMap((role) => {
    const draft = shareOf(deployment, front, role);
    const { namespace } = deployment.metadata;
    const there = view.get(services, { namespace, name: draft.metadata.name! });
    if (there === undefined) return [create(services, draft)];
    const { [HASH_LABEL]: hash } = there.spec.selector ?? {};
    const selector = { ...front.spec.selector, ...(hash !== undefined && { [HASH_LABEL]: hash }) };
    const ports = portsOf(front).map((port) => ({
      ...there.spec.ports?.find(({ name, port: number }) =>
        name === port.name && number === port.port
      ),
      ...port,
    }));
    const spec = { ...there.spec, selector, ports };
    return isEqual(spec, there.spec) ? [] : [update(services, { ...there, spec })];
  });
}

/** Why the Services cannot be made. */
export function shareCauses(deployment: Deployment, view: View): string[] {
  const { namespace } = deployment.metadata;
  return ROLES.flatMap((role) => {
    const name = nameOfShare(deployment, role);
    const there = view.get(services, { namespace, name });
    return there && !isControlledBy(there, deployment)
      ? [`Service "${name}" is there already, and is not this Deployment's`]
      : [];
  });
}

function shareOf(
  deployment: Deployment,
  front: Service,
  role: typeof ROLES[number],
): Draft<Service> {
  const { namespace } = deployment.metadata;
  return {
    metadata: {
      name: nameOfShare(deployment, role),
      namespace,
      annotations: { [FRONT]: front.metadata.name },
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: { selector: { ...front.spec.selector }, ports: portsOf(front) },
  };
}

type Port = NonNullable<Service["spec"]["ports"]>[number];

/** Without what only one Service can have. */
function portsOf({ spec: { ports = [] } }: Service): Port[] {
  return ports.map(({ nodePort: _, ...port }) => port);
}

/** Has the front Service reach all pods again, and takes the generated ones away. */
export function shareRemovals(deployment: Deployment, view: View): Write[] {
  const { namespace } = deployment.metadata;
  const generated = controlled(view, services, deployment);
  const fronts = new Set(generated.flatMap(({ metadata }) => metadata.annotations?.[FRONT] ?? []));
  return [
    ...[...fronts].flatMap((name) => {
      const front = view.get(services, { namespace, name });
      const { [SHARES]: shares, ...annotations } = front?.metadata.annotations ?? {};
      if (front === undefined || shares === undefined) return [];
      return [update(services, { ...front, metadata: { ...front.metadata, annotations } })];
    }),
    ...generated.map((service) => remove(services, service)),
  ];
}
