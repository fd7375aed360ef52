import { condition } from "../conditions.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import {
  atomic,
  fallback,
  kept,
  list,
  listMap,
  long,
  mergeList,
  object,
  present,
  required,
  set,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { ruleFields } from "./webhook_shape.ts";

const namedRule = atomic(object("Which requests are meant.", {
  ...ruleFields,
  resourceNames: list("Names of the objects; none: all of them.", string("A name.")),
}));

export const matchResources = atomic(object("Which requests are meant, and which are not.", {
  namespaceSelector: present(labelSelector),
  objectSelector: present(labelSelector),
  resourceRules: list("Requests that are meant.", namedRule),
  excludeResourceRules: list("Requests that are not meant, whatever else says.", namedRule),
  matchPolicy: fallback(
    "Equivalent",
    string("Whether other versions of the resources count as well: Exact or Equivalent."),
  ),
}));

const paramKind = atomic(object("Kind of the objects by which the policy is configured.", {
  apiVersion: string("Group and version of the kind."),
  kind: string("Name of the kind."),
}));

const validation = object("An expression that must be true for a request to be admitted.", {
  expression: string("The expression, in CEL: true or false."),
  message: string("What is said when it is false."),
  reason: string("Why it is refused: Unauthorized, Forbidden, Invalid or RequestEntityTooLarge."),
  messageExpression: string("An expression that makes the message."),
});

const auditAnnotation = object("What is noted in the audit log.", {
  key: required(kept(string("Key of the annotation, below the name of the policy."))),
  valueExpression: required(kept(string("An expression that makes its value; null: none."))),
});

const matchCondition = object("An expression that must be true for the policy to apply.", {
  name: required(kept(string("Its name."))),
  expression: required(kept(string("The expression, in CEL."))),
});

const variable = atomic(object("A value that other expressions use by name.", {
  name: required(kept(string("Its name: variables.NAME."))),
  expression: required(kept(string("The expression that makes it; evaluated when needed."))),
}));

const expressionWarning = object("What is wrong with the types in an expression.", {
  fieldRef: required(string("Path of the expression.")),
  warning: required(string("What is wrong, by kind.")),
});

export const policy = object("Rules in CEL that requests must keep, once the policy is bound.", {
  spec: present(object("What is required.", {
    paramKind,
    matchConstraints: matchResources,
    validations: list("Expressions that must all be true.", validation),
    failurePolicy: fallback("Fail", string("What comes of an error: Fail or Ignore.")),
    auditAnnotations: list("What is noted in the audit log.", auditAnnotation),
    matchConditions: mergeList(
      "Expressions that must all be true for the policy to apply.",
      ["name"],
      matchCondition,
    ),
    variables: mergeList("Values that other expressions use.", ["name"], variable),
  })),
  status: present(object("What the server says of the policy.", {
    observedGeneration: long("Generation that the rest is about."),
    typeChecking: object("Types in the expressions.", {
      expressionWarnings: list("What is wrong with them.", expressionWarning),
    }),
    conditions: listMap("Aspects of its state.", ["type"], condition),
  })),
});

const paramRef = atomic(object("Objects by which the policy is configured.", {
  name: string("Name of the object."),
  namespace: string("Namespace of the object; absent: that of the request."),
  selector: labelSelector,
  parameterNotFoundAction: string("What comes of a request when there is none: Allow or Deny."),
}));

export const policyBinding = object("Puts a ValidatingAdmissionPolicy to work.", {
  spec: present(object("Where it works, and what it does.", {
    policyName: string("Name of the policy."),
    paramRef,
    matchResources,
    validationActions: set(
      "What comes of a broken rule: Deny, Warn, Audit.",
      string("An action."),
    ),
  })),
});

export type PolicySpec = TypeOf<typeof policy>["spec"];
export type PolicyStatus = TypeOf<typeof policy>["status"];
export type PolicyBindingSpec = TypeOf<typeof policyBinding>["spec"];
export type MatchResources = TypeOf<typeof matchResources>;
export type NamedRule = TypeOf<typeof namedRule>;
