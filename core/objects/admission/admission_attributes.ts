import type { UserInfo } from "../../client/user_info.ts";
import type { Annotate, WriteOptions } from "../../client/write_options.ts";
import type { AnyResource, KubeObject, ServedVersion } from "../../resources/resource.ts";
import type { SubresourceBody } from "../../resources/subresource.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One request, as rules of webhooks and policies see it: k8s.io/apiserver/pkg/admission Attributes. */
export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: AnyResource;
  /** The version of the request, where it is not the stored one. */
  readonly served: ServedVersion<KubeObject> | undefined;
  /** `""`: the object itself. */
  readonly subresource: string;
  /** The kind of the objects, where it is not that of the resource. */
  readonly body?: SubresourceBody;
  /** `""` while it is not known yet. */
  readonly name: string;
  /** `""` for objects that are in no namespace. */
  readonly namespace: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** See `WriteOptions`. */
  readonly annotate?: Annotate;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions of the request. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The objects of a request, in the stored version: what it is to become, and what it was. */
export interface AdmissionObjects {
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

const OPTIONS_KIND = {
  CREATE: "CreateOptions",
  UPDATE: "UpdateOptions",
  DELETE: "DeleteOptions",
  CONNECT: "",
};

/** What a write of an object is about. */
export function attributesOf(
  operation: Operation,
  resource: AnyResource,
  options: WriteOptions,
  place: { name: string; namespace: string },
): AdmissionAttributes {
  const { fieldManager, dryRun, served, user, annotate } = options;
  return {
    operation,
    resource,
    served,
    subresource: options.subresource ?? "",
    ...(options.shown && { body: options.shown.body }),
    ...place,
    user: options.userInfo ?? ownUser(user),
    isDryRun: dryRun === true,
    ...(annotate && { annotate }),
    options: {
      kind: OPTIONS_KIND[operation],
      apiVersion: "meta.k8s.io/v1",
      ...(fieldManager && operation !== "DELETE" && { fieldManager }),
      ...(dryRun && { dryRun: ["All"] }),
    },
  };
}

/** The server writes as one of those who may do everything. */
function ownUser(name = "system:apiserver"): UserInfo {
  return { name, groups: ["system:masters", "system:authenticated"] };
}
