import {
  allowingDuplicates,
  count,
  fallback,
  flag,
  integer,
  list,
  listMap,
  mapOf,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  set,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";
import { env, envFromSource } from "./env.ts";
import { lifecycle, probe } from "./probes.ts";
import { securityContext } from "./security.ts";

const amounts = (description: string) => mapOf(description, quantity("Amount."));

/** https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/ */
export const resourceRequirements = object("What is set aside, and what may be used at most.", {
  limits: amounts("Amounts that may be used at most."),
  requests: amounts("Amounts that the node sets aside; the limits when absent."),
  claims: listMap(
    "Claims of `spec.resourceClaims` that are used.",
    ["name"],
    object("A claim that is used.", {
      name: required(string("Name of the claim in the pod.")),
      request: string("The request in the claim that is meant; all when absent."),
    }),
  ),
});
export type ResourceRequirements = TypeOf<typeof resourceRequirements>;

const containerPort = object("A port that a container listens on.", {
  name: string("Name of the port, unique in the pod; Services may refer to it."),
  hostPort: count("Port of the node that leads to it."),
  containerPort: required(integer("Number of the port in the pod.")),
  protocol: fallback("TCP", oneOf("Transport.", ["SCTP", "TCP", "UDP"])),
  hostIP: string("Address of the node that the host port is opened on."),
});
export type ContainerPort = TypeOf<typeof containerPort>;

const volumeMount = object("A volume that a container sees as a directory or a file.", {
  name: required(string("Name of the volume in the pod.")),
  readOnly: flag("Whether it cannot be written."),
  recursiveReadOnly: oneOf("Whether mounts below it cannot be written either.", [
    "Disabled",
    "Enabled",
    "IfPossible",
  ]),
  mountPath: required(string("Path in the container.")),
  subPath: string("Path in the volume that is mounted in place of its root."),
  mountPropagation: oneOf("Whether mounts made later are seen on the other side.", [
    "Bidirectional",
    "HostToContainer",
    "None",
  ]),
  subPathExpr: string("As subPath, with `$(NAME)` for variables of the container."),
});
export type VolumeMount = TypeOf<typeof volumeMount>;

const volumeDevice = object("A volume that a container sees as a block device.", {
  name: required(string("Name of the volume in the pod.")),
  devicePath: required(string("Path of the device in the container.")),
});

const resizePolicy = object("What a change of an amount does to a running container.", {
  resourceName: required(oneOf("The amount that is changed.", ["cpu", "memory"])),
  restartPolicy: required(
    oneOf("Whether the container starts anew.", ["NotRequired", "RestartContainer"]),
  ),
});

const restartRule = object("What is done when the container ends in a certain way.", {
  action: required(oneOf("What is done.", ["Restart", "RestartAllContainers"])),
  exitCodes: object("Exit codes that the rule is for.", {
    operator: required(oneOf("Whether the code must be in the list or not.", ["In", "NotIn"])),
    values: set("Exit codes.", integer("Exit code.")),
  }),
});

const containerFields = {
  name: required(string("Name of the container, a DNS label, unique in the pod.")),
  image: string("Image to run."),
  command: list(
    "Program in place of the image's entry point; `$(NAME)` stands for a variable.",
    string("Word."),
  ),
  args: list(
    "Arguments in place of the image's; `$(NAME)` stands for a variable.",
    string("Word."),
  ),
  workingDir: string("Working directory; the image's when absent."),
  ports: allowingDuplicates(
    mergeList("Ports that it listens on.", ["containerPort", "protocol"], containerPort),
  ),
  envFrom: list("Sources of many environment variables.", envFromSource),
  env,
  resources: fallback({}, resourceRequirements),
  resizePolicy: list("What a change of an amount does to it.", resizePolicy),
  restartPolicy: string("When it is started again, if not as the pod says."),
  restartPolicyRules: list("Rules for the restart, the first that fits counts.", restartRule),
  volumeMounts: allowingDuplicates(mergeList("Volumes that it sees.", ["mountPath"], volumeMount)),
  volumeDevices: allowingDuplicates(
    mergeList("Block devices that it sees.", ["devicePath"], volumeDevice),
  ),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle,
  terminationMessagePath: fallback(
    "/dev/termination-log",
    string("File in which the container says why it ended."),
  ),
  terminationMessagePolicy: fallback(
    "File",
    oneOf("Where the message comes from; after a failure possibly from the log.", [
      "FallbackToLogsOnError",
      "File",
    ]),
  ),
  imagePullPolicy: oneOf("When the image is fetched.", ["Always", "IfNotPresent", "Never"]),
  securityContext,
  stdin: flag("Whether its standard input stays open."),
  stdinOnce: flag("Whether standard input is closed after the first client has left."),
  tty: flag("Whether it has a terminal; needs stdin."),
};

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container */
export const container = object("A program of the pod.", containerFields);
export type Container = TypeOf<typeof container>;

export const ephemeralContainer = object("A container added to a running pod to look into it.", {
  ...containerFields,
  targetContainerName: string("Container whose processes it sees."),
});
export type EphemeralContainer = TypeOf<typeof ephemeralContainer>;
