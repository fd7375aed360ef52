import { isEqual } from "../../../lib/equality.ts";
import { type Cause, forbidden } from "../../../schema/causes.ts";
import { connection } from "../../connections.ts";
import { binding } from "./binding.ts";
import { ephemeralContainers } from "./ephemeral_containers.ts";
import { eviction } from "./eviction.ts";
import { podColumns } from "./pod_columns.ts";
import { isFinished } from "./pod_states.ts";
import {
  annotatedProfileCauses,
  annotatedProfileWarnings,
  changedProfileCauses,
  withAnnotatedProfiles,
} from "./spec/rules/app_armor_annotations.ts";
import { admittedPodSpec } from "./spec/pod_admission.ts";
import { isMirrorPod } from "./static_pods.ts";
import { withPodDefaults } from "./spec/defaults.ts";
import { withLabelKeys } from "./spec/label_keys.ts";
import { podSpecCauses } from "./spec/rules/pod_rules.ts";
import { type PodSpec, podSpec } from "./spec/pod_spec.ts";
import { podUpdateCauses } from "./spec/rules/pod_update_rules.ts";
import { podSpecWarnings } from "./spec/pod_warnings.ts";
import { qosClassOf } from "./spec/qos.ts";
import { refusedFieldCauses } from "./spec/rules/refused_fields.ts";
import { resize } from "./resize.ts";
import { podStatus } from "./pod_status.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../../resource.ts";
import { object, present, required } from "../../../schema/schema.ts";

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
  subresources: [
    connection("attach", "PodAttachOptions"),
    connection("exec", "PodExecOptions"),
    connection("portforward", "PodPortForwardOptions"),
    connection("proxy", "PodProxyOptions"),
    { name: "log", verbs: ["get"] },
    binding,
    ephemeralContainers,
    eviction,
    resize,
  ],
  // No agent will ever confirm the end of a pod that is on no node or has ended.
  graceSeconds: (pod, asked = pod.spec.terminationGracePeriodSeconds) =>
    !pod.spec.nodeName || isFinished(pod) ? 0 : asked,
  columns: podColumns,
  fields: {
    "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec.restartPolicy,
    "spec.schedulerName": ({ spec }) => spec.schedulerName,
    "spec.serviceAccountName": ({ spec }) => spec.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => String(spec.hostNetwork ?? false),
    "status.phase": ({ status }) => status.phase,
    "status.podIP": ({ status }) => status.podIP ?? "",
    "status.nominatedNodeName": ({ status }) => status.nominatedNodeName ?? "",
  },
  indexes: { node: ({ spec }) => spec.nodeName ? [spec.nodeName] : [] },
  prepare: (next, previous) => {
    const filled = next.spec === previous?.spec ? next.spec : withPodDefaults(next.spec);
    const spec = previous ? filled : newPodSpec(filled, next.metadata);
    const status = { ...next.status, qosClass: next.status.qosClass ?? qosClassOf(spec) };
    return { ...next, spec, status };
  },
  admit: (next, previous) => {
    const spec = admittedPodSpec(next.spec, previous?.spec, { hasAccount: !isMirrorPod(next) });
    return spec === next.spec ? next : { ...next, spec };
  },
  validate: (next, previous): Cause[] => {
    const [annotations, before] = [next.metadata.annotations, previous?.metadata.annotations];
    const profiles = previous
      ? changedProfileCauses(annotations, before, "metadata.annotations")
      : annotatedProfileCauses(next.spec, annotations, "metadata.annotations");
    if (previous && isEqual(next.spec, previous.spec)) return profiles;
    return [
      ...profiles,
      ...podSpecCauses(next.spec, "spec"),
      ...refusedFieldCauses(next.spec, previous?.spec, "spec"),
      ...(previous ? podUpdateCauses(next.spec, previous.spec) : creationCauses(next.spec)),
    ];
  },
  warnings: (next, previous) => [
    ...(previous && isEqual(next.spec, previous.spec) ? [] : podSpecWarnings(next.spec, "spec")),
    ...(previous
      ? []
      : annotatedProfileWarnings(next.metadata.annotations, "metadata.annotations")),
  ],
});

export type Pod = ObjectOf<typeof pods>;

/** What a new pod says elsewhere than in its spec. */
function newPodSpec(spec: PodSpec, { annotations, labels }: KubeObject["metadata"]): PodSpec {
  return withLabelKeys(withAnnotatedProfiles(spec, annotations), labels);
}

/** There is a subresource to add them. */
function creationCauses({ ephemeralContainers: added = [] }: PodSpec): Cause[] {
  return added.length > 0 ? [forbidden("spec.ephemeralContainers", "cannot be set on create")] : [];
}
