import type { UserInfo } from "../../client/user_info.ts";
import type { AnyResource, KubeObject, ServedVersion } from "../../resources/resource.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One request, as rules of webhooks and policies see it: k8s.io/apiserver/pkg/admission Attributes. */
export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: AnyResource;
  /** The version of the request, where it is not the stored one. */
  readonly served: ServedVersion<KubeObject> | undefined;
  /** `""`: the object itself. */
  readonly subresource: string;
  /** `""` while it is not known yet. */
  readonly name: string;
  /** `""` for objects that are in no namespace. */
  readonly namespace: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions of the request. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The objects of a request, in the stored version: what it is to become, and what it was. */
export interface AdmissionObjects {
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}
