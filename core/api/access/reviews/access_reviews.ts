import { badRequest, invalid } from "../../../client/refusals.ts";
import { type Cause, invalid as invalidValue } from "../../../schema/causes.ts";
import { list, mapOf, object, string, type TypeOf } from "../../../schema/schema.ts";
import type { VirtualKind } from "../../discovery/discovery.ts";
import type { User } from "../../http/api_context.ts";
import type { Authorizer } from "../authorizer.ts";
import type { Review, ReviewContext } from "./review.ts";
import { accessCauses, accessFields, attributesOf } from "./review_attributes.ts";
import { type Asked, askedOf } from "./review_draft.ts";

const GROUP = { group: "authorization.k8s.io", version: "v1" };
const selfSpec = object("May I do that?", accessFields);
const subjectSpec = object("May somebody do that?", {
  ...accessFields,
  user: string("Name of the user."),
  groups: list("Groups of the user.", string("Group.")),
  uid: string("Uid of the user."),
  extra: mapOf("What else is known of the user.", list("Values.", string("Value."))),
});
type SubjectSpec = TypeOf<typeof subjectSpec>;

const SELF = { ...GROUP, kind: "SelfSubjectAccessReview", plural: "selfsubjectaccessreviews" };
const SUBJECT = { ...GROUP, kind: "SubjectAccessReview", plural: "subjectaccessreviews" };
const LOCAL = {
  ...GROUP,
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  namespaced: true,
} as const;

/** `kubectl auth can-i`. */
export const selfSubjectAccessReviews: Review = {
  ...SELF,
  answer: async (draft, { user, authorizer }) => {
    const asked = askedOf(SELF, draft, selfSpec);
    refuse(SELF, [...accessCauses(asked.spec), ...metadataCauses(asked)]);
    return await answered(asked, user, authorizer);
  },
};

/** Asked by servers that have Kubernetes decide, such as kubelets and extension servers. */
export const subjectAccessReviews: Review = {
  ...SUBJECT,
  answer: async (draft, { authorizer }) => {
    const asked = askedOf(SUBJECT, draft, subjectSpec);
    refuse(SUBJECT, [...subjectCauses(asked.spec), ...metadataCauses(asked)]);
    return await answered(asked, subjectOf(asked.spec), authorizer);
  },
};

/** The same within a namespace: the right to ask can be given there. */
export const localSubjectAccessReviews: Review = {
  ...LOCAL,
  answer: async (draft, { namespace, authorizer }) => {
    const asked = askedOf(LOCAL, draft, subjectSpec);
    placed(asked, namespace);
    refuse(LOCAL, [...subjectCauses(asked.spec), ...placeCauses(asked)]);
    return await answered(asked, subjectOf(asked.spec), authorizer);
  },
};

function subjectCauses(spec: SubjectSpec): Cause[] {
  const why = "at least one of user or group must be specified";
  const isNobody = !spec.user && !spec.groups?.length;
  return [
    ...accessCauses(spec),
    ...(isNobody ? [invalidValue("spec.user", "", why)] : []),
  ];
}

function metadataCauses({ head: { metadata } }: Asked<unknown>): Cause[] {
  const { managedFields: _, creationTimestamp: __, ...rest } = metadata;
  return Object.keys(rest).length === 0
    ? []
    : [invalidValue("metadata", metadata, "must be empty")];
}

/** The namespace of the path counts for an object that names none. Throws BadRequest for another one. */
function placed({ head: { metadata } }: Asked<unknown>, namespace: string | undefined): void {
  if (namespace === undefined) throw badRequest("namespace is required on this type: ");
  metadata["namespace"] ||= namespace;
  if (metadata["namespace"] === namespace) return;
  throw badRequest(
    "the namespace of the provided object does not match the namespace sent on the request",
  );
}

function placeCauses({ head: { metadata }, spec }: Asked<SubjectSpec>): Cause[] {
  const { namespace, managedFields: _, creationTimestamp: __, ...rest } = metadata;
  const { resourceAttributes: about, nonResourceAttributes: path } = spec;
  const at = about?.namespace ?? "";
  return [
    ...(Object.keys(rest).length > 0
      ? [invalidValue("metadata", metadata, "must be empty except for namespace")]
      : []),
    ...(about && at !== namespace
      ? [invalidValue("spec.resourceAttributes.namespace", at, "must match metadata.namespace")]
      : []),
    ...(path
      ? [invalidValue("spec.nonResourceAttributes", path, "disallowed on this kind of request")]
      : []),
  ];
}

function refuse(kind: VirtualKind, causes: readonly Cause[]): void {
  if (causes.length > 0) throw invalid(kind, "", causes);
}

function subjectOf({ user = "", groups = [], uid, extra }: SubjectSpec): User {
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

async function answered(
  { head, sent, spec }: Asked<Parameters<typeof attributesOf>[0]>,
  user: User,
  authorizer: ReviewContext["authorizer"],
): Promise<unknown> {
  const { attributes, fault } = attributesOf(spec);
  const { outcome, reason }: Awaited<ReturnType<Authorizer["authorize"]>> = await authorizer
    .authorize(user, attributes);
  const status = {
    allowed: outcome === "allow",
    ...(outcome === "deny" && { denied: true }),
    ...(reason && { reason }),
    ...(fault && { evaluationError: fault }),
  };
  return { ...head, spec: sent, status };
}
