import {
  atomic,
  list,
  mapOf,
  object,
  quantity,
  required,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";

const amounts = (description: string) => mapOf(description, quantity("Amount."));

const scopeRequirement = object("A condition on the objects that count.", {
  scopeName: required(string("The aspect of the object that it is about, such as PriorityClass.")),
  operator: required(string("How the values count: In, NotIn, Exists or DoesNotExist.")),
  values: list("Values that `In` and `NotIn` compare with.", string("A value.")),
});
export type ScopeRequirement = TypeOf<typeof scopeRequirement>;

export const resourceQuotaSpec = object("What the namespace may use.", {
  hard: amounts("The most that all together may use, by the name of what is used."),
  scopes: list("What an object must be like to count; all of them.", string("A scope.")),
  scopeSelector: atomic(object("Further conditions on the objects that count.", {
    matchExpressions: list("The conditions, all of which must hold.", scopeRequirement),
  })),
});
export type ResourceQuotaSpec = TypeOf<typeof resourceQuotaSpec>;

export const resourceQuotaStatus = object("What is enforced and what is used.", {
  hard: amounts("The most that is enforced."),
  used: amounts("What all together use now."),
});
export type ResourceQuotaStatus = TypeOf<typeof resourceQuotaStatus>;
