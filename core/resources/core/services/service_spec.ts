import {
  atomic,
  boolean,
  count,
  fallback,
  flag,
  integer,
  intOrString,
  list,
  long,
  mapOf,
  mergeList,
  object,
  oneOf,
  present,
  required,
  string,
  time,
  type TypeOf,
} from "../../../schema/schema.ts";

const servicePort = object("A port of the Service.", {
  name: string("Name of the port, a DNS label; needed when there are several."),
  protocol: fallback("TCP", oneOf("Transport.", ["SCTP", "TCP", "UDP"])),
  appProtocol: string("Protocol on top, such as `kubernetes.io/h2c`."),
  port: required(integer("Port that clients connect to.")),
  targetPort: intOrString("Port of the pods, or its name there; the same port when absent."),
  nodePort: count("Port of each node that leads to it; given out when absent and needed."),
});
export type ServicePort = TypeOf<typeof servicePort>;

const trafficPolicy = (of: string) =>
  oneOf(`Whether traffic from ${of} only goes to pods of the same node.`, ["Cluster", "Local"]);

export const serviceSpec = object("What the Service should be.", {
  ports: mergeList("Its ports.", ["port", "protocol"], servicePort),
  selector: atomic(mapOf("Labels of the pods that it leads to.", string("Value."))),
  clusterIP: string("Its address in the cluster; `None` for none; given out when absent."),
  clusterIPs: list("Its addresses in the cluster, one per family.", string("Address.")),
  type: fallback(
    "ClusterIP",
    oneOf("From where it can be reached.", [
      "ClusterIP",
      "ExternalName",
      "LoadBalancer",
      "NodePort",
    ]),
  ),
  externalIPs: list("Further addresses for which nodes accept traffic.", string("Address.")),
  sessionAffinity: fallback(
    "None",
    oneOf("Whether a client stays with one pod.", ["ClientIP", "None"]),
  ),
  loadBalancerIP: string("Address that the load balancer should have; deprecated."),
  loadBalancerSourceRanges: list("Ranges that may use the load balancer.", string("CIDR.")),
  externalName: string("Name that the Service stands for, with the type ExternalName."),
  externalTrafficPolicy: trafficPolicy("outside"),
  healthCheckNodePort: count("Port of each node that says whether it has pods of the Service."),
  publishNotReadyAddresses: flag("Whether pods that are not ready are named too."),
  sessionAffinityConfig: object("Settings of the session affinity.", {
    clientIP: object("Settings of ClientIP.", {
      timeoutSeconds: integer("Seconds that a client stays with its pod."),
    }),
  }),
  ipFamilies: list("Families of its addresses.", oneOf("Family.", ["IPv4", "IPv6"])),
  ipFamilyPolicy: oneOf("How many families it has.", [
    "PreferDualStack",
    "RequireDualStack",
    "SingleStack",
  ]),
  allocateLoadBalancerNodePorts: boolean("Whether a load balancer gets node ports."),
  loadBalancerClass: string("Who makes the load balancer."),
  internalTrafficPolicy: trafficPolicy("inside"),
  trafficDistribution: string("Which pods are preferred, such as PreferClose."),
});
export type ServiceSpec = TypeOf<typeof serviceSpec>;

const loadBalancerIngress = object("An address of the load balancer.", {
  ip: string("The address."),
  hostname: string("A name in its place."),
  ipMode: oneOf("Whether packets come with this address.", ["Proxy", "VIP"]),
  ports: list(
    "How its ports are.",
    object("How a port is.", {
      port: required(integer("Number of the port.")),
      protocol: required(oneOf("Transport.", ["SCTP", "TCP", "UDP"])),
      error: string("What is wrong with it."),
    }),
  ),
});

/** A `metav1.Condition` that Kubernetes takes as it comes: `ValidateServiceStatusUpdate` looks at the load balancer alone. */
const uncheckedCondition = object("One aspect of the state of the Service.", {
  type: required(string("What the condition is about.")),
  status: fallback("", string("Whether the condition holds: True, False or Unknown.")),
  observedGeneration: long("Generation of the object that the condition was set for."),
  lastTransitionTime: time("When the status last went from one word to another."),
  reason: fallback("", string("One word, in CamelCase, for machines.")),
  message: fallback("", string("A sentence for people; may be empty.")),
});

export const serviceStatus = object("How the Service is.", {
  loadBalancer: present(object("How its load balancer is.", {
    ingress: list("Addresses of the load balancer.", loadBalancerIngress),
  })),
  conditions: mergeList("Aspects of its state.", ["type"], uncheckedCondition),
});
export type ServiceStatus = TypeOf<typeof serviceStatus>;
