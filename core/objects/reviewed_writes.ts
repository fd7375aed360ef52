import type { ObjectName } from "../client/client.ts";
import type { AdmissionObjects } from "./admission/admission_attributes.ts";
import { isJsonObject, objectIn } from "../lib/json/json_value.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { attributesOf } from "./admission/admission_attributes.ts";
import type { WebhookAdmission } from "./admission/webhooks/webhook_admission.ts";
import {
  admitChange,
  type AdmitContext,
  admitNew,
  type AdmitOptions,
  type Admitted,
  type Scope,
} from "./admit.ts";
import { nameIn } from "./input.ts";

/**
 * Writes that webhooks are asked about. Asking takes time, in which others write; so a write is admitted three times: to
 * show it to those who may change it, to show what came of it to those who may refuse it, and, by the caller, once more
 * in the turn of the commit.
 */
export interface Review {
  webhooks: WebhookAdmission;
  context: AdmitContext;
  resource: AnyResource;
  options: AdmitOptions;
}

/** What the webhooks leave of a write: a whole object, to be admitted without conversion, and warnings for the client. */
export interface Reviewed {
  draft: KubeObject;
  warnings: readonly string[];
}

/** Asks about a new object. Throws an ApiError for a refusal. */
async function reviewedNew(review: Review, draft: unknown): Promise<Reviewed> {
  const { webhooks, context, resource, options } = review;
  const { served: _, ...others } = options;
  const name = isJsonObject(draft) ? nameIn(draft) : "";
  const namespace = isJsonObject(draft) ? objectIn(draft, "metadata")["namespace"] : undefined;
  const place = { name, namespace: typeof namespace === "string" ? namespace : "" };
  const attributes = attributesOf("CREATE", review.resource, options, place);
  const preview = admitNew(context, resource, draft, { ...options, isPreview: true });
  preview.release();
  const warnings = [...preview.warnings];
  const shown = { object: unborn(preview.object, name), old: undefined };
  const mutated = await webhooks.mutate(attributes, shown, warnings);
  const trial = admitNew(context, resource, mutated, { ...others, ...managersOf(preview) });
  trial.release();
  const { object } = trial;
  const named = { ...attributes, name: object.metadata.name };
  await webhooks.validate(named, { object, old: undefined }, warnings);
  return { draft: admittable(resource, object), warnings };
}

/** Asks about a new object, and admits what the webhooks leave of it. Throws an ApiError for a refusal. */
export async function admittedAfterReview(review: Review, placed: unknown): Promise<Admitted> {
  const { context, resource, options: { served: _, ...options } } = review;
  const { draft, warnings } = await reviewedNew(review, placed);
  const identity = draft.metadata;
  const applied = { managedFields: identity.managedFields };
  const admitted = admitNew(context, resource, draft, { ...options, identity, applied });
  return { ...admitted, warnings: [...warnings, ...admitted.warnings] };
}

/** Admits what the webhooks leave of a change, in the turn of the commit. */
export function readmitted(
  { context, resource, options: { served: _, ...options }, scope }: Review & { scope: Scope },
  { draft, warnings }: Reviewed,
  current: KubeObject,
): Admitted {
  const applied = { managedFields: draft.metadata.managedFields };
  const admitted = admitChange(context, resource, draft, current, { ...options, scope, applied });
  return { ...admitted, warnings: [...warnings, ...admitted.warnings] };
}

/** Asks about a change. Throws an ApiError for a refusal. */
export async function reviewedChange(
  review: Review & { scope: Scope },
  draft: unknown,
  old: KubeObject,
): Promise<Reviewed> {
  const { webhooks, context, resource, options, scope } = review;
  const { served: _, ...others } = options;
  const { name, namespace = "" } = old.metadata;
  const subresource = subresourceOf(options, scope);
  const attributes = {
    ...attributesOf("UPDATE", resource, options, { name, namespace }),
    subresource,
  };
  const preview = admitChange(context, resource, draft, old, {
    ...options,
    scope,
    isPreview: true,
  });
  preview.release();
  const warnings = [...preview.warnings];
  const { shown } = options;
  const view = (object: KubeObject) => shown?.show(object) ?? object;
  const seen = { object: view(preview.object), old: view(old) };
  const changed = await webhooks.mutate(attributes, seen, warnings);
  const mutated = !shown
    ? changed
    : changed === seen.object
    ? preview.object
    : shown.changed(preview.object, changed!);
  const trial = admitChange(context, resource, mutated, old, {
    ...others,
    ...managersOf(preview),
    scope,
  });
  trial.release();
  await webhooks.validate(attributes, { ...seen, object: view(trial.object) }, warnings);
  return { draft: admittable(resource, trial.object), warnings };
}

/** What is admitted again is in the version in which the kind admits: a custom resource is in that of the request. */
function admittable({ reading }: AnyResource, stored: KubeObject): KubeObject {
  return reading?.fromStored(stored) ?? stored;
}

/** Of what the client has sent: nobody manages what webhooks change. */
function managersOf({ object }: Admitted): Pick<AdmitOptions, "applied"> {
  return { applied: { managedFields: object.metadata.managedFields } };
}

/** What is asked about a request that changes no object. */
export interface Unchanged extends AdmissionObjects {
  name: ObjectName;
}

/** Asks about an object that is to be deleted. Throws an ApiError for a refusal. */
export async function reviewOfDeletion(
  review: Review,
  { name: { name, namespace = "" }, ...objects }: Unchanged,
): Promise<readonly string[]> {
  const { webhooks, resource, options } = review;
  const attributes = attributesOf("DELETE", resource, options, { name, namespace });
  const warnings: string[] = [];
  await webhooks.mutate(attributes, objects, warnings);
  await webhooks.validate(attributes, objects, warnings);
  return warnings;
}

/** What a write of that scope is about; `""`: the object itself. */
export function subresourceOf({ subresource }: AdmitOptions, scope: Scope): string {
  return subresource ?? (scope === "status" ? "status" : "");
}

/** As it is before it is stored: what the server has given it is not shown yet. */
function unborn(object: KubeObject, givenName: string): KubeObject {
  const { uid: _u, creationTimestamp: _c, resourceVersion: _r, generation: _g, ...metadata } =
    object.metadata;
  const { name: _n, ...nameless } = metadata;
  return { ...object, metadata: givenName ? metadata : nameless } as KubeObject; // to be shown only
}
