import { isEqual } from "../../../lib/equality.ts";
import { objectIn } from "../../../lib/json/json_value.ts";
import { type Cause, duplicate, forbidden, notFound } from "../../../schema/causes.ts";
import type { NamespacedObject } from "../../resource.ts";
import type { Subresource } from "../../subresource.ts";
import type { podStatus } from "./pod_status.ts";
import type { PodSpec } from "./spec/pod_spec.ts";
import { podSpecWarnings } from "./spec/pod_warnings.ts";
import { podSpecCauses } from "./spec/rules/pod_rules.ts";
import { refusedFieldCauses } from "./spec/rules/refused_fields.ts";
import type { TypeOf } from "../../../schema/schema.ts";

type Pod = NamespacedObject & { spec: PodSpec; status: TypeOf<typeof podStatus> };

const FIELD = "spec.ephemeralContainers";

/**
 * PUT or PATCH pods/NAME/ephemeralcontainers: adds containers to look into a pod that runs. Nothing else of the pod
 * changes.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
 */
export const ephemeralContainers: Subresource<Pod> = {
  name: "ephemeralcontainers",
  verbs: ["get", "patch", "update"],
  admittedAs: "update",
  decide: (pod, sent) => {
    const { ephemeralContainers: _, ...spec } = pod.spec;
    const { ephemeralContainers: added } = objectIn(sent, "spec");
    const next = added === undefined ? spec : { ...spec, ephemeralContainers: added };
    return { next: { ...pod, spec: next } as Pod }; // its shape is checked when it is admitted
  },
  validate: (next, previous) => [
    ...podSpecCauses(next.spec, "spec"),
    ...refusedFieldCauses(next.spec, previous.spec, "spec"),
    ...newContainerCauses(next.spec),
    ...changeCauses(next.spec, previous.spec),
  ],
  warnings: (next, previous) =>
    isEqual(next.spec.ephemeralContainers, previous.spec.ephemeralContainers)
      ? []
      : podSpecWarnings(next.spec, "spec").filter((warning) => warning.startsWith(`${FIELD}[`)),
};

type Ephemeral = NonNullable<PodSpec["ephemeralContainers"]>[number];

/** What a container that is there for a moment cannot have. */
const FORBIDDEN = [
  "ports",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;
const FORBIDDEN_RULE = "cannot be set for an Ephemeral Container";

function newContainerCauses(spec: PodSpec): Cause[] {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const others = new Set([...containers, ...initContainers].map(({ name }) => name));
  return ephemeralContainers.flatMap((container, i) => {
    const at = `${FIELD}[${i}]`;
    const { name, targetContainerName: target } = container;
    const causes = others.has(name) ? [duplicate(`${at}.name`, name)] : [];
    if (target && !others.has(target)) {
      causes.push(notFound(`${at}.targetContainerName`, target));
    }
    return [...causes, ...forbiddenCauses(container, at)];
  });
}

function forbiddenCauses(container: Ephemeral, at: string): Cause[] {
  const { resources, restartPolicy, restartPolicyRules, resizePolicy, volumeMounts = [] } =
    container;
  const causes = FORBIDDEN.filter((name) => container[name] !== undefined)
    .map((name) => forbidden(`${at}.${name}`, FORBIDDEN_RULE));
  const others = { restartPolicy, restartPolicyRules, resizePolicy };
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) causes.push(forbidden(`${at}.${name}`, FORBIDDEN_RULE));
  }
  if (Object.keys(resources).length > 0) {
    causes.push(forbidden(`${at}.resources`, FORBIDDEN_RULE));
  }
  for (const [i, { subPath, subPathExpr }] of volumeMounts.entries()) {
    const mount = `${at}.volumeMounts[${i}]`;
    if (subPath) causes.push(forbidden(`${mount}.subPath`, FORBIDDEN_RULE));
    if (subPathExpr) causes.push(forbidden(`${mount}.subPathExpr`, FORBIDDEN_RULE));
  }
  return causes;
}

/** Those that are there stay as they are; a patch may have changed their order. */
function changeCauses(next: PodSpec, previous: PodSpec): Cause[] {
  const byName = new Map((next.ephemeralContainers ?? []).map((each) => [each.name, each]));
  return (previous.ephemeralContainers ?? []).flatMap((old) => {
    const now = byName.get(old.name);
    if (now && isEqual(now, old)) return [];
    const what = now ? "changed" : "removed";
    return [forbidden(FIELD, `existing ephemeral containers "${old.name}" may not be ${what}\n`)];
  });
}
