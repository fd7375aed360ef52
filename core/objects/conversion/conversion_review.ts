import { WebhookFailure } from "../../client/webhooks/webhook_transport.ts";
import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import type { KubeObject } from "../../resources/resource.ts";

const REVIEW_GROUP = "apiextensions.k8s.io";
const KNOWN_VERSIONS = ["v1", "v1beta1"];

/** The first version of ConversionReview that both sides know. Throws a {@linkcode WebhookFailure}. */
export function reviewVersionOf(versions: readonly string[] = []): string {
  const version = versions.find((one) => KNOWN_VERSIONS.includes(one));
  if (version === undefined) throw new WebhookFailure("no supported conversion review versions");
  return version;
}

/**
 * What the webhook is sent:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-request-and-response
 */
export function conversionReview(
  objects: readonly KubeObject[],
  { uid, desiredAPIVersion, version }: { uid: string; desiredAPIVersion: string; version: string },
): JsonObject {
  return {
    kind: "ConversionReview",
    apiVersion: `${REVIEW_GROUP}/${version}`,
    request: { uid, desiredAPIVersion, objects: objects as unknown as JsonObject[] },
  };
}

/**
 * The objects of an answer, in the order of those that were sent. Throws a {@linkcode WebhookFailure} in the words of
 * kube-apiserver; `kind`: how these name what was to be converted.
 */
export function convertedObjects(
  answer: unknown,
  sent: readonly KubeObject[],
  { uid, desiredAPIVersion, version, kind }: {
    uid: string;
    desiredAPIVersion: string;
    version: string;
    kind: string;
  },
): KubeObject[] {
  const found = objectsIn(answer, { uid, version, kind });
  if (found.length !== sent.length) {
    throw new WebhookFailure(
      `conversion webhook for ${kind} returned ${found.length} objects, expected ${sent.length}`,
    );
  }
  return found.map((object, index) => {
    const fault = faultOf(object, sent[index]!, desiredAPIVersion);
    if (fault === undefined) return object as unknown as KubeObject; // as its fault says
    const what = fault.isOfMetadata ? "metadata in object" : "converted object";
    throw new WebhookFailure(
      `conversion webhook for ${kind} returned invalid ${what} at index ${index}: ${fault.reason}`,
    );
  });
}

function objectsIn(
  answer: unknown,
  { uid, version, kind }: { uid: string; version: string; kind: string },
): readonly unknown[] {
  const fail = (reason: string) => {
    throw new WebhookFailure(`conversion webhook for ${kind} failed: ${reason}`);
  };
  const review = isJsonObject(answer) ? answer : {};
  if (version === "v1") {
    const { apiVersion, kind: got } = review;
    if (apiVersion !== `${REVIEW_GROUP}/v1` || got !== "ConversionReview") {
      return fail(
        `expected webhook response of ${REVIEW_GROUP}/v1, Kind=ConversionReview, got ${
          text(apiVersion)
        }, Kind=${text(got)}`,
      );
    }
  }
  const response = review["response"];
  if (!isJsonObject(response)) return fail("no response provided");
  if (version === "v1" && response["uid"] !== uid) {
    return fail(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response["uid"]))}`,
    );
  }
  const result = isJsonObject(response["result"]) ? response["result"] : {};
  if (result["status"] !== "Success") {
    return fail(
      text(result["message"]) ||
        `response.result.status was '${text(result["status"])}', not 'Success'`,
    );
  }
  const { convertedObjects } = response;
  return Array.isArray(convertedObjects) ? convertedObjects : [];
}

/** Why an answer cannot be what was sent, in another version: only labels and annotations may differ in the metadata. */
function faultOf(
  object: unknown,
  sent: KubeObject,
  desiredAPIVersion: string,
): { reason: string; isOfMetadata?: true } | undefined {
  if (!isJsonObject(object)) return { reason: "it is no object" };
  const { apiVersion, kind, metadata } = object;
  if (apiVersion !== desiredAPIVersion) {
    const received = text(apiVersion);
    return {
      reason: `invalid groupVersion (expected ${desiredAPIVersion}, received ${received})`,
    };
  }
  if (kind !== sent.kind) {
    return { reason: `invalid kind (expected ${sent.kind}, received ${text(kind)})` };
  }
  if (metadata === undefined) {
    return { reason: "missing metadata in converted object", isOfMetadata: true };
  }
  if (!isJsonObject(metadata)) {
    return { reason: "invalid metadata in converted object", isOfMetadata: true };
  }
  for (const [field, name] of SAME) {
    const [before, after] = [sent.metadata[field] ?? "", text(metadata[field])];
    if (before !== after) return { reason: `must have the same ${name}: ${before} != ${after}` };
  }
  const changed = (["labels", "annotations"] as const).find((field) => !isTextMap(metadata[field]));
  return changed && { reason: `invalid ${changed} in converted object`, isOfMetadata: true };
}

const SAME = [["name", "name"], ["namespace", "namespace"], ["uid", "UID"]] as const;

function isTextMap(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return isJsonObject(value) && Object.values(value).every((each) => typeof each === "string");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
