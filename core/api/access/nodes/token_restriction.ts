import { forbidden, notFound } from "../../../client/refusals.ts";
import type { Objects } from "../../../objects/objects.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { serviceAccounts } from "../../../resources/core/service_accounts.ts";
import type { User } from "../../http/api_context.ts";
import { nodeOf } from "./node_identity.ts";

/** What is asked for, as far as it matters here. */
interface Request {
  namespace: string;
  account: string;
  spec: {
    audiences?: readonly string[];
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
}

/**
 * The agent of a node gets tokens for its own pods only, bound to them, and for audiences that the pod itself names.
 * Throws Forbidden or NotFound. Other users are not restricted.
 * Kubernetes: `admitServiceAccount` in `plugin/pkg/admission/noderestriction`.
 */
export function refuseNodesToken(
  user: User,
  { namespace, account, spec: { audiences = [], boundObjectRef: ref } }: Request,
  { store }: Pick<Objects, "store">,
): void {
  const node = nodeOf(user);
  if (node === undefined) return;
  const refused = (why: string) => forbidden(serviceAccounts, account, why);
  if (!ref?.name || ref.apiVersion !== "v1" || ref.kind !== "Pod") {
    throw refused("node requested token not bound to a pod");
  }
  if (!ref.uid) throw refused("node requested token with a pod binding without a uid");
  const pod = store.get([pods.plural, namespace, ref.name])?.object as Pod | undefined;
  if (!pod) throw notFound(pods, ref.name);
  if (pod.metadata.uid !== ref.uid) {
    throw refused(
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. ` +
        "The object might have been deleted and then recreated",
    );
  }
  if (pod.spec.nodeName !== node) {
    throw refused("node requested token bound to a pod scheduled on a different node");
  }
  if (audiences.length > 1) throw refused("node may only request 0 or 1 audiences");
  const [audience = ""] = audiences;
  if (audiencesOf(pod).includes(audience)) return;
  throw refused(
    `audience ${
      JSON.stringify(audience)
    } not found in pod spec volume, ${user.name} is not authorized to request ` +
      "tokens for this audience",
  );
}

/** Those of the tokens in its volumes; `""` is the API server. */
function audiencesOf({ spec: { volumes = [] } }: Pod): string[] {
  return volumes.flatMap(({ projected }) => projected?.sources ?? [])
    .flatMap(({ serviceAccountToken }) =>
      serviceAccountToken ? [serviceAccountToken.audience ?? ""] : []
    );
}
