import type {
  PolicyBindingSpec,
  PolicySpec,
} from "../../../resources/admissionregistration/policy_shape.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import { matches, selectorOf } from "../../../schema/selectors.ts";
import type { Store } from "../../../store/store.ts";
import { shownIn, versionsOf } from "../rule_matching.ts";

/** A policy or a binding that cannot be used as it is. */
export interface ConfigurationFault {
  readonly fault: string;
}

type ParamKind = NonNullable<PolicySpec["paramKind"]>;

/** The kind that a policy is configured by, and the version that it names. */
export interface FoundKind {
  readonly resource: AnyResource;
  readonly version: { group: string; version: string };
}

export function paramKindOf(
  { apiVersion = "", kind }: ParamKind,
  kinds: readonly AnyResource[],
): FoundKind | ConfigurationFault {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  const resource = kinds.find((one) =>
    one.kind === kind && versionsOf(one).some((v) => v.group === group && v.version === version)
  );
  if (resource) return { resource, version: { group, version } };
  const name = `${apiVersion}, Kind=${kind}`;
  return { fault: `failed to find resource referenced by paramKind: '${name}'` };
}

/**
 * The objects with which a policy is to be evaluated, each by itself; `undefined` stands for none.
 * Source: apiserver pkg/admission/plugin/policy/generic/policy_dispatcher.go (CollectParams)
 */
export function paramsOf(
  found: FoundKind | undefined,
  paramRef: PolicyBindingSpec["paramRef"],
  requestNamespace: string,
  store: Store,
): readonly unknown[] | ConfigurationFault {
  if (!found || !paramRef) return [undefined];
  const { resource, version } = found;
  const { name, namespace = "", selector, parameterNotFoundAction } = paramRef;
  if (!resource.namespaced && namespace !== "") {
    return { fault: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`" };
  }
  const place = resource.namespaced ? namespace || requestNamespace : "";
  if (resource.namespaced && place === "") {
    return {
      fault:
        "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    };
  }
  const prefix = groupResourceOf(resource);
  const objects = name
    ? [store.get([prefix, place, name])?.object].filter((object) => object !== undefined)
    : store.list([prefix, place]).map(({ object }) => object)
      .filter(({ metadata }) => matches(selectorOf(selector), metadata.labels));
  if (objects.length === 0 && parameterNotFoundAction === "Deny") {
    return { fault: "no params found for policy binding with `Deny` parameterNotFoundAction" };
  }
  const shown = shownIn({ resource }, version);
  return objects.map((object: KubeObject) => shown(object));
}
