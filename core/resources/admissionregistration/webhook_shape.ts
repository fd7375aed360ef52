import { labelSelector } from "../../schema/label_selector.ts";
import {
  bytes,
  fallback,
  integer,
  kept,
  list,
  mergeList,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

/** Which requests a rule is about: operations on resources. */
export const ruleFields = {
  operations: list(
    "CREATE, UPDATE, DELETE, CONNECT, or * for all of them.",
    string("An operation."),
  ),
  apiGroups: list("API groups of the resources, or *.", kept(string("A group."))),
  apiVersions: list("API versions of the resources, or *.", kept(string("A version."))),
  resources: list(
    "Resources, e.g. pods, pods/log, pods/*, */scale, * (no subresources) or */* (all).",
    kept(string("A resource.")),
  ),
  scope: fallback("*", string("Cluster, Namespaced, or * for both.")),
};
export const ruleWithOperations = object("Which requests are meant.", ruleFields);
export type RuleWithOperations = TypeOf<typeof ruleWithOperations>;

const serviceReference = object("A Service that answers.", {
  namespace: string("Namespace of the Service."),
  name: string("Name of the Service."),
  path: kept(string("Path of the URL that is asked.")),
  port: fallback(443, integer("Port of the Service.")),
});

/** How to reach a program that answers by HTTPS: at a URL or at a Service. */
export const webhookClientConfig = object("Where the webhook answers, and how it is known.", {
  url: kept(string("Its URL: https://HOST:PORT/PATH.")),
  service: serviceReference,
  caBundle: bytes("PEM of the authorities that may have signed its certificate."),
});
export type WebhookClientConfig = TypeOf<typeof webhookClientConfig>;

const matchCondition = object("An expression that must be true for a request to be sent.", {
  name: required(string("Its name.")),
  expression: required(string("The expression, in CEL.")),
});

const common = {
  name: required(string("Its full name, e.g. images.example.com.")),
  clientConfig: required(webhookClientConfig),
  rules: list("Requests that are sent to it.", ruleWithOperations),
  failurePolicy: fallback("Fail", string("What comes of a request if it fails: Fail or Ignore.")),
  matchPolicy: fallback(
    "Equivalent",
    string("Whether other versions of the resources count as well: Exact or Equivalent."),
  ),
  namespaceSelector: present(labelSelector),
  objectSelector: present(labelSelector),
  sideEffects: string("Whether asking it has effects elsewhere: None or NoneOnDryRun."),
  timeoutSeconds: fallback(10, integer("Seconds that it has to answer, 1 to 30.")),
  admissionReviewVersions: list(
    "Versions of AdmissionReview that it understands, the best first.",
    string("A version."),
  ),
  matchConditions: mergeList(
    "Expressions that must all be true for a request to be sent.",
    ["name"],
    matchCondition,
  ),
};

export const validatingWebhook = object("A program that may refuse requests.", common);
export const mutatingWebhook = object("A program that may change or refuse requests.", {
  ...common,
  reinvocationPolicy: fallback(
    "Never",
    string("Whether it is asked again after others have made changes: Never or IfNeeded."),
  ),
});

export type ValidatingWebhook = TypeOf<typeof validatingWebhook>;
export type MutatingWebhook = TypeOf<typeof mutatingWebhook>;
/** What both kinds have. */
export type Webhook = ValidatingWebhook;
