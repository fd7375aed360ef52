import { ApiError } from "../../../client/api_error.ts";
import { badRequest, invalid, notFound } from "../../../client/refusals.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import type { Objects } from "../../../objects/objects.ts";
import { type Cause, invalid as invalidValue } from "../../../schema/causes.ts";
import { check } from "../../../schema/check.ts";
import {
  fallback,
  list,
  long,
  object,
  present,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";
import { objectMeta } from "../../../schema/metadata.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { secrets } from "../../../resources/core/secrets.ts";
import { type ServiceAccount, serviceAccounts } from "../../../resources/core/service_accounts.ts";
import type { KubeObject, Resource } from "../../../resources/resource.ts";
import type { User } from "../../http/api_context.ts";
import { refuseNodesToken } from "../nodes/token_restriction.ts";
import { ISSUER, type Reference } from "./account_token.ts";
import type { AccountTokens } from "./account_tokens.ts";

export const TOKEN_REQUEST = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
} as const;

const schema = object("Asks for a token of a service account.", {
  apiVersion: string("Group and version."),
  kind: string("Kind."),
  metadata: present(objectMeta),
  spec: present(object("What the token is to be.", {
    audiences: list("Whom it is for; the API server when empty.", string("Audience.")),
    expirationSeconds: fallback(3_600, long("Seconds that it is to be valid.")),
    boundObjectRef: object("The object with which it ends.", {
      kind: string("`Pod`, `Secret` or `Node`."),
      apiVersion: string("Group and version of the object."),
      name: string("Name of the object."),
      uid: string("Uid of the object."),
    }),
  })),
});
export type TokenRequest = TypeOf<typeof schema>;
/** What is asked for, with its defaults. */
export type TokenRequestSpec = NonNullable<TokenRequest["spec"]>;

const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;

/** What a request for a token is decided from. */
export interface TokenRequestContext {
  objects: Objects;
  tokens: AccountTokens;
  user: User;
}

/**
 * POST serviceaccounts/NAME/token. Throws an ApiError. Kubernetes: `pkg/registry/core/serviceaccount/storage/token.go`.
 */
export function answeredTokenRequest(
  { namespace, name }: { namespace: string; name: string },
  draft: unknown,
  context: TokenRequestContext,
): { answer: object; token: string; credentialId: string } {
  const { objects, tokens, user } = context;
  const { value: request, causes } = check(schema, draft);
  if (causes.length > 0) throw invalid(TOKEN_REQUEST, "", causes);
  const { metadata, spec } = request;
  refuseOtherPlace(metadata, { namespace, name });
  const account = objects.get(serviceAccounts, { namespace, name }).object as ServiceAccount;
  const { uid } = account.metadata;
  if (metadata.uid && metadata.uid !== uid) throw otherUid(name, metadata.uid, uid);
  const faults = expirationCauses(spec.expirationSeconds);
  if (faults.length > 0) throw invalid(TOKEN_REQUEST, "", faults);
  refuseNodesToken(user, { namespace, account: name, spec }, objects);
  const audiences = spec.audiences?.length ? spec.audiences : [ISSUER];
  const { expirationSeconds, boundObjectRef } = spec;
  const bound = boundObjectRef ? boundTo(boundObjectRef, account, objects) : {};
  const issued = tokens.issue({ account, audiences, expirationSeconds, ...bound });
  const { kind, group, version } = TOKEN_REQUEST;
  const answer = {
    kind,
    apiVersion: `${group}/${version}`,
    metadata: { name, namespace, uid, creationTimestamp: timestamp(objects.clock.now()) },
    spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
    status: { token: issued.token, expirationTimestamp: issued.expiresAt },
  };
  return { answer, token: issued.token, credentialId: issued.id };
}

function refuseOtherPlace(
  given: { name?: string; namespace?: string },
  path: { name: string; namespace: string },
): void {
  for (const field of ["name", "namespace"] as const) {
    const value = given[field];
    if (!value || value === path[field]) continue;
    const why = `must match the service account ${field} if specified`;
    throw invalid(TOKEN_REQUEST, path.name, [invalidValue(`metadata.${field}`, value, why)]);
  }
}

function expirationCauses(seconds: number): Cause[] {
  const field = "spec.expirationSeconds";
  if (seconds < SECONDS_MIN) {
    return [invalidValue(field, seconds, "may not specify a duration less than 10 minutes")];
  }
  if (seconds > SECONDS_MAX) {
    return [invalidValue(field, seconds, "may not specify a duration larger than 2^32 seconds")];
  }
  return [];
}

type BoundRef = NonNullable<TokenRequestSpec["boundObjectRef"]>;

/** The object with which the token ends, and the node of a pod. */
function boundTo(
  ref: BoundRef,
  account: ServiceAccount,
  objects: Objects,
): { pod?: Reference; node?: Reference; secret?: Reference } {
  const { namespace } = account.metadata;
  const isCore = !ref.apiVersion?.includes("/");
  switch (isCore ? ref.kind : undefined) {
    case "Pod": {
      const pod = found(pods, ref, namespace, objects);
      const { serviceAccountName, nodeName } = pod.spec;
      if (serviceAccountName !== account.metadata.name) {
        const name = JSON.stringify(account.metadata.name);
        throw badRequest(
          `cannot bind token for serviceaccount ${name} to pod running with different serviceaccount name.`,
        );
      }
      const node = nodeName ? { node: nodeNamed(nodeName, objects) } : {};
      return { pod: referenceTo(pod, ref), ...node };
    }
    case "Node":
      return { node: referenceTo(found(nodes, ref, "", objects), ref) };
    case "Secret":
      return { secret: referenceTo(found(secrets, ref, namespace, objects), ref) };
    default:
      throw badRequest(`cannot bind token to object of type ${kindText(ref)}`);
  }
}

function found<T extends KubeObject>(
  resource: Resource<T>,
  { name = "" }: BoundRef,
  namespace: string,
  objects: Objects,
): T {
  const key = [resource.plural, namespace, name] as const;
  const entry = objects.store.get(key);
  if (!entry) throw notFound(resource, name);
  return entry.object as T; // of the kind asked for
}

/** A node that is not there is told by its name alone. */
function nodeNamed(name: string, { store }: Objects): Reference {
  return { name, uid: store.get([nodes.plural, "", name])?.object.metadata.uid ?? "" };
}

/** Throws Conflict when another object has got the name since. */
function referenceTo({ metadata: { name, uid } }: KubeObject, ref: BoundRef): Reference {
  if (!ref.uid || ref.uid === uid) return { name, uid };
  throw new ApiError(
    "Conflict",
    `Operation cannot be fulfilled on ${ref.kind} "${name}": the UID in the bound object reference (${ref.uid}) ` +
      "does not match the UID in record. The object might have been deleted and then recreated",
    { name, kind: ref.kind ?? "" },
  );
}

function otherUid(name: string, given: string, uid: string): ApiError {
  const { group, kind } = TOKEN_REQUEST;
  return new ApiError(
    "Conflict",
    `Operation cannot be fulfilled on ${kind}.${group} "${name}": the UID in the token request (${given}) ` +
      `does not match the UID of the service account (${uid})`,
    { name, group, kind },
  );
}

/** As Go prints a GroupVersionKind. */
function kindText({ apiVersion = "", kind = "" }: BoundRef): string {
  return `${apiVersion}, Kind=${kind}`;
}
