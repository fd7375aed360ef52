import { isEqual } from "../../../lib/equality.ts";
import { containersOf } from "../../../resources/core/pods/spec/pod_containers.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import type { Namespace } from "../../../resources/core/namespaces.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import type { Store } from "../../../store/store.ts";
import { forbidden } from "../../../client/refusals.ts";
import type { Annotate } from "../../../client/write_options.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { namespaceIn } from "../namespace_lifecycle.ts";
import {
  isStricter,
  type Policy,
  policyCauses,
  policyOf,
  type Standard,
  standardText,
} from "./policy.ts";
import { detailsText, reasonsText, violationsOf } from "./standards.ts";

/** Of the event in the audit log. */
const ANNOTATIONS = "pod-security.kubernetes.io/";
/** A namespace's pods that a new level is compared with, as in Kubernetes. */
const PODS_CHECKED_MAX = 3_000;
/** Kinds that make pods of a template, beside those that have a `spec.template`. */
const TEMPLATE_KINDS = [
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "jobs.batch",
  "replicationcontrollers",
];

/**
 * Pod Security: pods that do not keep to the level that their namespace enforces are refused, templates of such pods
 * are warned of, and a namespace's labels must make sense. What `audit` says of goes to the audit log.
 *
 * https://kubernetes.io/docs/concepts/security/pod-security-admission/
 */
export function podSecurity(request: AdmissionRequest): void {
  const groupResource = groupResourceOf(request.resource);
  if (groupResource === "namespaces") return warnOfPods(request);
  if (groupResource === "pods") return checkPod(request);
  if (TEMPLATE_KINDS.includes(groupResource)) warnOfTemplate(request);
}

/** The labels of a namespace that cannot be read: of a new one, or newly so. */
export function podSecurityLabels(
  { resource, next, previous, causes }: AdmissionRequest,
): KubeObject {
  if (groupResourceOf(resource) !== "namespaces") return next;
  const found = policyCauses(next.metadata.labels);
  const before = previous ? policyCauses(previous.metadata.labels) : [];
  if (!isEqual(found, before)) causes.push(...found);
  return next;
}

function checkPod(
  { resource, next, previous, store, warnings, options: { annotate } }: AdmissionRequest,
): void {
  const { metadata, spec } = next as Pod;
  const policy = policyIn(store, metadata.namespace);
  if (isOpen(policy) && !annotate) return; // most of them
  if (previous && !isSignificant(next as Pod, previous as Pod)) return;
  annotate?.(`${ANNOTATIONS}enforce-policy`, standardText(policy.enforce));
  if (isOpen(policy)) return;
  tellAudit(annotate, policy.audit, metadata.annotations, spec);
  const violations = violationsOf(policy.enforce, metadata.annotations, spec);
  if (violations.length > 0) {
    const standard = standardText(policy.enforce);
    throw forbidden(
      resource,
      metadata.name,
      `violates PodSecurity "${standard}": ${detailsText(violations)}`,
    );
  }
  warnings.push(...warningsOf(policy.warn, metadata.annotations, spec));
}

function warnOfTemplate(
  { next, previous, store, warnings, options: { annotate } }: AdmissionRequest,
): void {
  const templateOf = (object: KubeObject | undefined) =>
    (object as { spec?: { template?: PodTemplate } } | undefined)?.spec?.template;
  const template = templateOf(next);
  const policy = policyIn(store, next.metadata.namespace);
  if (!template || isOpen(policy) || isEqual(template, templateOf(previous))) return;
  tellAudit(annotate, policy.audit, template.metadata?.annotations, template.spec);
  warnings.push(...warningsOf(policy.warn, template.metadata?.annotations, template.spec));
}

/** What the audit log hears of a pod that the namespace does not refuse for it. */
function tellAudit(annotate: Annotate | undefined, standard: Standard, ...pod: PodOf): void {
  if (!annotate) return;
  for (const text of warningsOf(standard, ...pod)) annotate(`${ANNOTATIONS}audit-violations`, text);
}

function warningsOf(standard: Standard, ...pod: PodOf): string[] {
  const violations = violationsOf(standard, ...pod);
  if (violations.length === 0) return [];
  return [`would violate PodSecurity "${standardText(standard)}": ${detailsText(violations)}`];
}

type PodOf = [annotations: Readonly<Record<string, string>> | undefined, spec: Pod["spec"]];

/** A namespace that will come in the same manifest is not there yet, in a dry run; then nothing can be said. */
function policyIn(store: Store, namespace: string | undefined): Policy {
  return policyOf(namespaceIn(store, namespace ?? "")?.object.metadata.labels);
}

function isOpen({ enforce, warn, audit }: Policy): boolean {
  return [enforce, warn, audit].every(({ level }) => level === "privileged");
}

/** Of a pod that is there, images can be changed and ephemeral containers added; all else a level allowed or did not. */
function isSignificant({ spec: next }: Pod, { spec: previous }: Pod): boolean {
  const imagesOf = (spec: Pod["spec"]) =>
    containersOf(spec).map(({ path, container: { name, image } }) => ({ path, name, image }));
  return !isEqual(imagesOf(next), imagesOf(previous));
}

/** When a namespace asks for more than before, the pods that are there stay; whoever asked hears of them. */
function warnOfPods({ next, previous, store, warnings }: AdmissionRequest): void {
  if (!previous) return;
  const { enforce } = policyOf((next as Namespace).metadata.labels);
  const { enforce: before } = policyOf(previous.metadata.labels);
  if (enforce.level === "privileged" || isEqual(enforce, before)) return;
  if (enforce.version === before.version && !isStricter(enforce.level, before.level)) return;
  warnings.push(...podsWarnings(store, next.metadata.name, enforce));
}

function podsWarnings(store: Store, namespace: string, enforce: Standard): string[] {
  const pods = oneOfEachOwnerFirst(
    store.list(["pods", namespace]).map(({ object }) => object as Pod),
  );
  const checked = pods.slice(0, PODS_CHECKED_MAX);
  const namesByReason = new Map<string, string[]>();
  for (const { metadata, spec } of checked) {
    const violations = violationsOf(enforce, metadata.annotations, spec);
    if (violations.length === 0) continue;
    const reason = reasonsText(violations);
    namesByReason.set(reason, [...namesByReason.get(reason) ?? [], metadata.name]);
  }
  const partly = `new PodSecurity enforce level only checked against the first ${checked.length} ` +
    `of ${pods.length} existing pods`;
  const some =
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level ` +
    `"${standardText(enforce)}"`;
  return [
    ...(checked.length < pods.length ? [partly] : []),
    ...(namesByReason.size > 0 ? [some] : []),
    ...[...namesByReason].map(([reason, names]) => `${podsText(names)}: ${reason}`).sort(),
  ];
}

/** Pods of one controller are alike: the first of each comes before all others. */
function oneOfEachOwnerFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const [firsts, others]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    (owner !== undefined && seen.has(owner) ? others : firsts).push(pod);
    if (owner !== undefined) seen.add(owner);
  }
  return [...firsts, ...others];
}

function podsText(names: readonly string[]): string {
  const first = [...names].sort()[0]!;
  if (names.length === 1) return first;
  const others = names.length - 1;
  return `${first} (and ${others} other ${others === 1 ? "pod" : "pods"})`;
}
