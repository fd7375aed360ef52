import type { UserInfo } from "../../../client/user_info.ts";
import { admissionShapes } from "../../../resources/admissionregistration/policy_expressions.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import type { Bindings } from "../../../schema/cel/evaluate/frame.ts";
import {
  type AccessAnswer,
  type AccessQuestion,
  AuthorizerValue,
  ResourceCheck,
} from "../../../schema/cel/functions/authorization.ts";
import { plainValue, shapedValue } from "../../../schema/cel/shapes/json_values.ts";
import type { Value } from "../../../schema/cel/values/values.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import { type GroupVersion, kindIn, shownIn } from "../rule_matching.ts";

/** Whether a user may do something: what the variable `authorizer` asks. Must not throw. */
export type AskAccess = (user: UserInfo, question: AccessQuestion) => AccessAnswer;

/** A request, as the expressions of policies and of match conditions see it. */
export interface SeenRequest {
  readonly attributes: AdmissionAttributes;
  /** In which the objects are shown. */
  readonly version: GroupVersion;
  readonly object: unknown;
  readonly oldObject: unknown;
  /** `undefined` for objects in no namespace. */
  readonly namespace: KubeObject | undefined;
  readonly access: AskAccess;
}

/** A request as it is seen in a version of its kind. */
export function seenRequest(
  attributes: AdmissionAttributes,
  { object, old }: AdmissionObjects,
  version: GroupVersion,
  rest: Pick<SeenRequest, "namespace" | "access">,
): SeenRequest {
  const shown = shownIn(attributes, version);
  return {
    attributes,
    version,
    object: object && shown(object),
    oldObject: old && shown(old),
    ...rest,
  };
}

/** The variables of a request, each made when it is asked for the first time. */
export class RequestVariables implements Bindings {
  readonly #request: SeenRequest;
  readonly #params: unknown;
  readonly #values = new Map<string, Value>();

  constructor(request: SeenRequest, params?: unknown) {
    this.#request = request;
    this.#params = params;
  }

  get(name: string): Value | undefined {
    if (!this.#values.has(name)) {
      const value = this.#make(name);
      if (value === undefined) return undefined;
      this.#values.set(name, value);
    }
    return this.#values.get(name);
  }

  #make(name: string): Value | undefined {
    const { object, oldObject, namespace } = this.#request;
    switch (name) {
      case "object":
        return plainValue(object ?? null);
      case "oldObject":
        return plainValue(oldObject ?? null);
      case "params":
        return plainValue(this.#params ?? null);
      case "request":
        return shapedValue(requestOf(this.#request), admissionShapes().request);
      case "namespaceObject":
        return namespace ? shapedValue(namespace, admissionShapes().namespace) : null;
      case "authorizer":
        return this.#authorizer();
      case "authorizer.requestResource":
        return this.#requestResource();
      default:
        return undefined;
    }
  }

  #authorizer(): AuthorizerValue {
    const { access, attributes: { user } } = this.#request;
    return new AuthorizerValue((question) => access(askerOf(question, user), question));
  }

  #requestResource(): ResourceCheck {
    const { resource, subresource, namespace, name } = this.#request.attributes;
    return new ResourceCheck(this.#authorizer(), {
      group: resource.group,
      resource: resource.plural,
      subresource,
      namespace,
      name,
      fieldSelector: "",
      labelSelector: "",
    });
  }
}

/** Who is asked about: who makes the request, or a service account. */
function askerOf({ serviceAccount }: AccessQuestion, user: UserInfo): UserInfo {
  if (!serviceAccount) return user;
  const { namespace, name } = serviceAccount;
  const group = "system:serviceaccounts";
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [group, `${group}:${namespace}`, "system:authenticated"],
  };
}

/** As JSON has it, without what is empty: k8s.io/api/admission/v1 AdmissionRequest. */
function requestOf({ attributes, version }: SeenRequest): unknown {
  const { resource, served, subresource, user } = attributes;
  const own = served ?? resource;
  const pair = (one: GroupVersion) => ({ group: one.group, version: one.version });
  return {
    kind: kindIn(attributes, version),
    resource: { ...pair(version), resource: resource.plural },
    ...(subresource && { subResource: subresource }),
    requestKind: kindIn(attributes, own),
    requestResource: { ...pair(own), resource: resource.plural },
    ...(subresource && { requestSubResource: subresource }),
    ...(attributes.name && { name: attributes.name }),
    ...(attributes.namespace && { namespace: attributes.namespace }),
    operation: attributes.operation,
    userInfo: {
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      groups: user.groups,
      ...(user.extra && { extra: user.extra }),
    },
    dryRun: attributes.isDryRun,
    options: attributes.options,
  };
}
