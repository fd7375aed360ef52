import { conditionFields } from "../../conditions.ts";
import { resourceRequirements } from "./spec/containers.ts";
import {
  allowingDuplicates,
  boolean,
  count,
  fallback,
  flag,
  integer,
  list,
  listMap,
  long,
  mapOf,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  retainKeys,
  string,
  time,
  type TypeOf,
} from "../../../schema/schema.ts";

const containerState = object("What a container is doing; one of the fields is set.", {
  waiting: object("It does not run yet.", {
    reason: string("One word, such as CrashLoopBackOff."),
    message: string("A sentence for people."),
  }),
  running: object("It runs.", { startedAt: time("When it started.") }),
  terminated: object("It has ended.", {
    exitCode: required(integer("Its exit code.")),
    signal: count("Signal that ended it."),
    reason: string("One word, such as Completed, Error or OOMKilled."),
    message: string("What it said of its end."),
    startedAt: time("When it had started."),
    finishedAt: time("When it ended."),
    containerID: string("Id of the container, as `runtime://id`."),
  }),
});
export type ContainerState = TypeOf<typeof containerState>;

const allocatedResourceStatus = mergeList(
  "How the devices of the container are.",
  ["name"],
  object("Devices of one kind.", {
    name: required(string("Name of the resource.")),
    resources: listMap(
      "The devices.",
      ["resourceID"],
      object("A device.", {
        resourceID: required(string("Id of the device.")),
        health: string("Healthy, Unhealthy or Unknown."),
        message: string("A sentence for people."),
      }),
    ),
  }),
);

const mountStatus = mergeList(
  "How the volumes are mounted.",
  ["mountPath"],
  object("How a volume is mounted.", {
    name: required(string("Name of the volume.")),
    mountPath: required(string("Path in the container.")),
    readOnly: flag("Whether it cannot be written."),
    recursiveReadOnly: string("Whether mounts below it cannot be written either."),
    volumeStatus: object("How the volume is.", {
      image: object("The image of the volume.", {
        imageRef: required(string("The image, by its digest.")),
      }),
    }),
  }),
);

const containerStatus = object("What the agent last saw of a container.", {
  name: required(string("Name of the container.")),
  state: fallback({}, containerState),
  lastState: fallback({}, containerState),
  ready: fallback(false, boolean("Whether it passes its readiness probe.")),
  restartCount: fallback(0, integer("How often it has been started anew.")),
  image: fallback("", string("Image that it runs.")),
  imageID: fallback("", string("The image by its digest; empty while it is not known.")),
  containerID: string("Id of the container, as `runtime://id`."),
  started: boolean("Whether it has passed its startup probe."),
  allocatedResources: mapOf("What the node has set aside for it.", quantity("Amount.")),
  resources: resourceRequirements,
  volumeMounts: mountStatus,
  user: object("Who its first process runs as.", {
    linux: object("Ids of Linux.", {
      uid: required(long("User id.")),
      gid: required(long("Group id.")),
      supplementalGroups: list("Further group ids.", long("Group id.")),
    }),
  }),
  allocatedResourcesStatus: allocatedResourceStatus,
  stopSignal: string("Signal that asks it to end."),
});
export type ContainerStatus = TypeOf<typeof containerStatus>;

const podCondition = object("One aspect of the state of the pod.", {
  ...conditionFields("What the condition is about, such as Ready or PodScheduled."),
  observedGeneration: count("Generation of the pod that the condition was set for.", {
    format: "int64",
  }),
  lastProbeTime: time("When it was last looked at."),
});
export type PodCondition = TypeOf<typeof podCondition>;

const address = (of: string) =>
  object("An address.", { ip: required(string(`Address of ${of}.`)) });

const claims = {
  resourceClaimStatuses: retainKeys(
    mergeList(
      "Claims that were made for the pod.",
      ["name"],
      object("A claim.", {
        name: required(string("Name of the claim in the pod.")),
        resourceClaimName: string("Name of the ResourceClaim."),
      }),
    ),
  ),
  extendedResourceClaimStatus: object("The claim that was made for extended resources.", {
    requestMappings: list(
      "Which request of the claim is for which container.",
      object("A request.", {
        containerName: required(string("Name of the container.")),
        resourceName: required(string("Name of the resource.")),
        requestName: required(string("Name of the request in the claim.")),
      }),
    ),
    resourceClaimName: required(string("Name of the ResourceClaim.")),
  }),
  nodeAllocatableResourceClaimStatuses: list(
    "Claims of what the node itself has.",
    object("A claim.", {
      resourceClaimName: required(string("Name of the ResourceClaim.")),
      containers: list("Containers that use it.", string("Name.")),
      resources: mapOf("What is set aside.", quantity("Amount.")),
    }),
  ),
};

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus */
export const podStatus = object("What the agent last saw of the pod.", {
  observedGeneration: count("Generation of the pod that the status was made for.", {
    format: "int64",
  }),
  phase: fallback(
    "Pending",
    oneOf("Where the pod is in its life.", [
      "Pending",
      "Running",
      "Succeeded",
      "Failed",
      "Unknown",
    ]),
  ),
  conditions: allowingDuplicates(mergeList("Aspects of its state.", ["type"], podCondition)),
  message: string("Why it is as it is, for people."),
  reason: string("Why it is as it is, in one word, such as Evicted."),
  nominatedNodeName: string("Node on which others are ended to make room for it."),
  hostIP: string("Address of its node."),
  hostIPs: {
    ...list("Addresses of its node, one per family.", address("the node")),
    "x-kubernetes-patch-merge-key": "ip",
    "x-kubernetes-patch-strategy": "merge",
  },
  podIP: string("Address of the pod."),
  podIPs: mergeList("Addresses of the pod, one per family.", ["ip"], address("the pod")),
  startTime: time("When the agent first saw it."),
  initContainerStatuses: list("State of each init container.", containerStatus),
  containerStatuses: list("State of each container.", containerStatus),
  qosClass: oneOf("How well its requests and limits protect it.", [
    "Guaranteed",
    "Burstable",
    "BestEffort",
  ]),
  ephemeralContainerStatuses: list("State of each ephemeral container.", containerStatus),
  resize: string("How far a change of its amounts has come."),
  allocatedResources: mapOf("What the node has set aside for the pod.", quantity("Amount.")),
  resources: resourceRequirements,
  ...claims,
});
export type PodStatus = TypeOf<typeof podStatus>;
