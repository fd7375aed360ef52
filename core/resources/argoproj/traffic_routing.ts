import {
  boolean,
  integer,
  list,
  long,
  mapOf,
  object,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { objectOfAnything } from "./rollout_steps.ts";

const names = (description: string) => list(description, string("Name."));

const nginx = object("Traffic through Ingresses of ingress-nginx.", {
  annotationPrefix: string("Prefix of the annotations; nginx.ingress.kubernetes.io when absent."),
  stableIngress: string("Ingress that leads to the stable service."),
  stableIngresses: names("Several such Ingresses."),
  additionalIngressAnnotations: mapOf("Annotations of the canary's Ingress.", string("Value.")),
  canaryIngressAnnotations: mapOf("Annotations of the canary's Ingress.", string("Value.")),
});
export type NginxTrafficRouting = TypeOf<typeof nginx>;

const alb = object("Traffic through an AWS application load balancer.", {
  ingress: string("Ingress of the load balancer."),
  ingresses: names("Several such Ingresses."),
  servicePort: required(integer("Port of the Services.")),
  rootService: string("Service that the Ingress names; the stable one when absent."),
  annotationPrefix: string("Prefix of the annotations; alb.ingress.kubernetes.io when absent."),
  stickinessConfig: object("Whether clients stay where they are.", {
    enabled: required(boolean("Whether they do.")),
    durationSeconds: required(long("For how many seconds.")),
  }),
});
export type AlbTrafficRouting = TypeOf<typeof alb>;

const virtualServiceFields = {
  name: required(string("Name of the VirtualService.")),
  routes: names("Routes of HTTP in it."),
  tlsRoutes: list(
    "Routes of TLS in it.",
    object("A route.", { port: long("Port."), sniHosts: list("Hosts.", string("Host.")) }),
  ),
  tcpRoutes: list("Routes of TCP in it.", object("A route.", { port: long("Port.") })),
};

const istio = object("Traffic through Istio.", {
  virtualService: object("A VirtualService.", virtualServiceFields),
  virtualServices: list("Several of them.", object("A VirtualService.", virtualServiceFields)),
  destinationRule: object("The DestinationRule.", {
    name: required(string("Its name.")),
    canarySubsetName: required(string("Subset of the canary.")),
    stableSubsetName: required(string("Subset of the stable pods.")),
  }),
});

const virtualNodeRef = object("A VirtualNode.", { name: required(string("Its name.")) });

const appMesh = object("Traffic through AWS App Mesh.", {
  virtualService: object("The VirtualService.", {
    name: required(string("Its name.")),
    routes: names("Routes in it."),
  }),
  virtualNodeGroup: object("The VirtualNodes.", {
    canaryVirtualNodeRef: required(virtualNodeRef),
    stableVirtualNodeRef: required(virtualNodeRef),
  }),
});

export const trafficRouting = object("Who splits the traffic, and how.", {
  nginx,
  alb,
  istio,
  appMesh,
  smi: object("Traffic through a TrafficSplit of SMI.", {
    rootService: string("Service that clients use."),
    trafficSplitName: string("Name of the TrafficSplit."),
  }),
  ambassador: object("Traffic through Ambassador.", { mappings: required(names("Mappings.")) }),
  traefik: object("Traffic through Traefik.", {
    weightedTraefikServiceName: required(string("Name of the TraefikService.")),
  }),
  apisix: object("Traffic through APISIX.", {
    route: object("The ApisixRoute.", {
      name: required(string("Its name.")),
      rules: names("Rules in it."),
    }),
  }),
  plugins: objectOfAnything("What plugins are told, by their names."),
  managedRoutes: list(
    "Routes that steps make; the first is the most important.",
    object("A route.", { name: required(string("Its name.")) }),
  ),
  maxTrafficWeight: integer("The weight that is all of the traffic; 100 when absent."),
});
export type TrafficRouting = TypeOf<typeof trafficRouting>;
