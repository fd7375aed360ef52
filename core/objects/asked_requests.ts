import type { ObjectName } from "../client/client.ts";
import type { WriteOptions } from "../client/write_options.ts";
import { isJsonObject, objectIn } from "../lib/json/json_value.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../resources/resource.ts";
import type { SubresourceBody } from "../resources/subresource.ts";
import { attributesOf, type Operation } from "./admission/admission_attributes.ts";
import type { PolicyAdmission } from "./admission/policies/policy_admission.ts";
import type { WebhookAdmission } from "./admission/webhooks/webhook_admission.ts";

/** A request that policies and webhooks are asked about as it is: what they see is not stored. */
export interface AskedRequest {
  operation: Operation;
  resource: AnyResource;
  name: ObjectName;
  /** `""`: none. */
  subresource: string;
  /** The kind of what they see; absent: that of the resource. */
  body?: SubresourceBody;
  object: KubeObject;
  old?: KubeObject | undefined;
}

/** What webhooks leave of the object, and warnings for the client. */
export interface Answered {
  object: KubeObject;
  warnings: string[];
}

/** Asks about a request. Throws an ApiError for a refusal. */
export async function askAbout(
  { policies, webhooks }: { policies: PolicyAdmission; webhooks: WebhookAdmission | undefined },
  { operation, resource, name: { name, namespace = "" }, subresource, body, old, object }:
    AskedRequest,
  options: WriteOptions,
): Promise<Answered> {
  const warnings: string[] = [];
  const about = { operation, resource, subresource };
  const isPolicy = policies.concerns(about);
  const hooks = webhooks?.concerns(about) ? webhooks : undefined;
  if (!isPolicy && !hooks) return { object, warnings };
  const attributes = {
    ...attributesOf(operation, resource, { ...options, subresource }, { name, namespace }),
    ...(body && { body }),
  };
  const mutated = await hooks?.mutate(attributes, { object, old }, warnings) ?? object;
  if (isPolicy) policies.validate(attributes, { object: mutated, old }, warnings);
  await hooks?.validate(attributes, { object: mutated, old }, warnings);
  return { object: mutated, warnings };
}

/** A subresource that takes objects of a kind of its own, and whose it is. */
export type AskedPart =
  & Pick<AskedRequest, "resource" | "name" | "subresource">
  & Required<Pick<AskedRequest, "body">>;

/**
 * Asks about what was sent to a subresource. Resolves with what webhooks leave of it. What is no object will be refused by
 * others.
 */
export async function askAboutSent(
  objects: { ask(request: AskedRequest, options: WriteOptions): Promise<Answered> },
  part: AskedPart,
  sent: unknown,
  options: WriteOptions,
): Promise<{ sent: unknown; warnings: readonly string[] }> {
  if (!isJsonObject(sent)) return { sent, warnings: [] };
  const { body, name: { name, namespace } } = part;
  const metadata = { ...objectIn(sent, "metadata"), name, ...(namespace && { namespace }) };
  const shown = { ...sent, kind: body.kind, apiVersion: apiVersionOf(body), metadata };
  const object = shown as unknown as KubeObject; // as far as admission looks
  const answered = await objects.ask({ ...part, operation: "CREATE", object }, options);
  return { ...answered, sent: answered.object === object ? sent : answered.object };
}
