import { ApiError, type Reason } from "../../../client/api_error.ts";
import { forbidden } from "../../../client/refusals.ts";
import { escapedJson } from "../../../lib/json/sorted_json.ts";
import {
  type CompiledPolicy,
  compilePolicy,
} from "../../../resources/admissionregistration/policy_expressions.ts";
import type {
  MatchResources,
  PolicyBindingSpec,
  PolicySpec,
} from "../../../resources/admissionregistration/policy_shape.ts";
import { validatingAdmissionPolicies } from "../../../resources/admissionregistration/validating_admission_policies.ts";
import { validatingAdmissionPolicyBindings } from "../../../resources/admissionregistration/validating_admission_policy_bindings.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import type { Cause } from "../../../schema/causes.ts";
import { selectorOf } from "../../../schema/selectors.ts";
import type { Store } from "../../../store/store.ts";
import {
  type AdmissionAttributes,
  type AdmissionObjects,
  attributesOf,
} from "../admission_attributes.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { namespaceIn } from "../namespace_lifecycle.ts";
import { isSelected } from "../request_selection.ts";
import { type GroupVersion, matchedVersion, mayMatch } from "../rule_matching.ts";
import { type ConfigurationFault, type FoundKind, paramKindOf, paramsOf } from "./params.ts";
import { type Denial, evaluatePolicy } from "./policy_evaluation.ts";
import { type AskAccess, type SeenRequest, seenRequest } from "./request_variables.ts";

/** A binding of a policy. */
interface Binding {
  readonly name: string;
  readonly spec: PolicyBindingSpec;
}

/** A policy that is bound. */
interface BoundPolicy {
  readonly name: string;
  readonly spec: PolicySpec;
  /** Made when it is first needed. */
  compiled(): CompiledPolicy;
  readonly bindings: readonly Binding[];
}

/** A reason to refuse a request. */
interface Refusal extends Omit<Denial, "index"> {
  readonly policy: string;
  readonly binding?: string;
}

/** What policies say of a request that does not refuse it. */
interface Said {
  readonly warnings: string[];
  /** For the audit log: the values of each key, of all bindings of a policy. */
  readonly annotations: Map<string, Set<string>>;
}

const FAILURE_KEY = "validation.policy.admission.k8s.io/validation_failure";

/** What is decided about by no policy: these decide about all others. */
const EXEMPT_GROUP = "admissionregistration.k8s.io";

/**
 * Admission by policies in CEL: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/.
 * Follows policies and bindings in the store: one that is bound decides about the very next request.
 */
export class PolicyAdmission {
  readonly #store: Store;
  readonly #kinds: () => readonly AnyResource[];
  /** By uid and generation: a policy is compiled once, whatever happens to its status. */
  #compiled = new Map<string, CompiledPolicy>();
  #bound: readonly BoundPolicy[] | undefined;
  /** Who may do what; see {@linkcode askAccess}. */
  access: AskAccess = () => ({ allowed: false, error: "no authorizer is there" });

