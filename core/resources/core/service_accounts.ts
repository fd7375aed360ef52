import { localObjectReference, objectReference } from "../../schema/references.ts";
import { allowingDuplicates, boolean, list, mergeList, object } from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";

/** https://kubernetes.io/docs/concepts/security/service-accounts/ */
export const serviceAccounts = defineResource({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  namespaced: true,
  schema: object("Whom pods are to the API, and what they may use.", {
    secrets: allowingDuplicates(
      mergeList(
        "Secrets that its pods may use, where that is enforced.",
        ["name"],
        objectReference,
      ),
    ),
    imagePullSecrets: list(
      "Secrets by which the images of its pods are fetched.",
      localObjectReference,
    ),
    automountServiceAccountToken: boolean("Whether pods see a token of it, if they do not say."),
  }),
  subresources: [{
    name: "token",
    verbs: ["create"],
    body: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
  }],
  columns: [
    nameColumn,
    {
      name: "Secrets",
      description: "How many Secrets it names.",
      value: ({ secrets = [] }) => secrets.length,
    },
    ageColumn,
  ],
});

export type ServiceAccount = ObjectOf<typeof serviceAccounts>;

/** The account of each namespace for pods that name none. */
export const DEFAULT_ACCOUNT = "default";
