import { OtherRefusal } from "../../../client/api_error.ts";
import { WebhookFailure } from "../../../client/webhooks/webhook_transport.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import { type GroupVersion, kindIn, shownIn } from "../rule_matching.ts";

const REVIEW_GROUP = "admission.k8s.io";

/** What a webhook is sent: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ */
export function admissionReview(
  attributes: AdmissionAttributes,
  { object, old }: AdmissionObjects,
  { uid, version, reviewVersion }: { uid: string; version: GroupVersion; reviewVersion: string },
): JsonObject {
  const { resource, served, subresource, user } = attributes;
  const own = served ?? resource;
  const shown = shownIn(attributes, version);
  const { groups, name: username, uid: userUid, extra } = user;
  return {
    kind: "AdmissionReview",
    apiVersion: `${REVIEW_GROUP}/${reviewVersion}`,
    request: {
      uid,
      kind: kindIn(attributes, version),
      resource: { ...pair(version), resource: resource.plural },
      ...(subresource && { subResource: subresource }),
      requestKind: kindIn(attributes, own),
      requestResource: { ...pair(own), resource: resource.plural },
      ...(subresource && { requestSubResource: subresource }),
      ...(attributes.name && { name: attributes.name }),
      ...(attributes.namespace && { namespace: attributes.namespace }),
      operation: attributes.operation,
      userInfo: { username, ...(userUid && { uid: userUid }), groups, ...(extra && { extra }) },
      object: object ? shown(object) : null,
      oldObject: old ? shown(old) : null,
      dryRun: attributes.isDryRun,
      options: attributes.options,
    },
  };
}

function pair({ group, version }: GroupVersion): JsonObject {
  return { group, version };
}

/** What a webhook has answered. */
export interface AdmissionAnswer {
  isAllowed: boolean;
  /** Of a refusal. */
  status: JsonObject;
  warnings: readonly string[];
  /** For the audit log. */
  auditAnnotations: Readonly<Record<string, string>>;
  /** Operations of a JSON patch; empty: no change. */
  patch: readonly unknown[];
}

/** Reads an answer. Throws a {@linkcode WebhookFailure}, in the words of kube-apiserver, for one that is none. */
export function answerFrom(
  review: unknown,
  { uid, reviewVersion, mayPatch }: { uid: string; reviewVersion: string; mayPatch: boolean },
): AdmissionAnswer {
  const response = isJsonObject(review) ? review["response"] : undefined;
  if (!isJsonObject(review) || !isJsonObject(response)) {
    throw invalid("webhook response was absent");
  }
  if (reviewVersion === "v1") {
    if (response["uid"] !== uid) {
      const got = JSON.stringify(response["uid"] ?? "");
      throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${got}`);
    }
    refuseOtherKind(review);
  }
  const { allowed, status, warnings, auditAnnotations = {} } = response;
  const said = Array.isArray(warnings) ? warnings : [];
  return {
    isAllowed: allowed === true,
    status: isJsonObject(status) ? status : {},
    warnings: said.filter((text) => typeof text === "string"),
    auditAnnotations: isJsonObject(auditAnnotations) ? textsIn(auditAnnotations) : {},
    patch: patchIn(response, mayPatch, reviewVersion),
  };
}

function textsIn(object: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

function refuseOtherKind({ apiVersion, kind }: JsonObject): void {
  if (apiVersion === `${REVIEW_GROUP}/v1` && kind === "AdmissionReview") return;
  const got = `${text(apiVersion)}, Kind=${text(kind)}`;
  throw invalid(
    `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`,
  );
}

function patchIn(
  { patch, patchType }: JsonObject,
  mayPatch: boolean,
  reviewVersion: string,
): readonly unknown[] {
  const isPatch = typeof patch === "string" && patch !== "";
  const isTyped = patchType !== undefined && patchType !== null;
  if (!mayPatch) {
    if (isPatch) throw invalid("validating webhook may not return response.patch");
    if (isTyped && reviewVersion === "v1") {
      throw invalid("validating webhook may not return response.patchType");
    }
    return [];
  }
  if (reviewVersion === "v1") {
    if (isPatch && !isTyped) {
      throw invalid("webhook returned response.patch but not response.patchType");
    }
    if (isTyped && !isPatch) {
      throw invalid("webhook returned response.patchType but not response.patch");
    }
    if (isTyped && patchType !== "JSONPatch") {
      throw new WebhookFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
    }
  }
  return isPatch ? operationsIn(patch) : [];
}

function operationsIn(patch: string): readonly unknown[] {
  try {
    const operations: unknown = JSON.parse(decoded(patch));
    if (Array.isArray(operations)) return operations;
  } catch { /* said below */ }
  throw new WebhookFailure("received undecodable patch in webhook response: it is no JSON patch");
}

function decoded(base64: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64));
}

function invalid(reason: string): WebhookFailure {
  return new WebhookFailure(`received invalid webhook response: ${reason}`);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const CODES = { least: 400, most: 599 };

/** A refusal by a webhook, with the code and the words that it has chosen. k8s.io/apiserver …/webhook/errors ToStatusErr */
export function refusalBy(name: string, status: JsonObject): OtherRefusal {
  const [message, reason, code] = [status["message"], status["reason"], status["code"]];
  const why = text(message) || text(reason);
  const words = `admission webhook ${JSON.stringify(name)} denied the request` +
    (why ? `: ${why}` : " without explanation");
  const isCode = typeof code === "number" && Number.isInteger(code) && code >= CODES.least &&
    code <= CODES.most;
  return new OtherRefusal(words, { code: isCode ? code : 400, reason: text(reason) });
}