  constructor({ store, kinds }: { store: Store; kinds: () => readonly AnyResource[] }) {
    this.#store = store;
    this.#kinds = kinds;
    for (const kind of [validatingAdmissionPolicies, validatingAdmissionPolicyBindings]) {
      store.subscribe([groupResourceOf(kind)], () => this.#bound = undefined);
    }
  }

  /** From now on, expressions can ask who may do what. */
  askAccess(access: AskAccess): void {
    this.access = access;
  }

  /** Checks a create or an update, as it would be stored. Throws an {@linkcode ApiError} for a refusal. */
  check(request: AdmissionRequest): void {
    const { resource, next, previous, options, subresource, warnings } = request;
    const operation = previous ? "UPDATE" : "CREATE";
    if (!this.concerns({ operation, resource, subresource })) return;
    const { name, namespace = "" } = next.metadata;
    const attributes = attributesOf(operation, resource, options, { name, namespace });
    const stored = (object: KubeObject) =>
      options.shown?.show(object) ?? resource.reading?.toStored(object) ?? object;
    const objects = { object: stored(next), old: previous && stored(previous) };
    this.validate({ ...attributes, subresource }, objects, warnings);
  }

  /** Whether a policy may want to know of the request: most servers have none. */
  concerns(request: Pick<AdmissionAttributes, "resource" | "operation" | "subresource">): boolean {
    const bound = this.#bound ??= this.#read();
    if (bound.length === 0 || request.resource.group === EXEMPT_GROUP) return false;
    return bound.some(({ spec }) =>
      spec.matchConstraints?.resourceRules?.some((rule) => mayMatch(rule, request)) ?? false
    );
  }

  /** Asks all policies about a request. Throws the {@linkcode ApiError} of the first that refuses. */
  validate(attributes: AdmissionAttributes, objects: AdmissionObjects, warnings: string[]): void {
    const refusals: Refusal[] = [];
    for (const policy of this.#bound ??= this.#read()) {
      const version = this.#matched(policy.spec.matchConstraints, attributes, objects);
      if (version) refusals.push(...this.#asked(policy, attributes, objects, version, warnings));
    }
    if (refusals[0]) throw refusalOf(refusals[0], attributes, objects);
  }

  #read(): readonly BoundPolicy[] {
    const bindings = new Map<string, Binding[]>();
    for (
      const { object } of this.#store.list([groupResourceOf(validatingAdmissionPolicyBindings)])
    ) {
      const { metadata, spec } = object as KubeObject & { spec: PolicyBindingSpec };
      const of = bindings.get(spec.policyName ?? "") ?? [];
      bindings.set(spec.policyName ?? "", of);
      of.push({ name: metadata.name, spec });
    }
    const kept = new Map<string, CompiledPolicy>();
    const bound = this.#store.list([groupResourceOf(validatingAdmissionPolicies)])
      .map(({ object }) => object as KubeObject & { spec: PolicySpec })
      .flatMap(({ metadata: { name, uid, generation }, spec }) => {
        const own = bindings.get(name);
        const key = `${uid}/${generation}`;
        const before = this.#compiled.get(key);
        if (before) kept.set(key, before);
        return own ? [{ name, spec, bindings: own, compiled: () => this.#compile(key, spec) }] : [];
      });
    this.#compiled = kept;
    return bound;
  }

  #compile(key: string, spec: PolicySpec): CompiledPolicy {
    const known = this.#compiled.get(key) ?? compilePolicy(spec);
    this.#compiled.set(key, known);
    return known;
  }

  /** The version in which a request is seen, if it is meant. k8s.io/apiserver …/policy/matching */
  #matched(
    resources: MatchResources | undefined,
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
  ): GroupVersion | undefined {
    const own = attributes.served ?? attributes.resource;
    if (!resources) return own;
    const { resourceRules = [], excludeResourceRules = [], matchPolicy } = resources;
    const selectors = {
      namespaceSelector: selectorOf(resources.namespaceSelector),
      objectSelector: selectorOf(resources.objectSelector),
    };
    const named = (rules: typeof resourceRules) =>
      rules.filter(({ resourceNames = [] }) =>
        resourceNames.length === 0 || resourceNames.includes(attributes.name)
      );
    if (!isSelected(selectors, attributes, objects, this.#store)) return undefined;
    if (matchedVersion(named(excludeResourceRules), matchPolicy, attributes)) return undefined;
    if (resourceRules.length === 0) return own;
    return matchedVersion(named(resourceRules), matchPolicy, attributes);
  }

  /** What a policy that is meant says; warnings are added. */
  #asked(
    policy: BoundPolicy,
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
    version: GroupVersion,
    warnings: string[],
  ): Refusal[] {
    const { name, spec } = policy;
    const annotations = new Map<string, Set<string>>();
    const isStrict = spec.failurePolicy !== "Ignore";
    const found = spec.paramKind && paramKindOf(spec.paramKind, this.#kinds());
    if (found && "fault" in found) {
      return isStrict
        ? [{ policy: name, message: `failed to configure policy: ${found.fault}` }]
        : [];
    }
    const request = this.#seen(attributes, objects, version);
    const refused = policy.bindings.flatMap((binding) => {
      if (!this.#matched(binding.spec.matchResources, attributes, objects)) return [];
      const refusals = this.#bindingAsked(policy, binding, found, request, {
        warnings,
        annotations,
      });
      if (!("fault" in refusals)) return refusals;
      const message = `failed to configure binding: ${refusals.fault}`;
      return isStrict ? [{ policy: name, binding: binding.name, message }] : [];
    });
    for (const [key, values] of annotations) {
      attributes.annotate?.(`${name}/${key}`, [...values].join(", "));
    }
    return refused;
  }

  #bindingAsked(
    policy: BoundPolicy,
    binding: Binding,
    found: FoundKind | undefined,
    request: SeenRequest,
    { warnings, annotations }: Said,
  ): Refusal[] | ConfigurationFault {
    const { paramRef, validationActions: actions = [] } = binding.spec;
    const params = paramsOf(found, paramRef, request.attributes.namespace, this.#store);
    if ("fault" in params) return params;
    const names = { policy: policy.name, binding: binding.name };
    return params.flatMap((param) => {
      const verdict = evaluatePolicy(policy.spec, policy.compiled(), request, param);
      if (actions.includes("Warn")) {
        warnings.push(...verdict.denials.map(({ message }) => warningOf(names, message)));
      }
      if (actions.includes("Audit")) {
        for (const denial of verdict.denials) {
          request.attributes.annotate?.(FAILURE_KEY, failureText(names, denial, actions));
        }
      }
      for (const [key, value] of verdict.annotations) {
        annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
      }
      const denials = actions.includes("Deny") ? verdict.denials : [];
      return [
        ...denials.map(({ message, reason }) => ({ ...names, message, ...reason && { reason } })),
        ...verdict.annotationErrors.map((message) => ({ ...names, message })),
      ];
    });
  }

  #seen(
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
    version: GroupVersion,
  ): SeenRequest {
    const isNamespaced = attributes.resource !== namespaces && attributes.namespace !== "";
    const namespace = isNamespaced
      ? namespaceIn(this.#store, attributes.namespace)?.object
      : undefined;
    return seenRequest(attributes, objects, version, { namespace, access: this.access });
  }
}

/** A list of one: ValidationFailureValue of apiserver pkg/admission/plugin/policy/validating/dispatcher.go */
function failureText(
  { policy, binding }: { policy: string; binding: string },
  { message, index }: Denial,
  validationActions: readonly string[],
): string {
  return escapedJson([{ message, policy, binding, expressionIndex: index, validationActions }]);
}

function warningOf(
  { policy, binding }: { policy: string; binding: string },
  message: string,
): string {
  return `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`;
}

const REASONS: readonly Reason[] = [
  "Unauthorized",
  "Forbidden",
  "Invalid",
  "RequestEntityTooLarge",
];

function refusalOf(
  { policy, binding, message, reason }: Refusal,
  { resource, name }: AdmissionAttributes,
  { object }: AdmissionObjects,
): ApiError {
  const bound = binding === undefined ? "" : ` with binding '${binding}'`;
  const why = `ValidatingAdmissionPolicy '${policy}'${bound} denied request: ${message}`;
  const shown = name || object?.metadata.name || "";
  const refusal = forbidden(resource, shown, why);
  const kind = REASONS.find((one) => one === reason) ?? "Invalid";
  return new ApiError(kind, refusal.message, {
    ...refusal.details,
    causes: [{ message: why } as Cause], // Kubernetes says no more of it
  });
}
