import {
  fallback,
  flag,
  integer,
  kept,
  list,
  object,
  required,
  set,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const words = (description: string) => kept(set(description, string("One of them.")));

const subject = object("Whose requests match.", {
  kind: required(string("Which field says who: User, Group or ServiceAccount.")),
  user: object("A user.", { name: required(string("Name of the user; `*` for all.")) }),
  group: object("A group of users.", { name: required(string("Name of the group; `*` for all.")) }),
  serviceAccount: object("A service account.", {
    namespace: required(string("Namespace of the account.")),
    name: required(string("Name of the account; `*` for all of the namespace.")),
  }),
});
export type FlowSubject = TypeOf<typeof subject>;

const resourceRule = object("Requests for objects.", {
  verbs: fallback([], words("Verbs that match; `*` for all.")),
  apiGroups: fallback([], words("Groups of the API that match; `*` for all.")),
  resources: fallback([], words("Kinds, perhaps with a subresource, that match; `*` for all.")),
  clusterScope: flag("Whether requests without a namespace match."),
  namespaces: words("Namespaces that match; `*` for all."),
});
export type FlowResourceRule = TypeOf<typeof resourceRule>;

const nonResourceRule = object("Requests for other paths.", {
  verbs: fallback([], words("Verbs that match; `*` for all.")),
  nonResourceURLs: fallback([], words("Paths that match, with all below those that end in `/*`.")),
});
export type FlowPathRule = TypeOf<typeof nonResourceRule>;

const rule = object("Requests of some subjects.", {
  subjects: fallback([], kept(list("Whose requests match.", subject))),
  resourceRules: list("Requests for objects that match.", resourceRule),
  nonResourceRules: list("Requests for other paths that match.", nonResourceRule),
});
export type FlowRule = TypeOf<typeof rule>;

export const flowSchemaSpec = object("Which requests are meant, and how they are limited.", {
  priorityLevelConfiguration: required(object("How they are limited.", {
    name: string("Name of the PriorityLevelConfiguration."),
  })),
  matchingPrecedence: fallback(1000, integer("Of several that match, the least counts.")),
  distinguisherMethod: object("How requests are told apart.", {
    type: required(string("What makes two requests one flow: ByUser or ByNamespace.")),
  }),
  rules: list("Which requests match: those that one of them matches.", rule),
});
export type FlowSchemaSpec = TypeOf<typeof flowSchemaSpec>;
