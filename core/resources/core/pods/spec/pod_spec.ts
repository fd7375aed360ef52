import { templateMeta } from "../../../../schema/metadata.ts";
import { localObjectReference } from "../../../../schema/references.ts";
import {
  allowingDuplicates,
  atomic,
  boolean,
  fallback,
  flag,
  integer,
  long,
  mapOf,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";
import { affinity } from "./affinity.ts";
import { container, ephemeralContainer, resourceRequirements } from "./containers.ts";
import {
  dnsConfig,
  hostAliases,
  readinessGates,
  resourceClaims,
  schedulingGates,
  schedulingGroup,
  tolerations,
  topologySpreadConstraints,
} from "./scheduling.ts";
import { podSecurityContext } from "./security.ts";
import { volumes } from "./volumes.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec */
export const podSpec = object("What a pod should be.", {
  volumes,
  initContainers: mergeList(
    "Containers that run to their end, one after the other, before the others start.",
    ["name"],
    container,
  ),
  containers: required(
    mergeList("Containers that run side by side.", ["name"], container),
  ),
  ephemeralContainers: mergeList(
    "Containers added to the running pod to look into it.",
    ["name"],
    ephemeralContainer,
  ),
  restartPolicy: fallback(
    "Always",
    oneOf("When a container that ended is started again.", ["Always", "OnFailure", "Never"]),
  ),
  terminationGracePeriodSeconds: fallback(
    30,
    long("Seconds from the request to end to the kill."),
  ),
  activeDeadlineSeconds: long("Seconds after which the pod is failed, whatever it does."),
  dnsPolicy: fallback(
    "ClusterFirst",
    oneOf("Where names are looked up.", [
      "ClusterFirst",
      "ClusterFirstWithHostNet",
      "Default",
      "None",
    ]),
  ),
  nodeSelector: atomic(mapOf("Labels that its node must have.", string("Value."))),
  serviceAccountName: string("ServiceAccount that the pod runs as."),
  serviceAccount: string("Old name of serviceAccountName."),
  automountServiceAccountToken: boolean("Whether containers see a token of the service account."),
  nodeName: string("Node that the pod is on; the scheduler sets it."),
  hostNetwork: flag("Whether it uses the network of the node."),
  hostPID: flag("Whether it sees the processes of the node."),
  hostIPC: flag("Whether it uses the IPC namespace of the node."),
  shareProcessNamespace: boolean("Whether its containers see each other's processes."),
  securityContext: fallback({}, podSecurityContext),
  imagePullSecrets: allowingDuplicates(
    mergeList("Secrets with logins for registries.", ["name"], localObjectReference),
  ),
  hostname: string("Name of the machine that the pod sees; the pod's name when absent."),
  subdomain: string("Domain of the pod below that of its namespace."),
  affinity,
  schedulerName: fallback("default-scheduler", string("Who gives the pod its node.")),
  tolerations,
  hostAliases,
  priorityClassName: string("PriorityClass that says how important the pod is."),
  priority: integer("How important the pod is; the priority class sets it."),
  dnsConfig,
  readinessGates,
  runtimeClassName: string("RuntimeClass that says what runs the containers."),
  enableServiceLinks: boolean("Whether Services are shown as variables; pods say it always."),
  preemptionPolicy: oneOf("Whether less important pods may be ended for it.", [
    "PreemptLowerPriority",
    "Never",
  ]),
  overhead: mapOf("What the pod needs beside its containers.", quantity("Amount.")),
  topologySpreadConstraints,
  setHostnameAsFQDN: boolean("Whether the name of the machine has its domain."),
  os: object("Operating system of the containers.", {
    name: required(string("linux or windows.")),
  }),
  hostUsers: boolean("Whether user ids are those of the node."),
  schedulingGates,
  resourceClaims,
  resources: resourceRequirements,
  hostnameOverride: string("Name of the machine, stronger than all else that says it."),
  schedulingGroup,
});
export type PodSpec = TypeOf<typeof podSpec>;

/** A pod to be made. */
export const podTemplate = object("What the pods that are made are like.", {
  metadata: templateMeta,
  spec: required(podSpec),
});
export type PodTemplate = TypeOf<typeof podTemplate>;
