import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { mergeList, object, type TypeOf } from "../../schema/schema.ts";
import { validatingWebhook } from "./webhook_shape.ts";
import { webhookCauses } from "./webhook_rules.ts";

const configuration = object(
  "Programs that are asked before an object is stored, and may refuse it.",
  {
    webhooks: mergeList("The programs.", ["name"], validatingWebhook),
  },
);
type Shape = TypeOf<typeof configuration>;

/** https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/ */
export const validatingWebhookConfigurations = defineResource({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
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
  validate: ({ webhooks = [] }: Shape) => webhookCauses(webhooks),
});

export type ValidatingWebhookConfiguration = ObjectOf<typeof validatingWebhookConfigurations>;
