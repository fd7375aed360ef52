import {
  type Cause,
  forbidden,
  invalid,
  missing,
  notSupported,
  tooLong,
} from "../../schema/causes.ts";
import { labelNameFaults, subdomainFaults } from "../../schema/names.ts";
import {
  fallback,
  kept,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { immutableCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../resource.ts";
import { referenceCauses } from "./ingress_rules.ts";

const CONTROLLER_BYTES_MAX = 250;
const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const PATH_SHAPE = new RegExp(`^${PATH}$`);
const SCOPES = ["Cluster", "Namespace"];

const parameters = object("An object with settings for the controller.", {
  apiGroup: kept(string("Group of the object; absent for the core group.")),
  kind: required(string("Kind of the object.")),
  name: required(string("Name of the object.")),
  scope: fallback("Cluster", string("Cluster or Namespace: what the kind is.")),
  namespace: kept(string("Namespace of the object, if its kind has namespaces.")),
});
type Parameters = TypeOf<typeof parameters>;

/** https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class */
export const ingressClasses = defineResource({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
  generation: "content",
  schema: object("A kind of ingress, and who serves it.", {
    spec: present(object("What the class is.", {
      controller: required(string("Who serves it, such as `example.com/controller`.")),
      parameters,
    })),
  }),
  columns: [
    nameColumn,
    {
      name: "Controller",
      description: "Who serves ingresses of the class.",
      value: ({ spec }) => spec.controller,
    },
    {
      name: "Parameters",
      description: "Object with settings for the controller.",
      value: ({ spec }) => parametersText(spec.parameters),
    },
    ageColumn,
  ],
  indexes: { default: (ingressClass) => isDefaultIngressClass(ingressClass) ? ["true"] : [] },
  validate: ({ spec }, previous) => [
    ...(previous
      ? immutableCauses("spec.controller", spec.controller, previous.spec.controller)
      : []),
    ...(spec.controller ? controllerCauses(spec.controller) : []),
    ...(spec.parameters ? parametersCauses(spec.parameters, "spec.parameters") : []),
  ],
});

export type IngressClass = ObjectOf<typeof ingressClasses>;

const DEFAULT = "ingressclass.kubernetes.io/is-default-class";

/** Whether the class is for ingresses that name none. */
export function isDefaultIngressClass({ metadata: { annotations = {} } }: KubeObject): boolean {
  return annotations[DEFAULT] === "true";
}

function parametersText(parameters: Parameters | undefined): string {
  if (!parameters) return "<none>";
  const { kind, apiGroup, name } = parameters;
  return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
}

/** A host and a path. */
function controllerCauses(controller: string): Cause[] {
  const field = "spec.controller";
  const causes = new TextEncoder().encode(controller).length > CONTROLLER_BYTES_MAX
    ? [tooLong(field, CONTROLLER_BYTES_MAX)]
    : [];
  const slash = controller.indexOf("/");
  const [host, path] = [controller.slice(0, Math.max(slash, 0)), controller.slice(slash + 1)];
  if (host === "" || path === "") {
    const rule = 'must be a domain-prefixed path (such as "acme.io/foo")';
    return [...causes, invalid(field, controller, rule)];
  }
  causes.push(...subdomainFaults(host).map((fault) => invalid(field, host, fault)));
  if (!PATH_SHAPE.test(path)) {
    causes.push(invalid(field, path, `Invalid path (regex used for validation is '${PATH}')`));
  }
  return causes;
}

function parametersCauses(parameters: Parameters, field: string): Cause[] {
  const { scope, namespace } = parameters;
  const causes = referenceCauses(parameters, field);
  const at = `${field}.namespace`;
  if (!SCOPES.includes(scope)) {
    causes.push(notSupported(`${field}.scope`, scope, SCOPES));
  } else if (scope === "Namespace") {
    if (namespace === undefined) {
      causes.push(missing(at, "`parameters.scope` is set to 'Namespace'"));
    } else {
      causes.push(...labelNameFaults(namespace).map((fault) => invalid(at, namespace, fault)));
    }
  } else if (namespace !== undefined) {
    causes.push(forbidden(at, "`parameters.scope` is set to 'Cluster'"));
  }
  return causes;
}
