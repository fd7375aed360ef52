import { conditionFields } from "../../conditions.ts";
import {
  allowingDuplicates,
  boolean,
  fallback,
  integer,
  list,
  long,
  mapOf,
  mergeList,
  object,
  present,
  quantity,
  required,
  string,
  time,
  type TypeOf,
} from "../../../schema/schema.ts";

const nodeCondition = object("One aspect of the state of the node.", {
  ...conditionFields("What the condition is about, such as Ready or DiskPressure."),
  lastHeartbeatTime: time("When the agent last said so."),
});
export type NodeCondition = TypeOf<typeof nodeCondition>;

const nodeAddress = object("An address of the node.", {
  type: required(string("Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.")),
  address: required(string("The address.")),
});
export type NodeAddress = TypeOf<typeof nodeAddress>;

const text = (description: string) => fallback("", string(description));

const nodeSystemInfo = object("What the machine and its programs are.", {
  machineID: text("Id of the installation."),
  systemUUID: text("Id of the machine."),
  bootID: text("Id of the boot."),
  kernelVersion: text("Version of the kernel."),
  osImage: text("Name of the operating system."),
  containerRuntimeVersion: text("Version of the container runtime, as `name://version`."),
  kubeletVersion: text("Version of the agent."),
  kubeProxyVersion: text("Version of the proxy; deprecated."),
  operatingSystem: text("linux."),
  architecture: text("amd64, arm64, arm …"),
  swap: object("Its swap.", { capacity: long("How much there is, in bytes.") }),
});

const containerImage = object("An image on the node.", {
  names: list("Names of the image.", string("Name.")),
  sizeBytes: long("Its size."),
});

const attachedVolume = object("A volume attached to the node.", {
  name: required(string("Name of the volume.")),
  devicePath: fallback("", string("Path of its device.")),
});

const runtimeHandler = object("A way to run containers.", {
  name: fallback("", string("Name; empty for the one that is used by default.")),
  features: object("What it can do.", {
    recursiveReadOnlyMounts: boolean("Whether mounts can be read-only all the way down."),
    userNamespaces: boolean("Whether pods can have user ids of their own."),
  }),
});

export const configSource = object("Where the agent's settings come from; no longer used.", {
  configMap: object("A ConfigMap.", {
    namespace: required(string("Namespace of the ConfigMap.")),
    name: required(string("Name of the ConfigMap.")),
    uid: string("Uid of the ConfigMap."),
    resourceVersion: string("Version of the ConfigMap."),
    kubeletConfigKey: required(string("Key with the settings.")),
  }),
});

/** https://kubernetes.io/docs/reference/node/node-status/ */
export const nodeStatus = object("What the agent says of the node.", {
  capacity: mapOf("What there is.", quantity("Amount.")),
  allocatable: mapOf("What pods can use of it; the capacity when absent.", quantity("Amount.")),
  phase: string("No longer used."),
  conditions: allowingDuplicates(mergeList("Aspects of its state.", ["type"], nodeCondition)),
  addresses: allowingDuplicates(mergeList("Addresses of the node.", ["type"], nodeAddress)),
  daemonEndpoints: present(object("Where its daemons listen.", {
    kubeletEndpoint: fallback(
      { Port: 0 },
      object("Where the agent listens.", {
        Port: required(integer("Port.")),
      }),
    ),
  })),
  nodeInfo: present(nodeSystemInfo),
  images: list("Images on the node.", containerImage),
  volumesInUse: list("Attachable volumes that are mounted.", string("Name.")),
  volumesAttached: list("Volumes attached to the node.", attachedVolume),
  config: object("Settings in use; no longer used.", {
    assigned: configSource,
    active: configSource,
    lastKnownGood: configSource,
    error: string("What is wrong with them."),
  }),
  runtimeHandlers: list("Ways to run containers.", runtimeHandler),
  features: object("What the node can do.", {
    supplementalGroupsPolicy: boolean("Whether it can be strict about groups of images."),
  }),
  declaredFeatures: list("Features that the agent says it has.", string("Name.")),
});
export type NodeStatus = TypeOf<typeof nodeStatus>;
