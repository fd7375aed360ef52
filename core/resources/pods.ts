import { podSpec } from "./pod_spec/pod_spec.ts";
import { podStatus } from "./pod_status.ts";
import { defineResource, type ObjectOf } from "./resource.ts";
import { object, present, required } from "./schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const pods = defineResource({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  schema: object("Containers that run together on one node.", {
    spec: required(podSpec),
    status: present(podStatus),
  }),
  subresources: ["log", "binding"],
  graceSeconds: (pod) => pod.spec.terminationGracePeriodSeconds,
  indexes: { node: (pod) => pod.spec.nodeName ? [pod.spec.nodeName] : [] },
});

export type Pod = ObjectOf<typeof pods>;
