import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { mergeList, object, type TypeOf } from "../../schema/schema.ts";
import { mutatingWebhook } from "./webhook_shape.ts";
import { reinvocationCauses, webhookCauses } from "./webhook_rules.ts";

const configuration = object(
  "Programs that are asked before an object is stored, and may change it.",
  {
    webhooks: mergeList("The programs.", ["name"], mutatingWebhook),
  },
);
type Shape = TypeOf<typeof configuration>;

/** https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/mutating-webhook-configuration-v1/ */
export const mutatingWebhookConfigurations = defineResource({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  categories: ["api-extensions"],
  namespaced: false,
  generation: "content",
  schema: configuration,
  columns: [
    nameColumn,
    {
      name: "Webhooks",
      description: "How many webhooks there are.",
      type: "integer",
      value: ({ webhooks = [] }) => webhooks.length,
    },
    ageColumn,
  ],
  validate: (
    { webhooks = [] }: Shape,
  ) => [...webhookCauses(webhooks), ...reinvocationCauses(webhooks)],
});

export type MutatingWebhookConfiguration = ObjectOf<typeof mutatingWebhookConfigurations>;
