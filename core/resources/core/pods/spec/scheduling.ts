import { labelSelector } from "../../../../schema/label_selector.ts";
import {
  allowingDuplicates,
  integer,
  list,
  long,
  mergeList,
  object,
  oneOf,
  required,
  retainKeys,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = object("Taints that do not keep the pod away.", {
  key: string("Key of the taint; all when absent, with the operator Exists."),
  operator: oneOf("How the value is compared; Equal when absent.", ["Exists", "Equal", "Lt", "Gt"]),
  value: string("Value of the taint."),
  effect: oneOf("Effect of the taint; all when absent.", [
    "NoSchedule",
    "PreferNoSchedule",
    "NoExecute",
  ]),
  tolerationSeconds: long("Seconds that NoExecute is tolerated; for ever when absent."),
});
export type Toleration = TypeOf<typeof toleration>;
export const tolerations = list("Taints that do not keep the pod away.", toleration);

const nodePolicy = (of: string) =>
  oneOf(`Whether ${of} decides which nodes are counted.`, ["Honor", "Ignore"]);

/** https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/ */
const topologySpreadConstraint = object("How evenly the pods are spread.", {
  maxSkew: required(integer("How many more pods one place may have than another.")),
  topologyKey: required(string("Label whose values are the places.")),
  whenUnsatisfiable: required(
    oneOf("What happens when it cannot be kept.", ["DoNotSchedule", "ScheduleAnyway"]),
  ),
  labelSelector,
  minDomains: integer("How many places there must be at least."),
  nodeAffinityPolicy: nodePolicy("the pod's node affinity"),
  nodeTaintsPolicy: nodePolicy("a taint"),
  matchLabelKeys: list("Labels whose values must be those of this pod.", string("Key.")),
});
export const topologySpreadConstraints = mergeList(
  "How evenly pods like this one are spread.",
  ["topologyKey", "whenUnsatisfiable"],
  topologySpreadConstraint,
);

export const schedulingGates = mergeList(
  "The pod is not scheduled while there is one.",
  ["name"],
  object("A gate.", { name: required(string("Name of the gate.")) }),
);

export const readinessGates = list(
  "Conditions, set by others, that must hold before the pod is ready.",
  object("A gate.", { conditionType: required(string("Type of the condition.")) }),
);

export const resourceClaims = retainKeys(
  mergeList(
    "Devices that the pod claims.",
    ["name"],
    object("A claim; of one source.", {
      name: required(string("Name of the claim in the pod.")),
      resourceClaimName: string("Name of a ResourceClaim."),
      resourceClaimTemplateName: string("Name of a ResourceClaimTemplate to make one from."),
    }),
  ),
);

export const schedulingGroup = object("The pods that are scheduled together with this one.", {
  podGroupName: string("Name of the PodGroup."),
});

/** https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/ */
export const hostAliases = allowingDuplicates(
  mergeList(
    "Lines for the hosts file of the pod.",
    ["ip"],
    object("A line of the hosts file.", {
      ip: required(string("Address.")),
      hostnames: list("Names for the address.", string("Name.")),
    }),
  ),
);

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-dns-config */
export const dnsConfig = object("Settings of the resolver, over those of the DNS policy.", {
  nameservers: list("Addresses of name servers.", string("Address.")),
  searches: list("Domains to search in.", string("Domain.")),
  options: list(
    "Options of the resolver.",
    object("An option.", {
      name: string("Name of the option."),
      value: string("Value of the option."),
    }),
  ),
});
