import { mergeList, object, required, string, type TypeOf } from "../../schema/schema.ts";
import { nameColumn } from "../columns.ts";
import { conditionStatus } from "../conditions.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../resource.ts";

const NAMES = ["controller-manager", "scheduler", "etcd-0"];

const condition = object("Whether the part works.", {
  type: required(string("Always Healthy.")),
  status: required(conditionStatus),
  message: string("What it says."),
  error: string("What is wrong."),
});

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/component-status-v1/ */
export const componentStatuses = defineResource({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  shortNames: ["cs"],
  namespaced: false,
  verbs: ["get", "list"],
  deprecation: "v1 ComponentStatus is deprecated in v1.19+",
  schema: object("How a part of the control plane is. All of them are in one process here.", {
    conditions: mergeList("What is known of it.", ["type"], condition),
  }),
  columns: [
    nameColumn,
    {
      name: "Status",
      description: "Whether it works.",
      value: (part) => {
        const { status } = healthOf(part) ?? {};
        return status === "True" ? "Healthy" : status ? "Unhealthy" : "Unknown";
      },
    },
    {
      name: "Message",
      description: "What it says.",
      value: (part) => healthOf(part)?.message ?? "",
    },
    { name: "Error", description: "What is wrong.", value: (part) => healthOf(part)?.error ?? "" },
  ],
  madeUp: ({ serverFault: fault }) =>
    NAMES.map((name) => ({
      apiVersion: "v1",
      kind: "ComponentStatus",
      metadata: { name } as KubeObject["metadata"], // never stored: nothing else is known of it
      conditions: [
        fault === undefined
          ? { type: "Healthy", status: "True", message: "ok" }
          : { type: "Healthy", status: "False", error: fault },
      ],
    })),
});

export type ComponentStatus = ObjectOf<typeof componentStatuses>;

function healthOf({ conditions = [] }: { conditions?: TypeOf<typeof condition>[] }) {
  return conditions.find(({ type }) => type === "Healthy");
}
