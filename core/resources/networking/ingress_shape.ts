import { typedLocalObjectReference } from "../../schema/references.ts";
import {
  atomic,
  count,
  fallback,
  integer,
  kept,
  list,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const backend = object("Who answers.", {
  service: object("A Service of the same namespace.", {
    name: required(string("Name of the Service.")),
    port: present(atomic(object("A port of the Service.", {
      name: string("Name of the port."),
      number: count("Number of the port."),
    }))),
  }),
  resource: typedLocalObjectReference,
});
export type IngressBackend = TypeOf<typeof backend>;

const path = object("A path, and who answers it.", {
  path: string("The path; it begins with `/`."),
  pathType: string("Exact, Prefix or ImplementationSpecific: how the path is compared."),
  backend: present(backend),
});
export type IngressPath = TypeOf<typeof path>;

const rule = object("What is done with requests for a host.", {
  host: string(
    "The host, `*.example.com` for all names with one label before it; all when absent.",
  ),
  http: object("The paths of the host.", {
    paths: required(list("Paths, and who answers them.", path)),
  }),
});
export type IngressRule = TypeOf<typeof rule>;

export const ingressSpec = object("Which requests go where.", {
  ingressClassName: kept(string("IngressClass that says who serves it.")),
  defaultBackend: backend,
  tls: list(
    "Hosts that are served with TLS.",
    object("Hosts and their certificate.", {
      hosts: list("The hosts.", string("Host.")),
      secretName: string("Secret with the certificate and its key."),
    }),
  ),
  rules: list("Hosts, and what is done with requests for them.", rule),
});
export type IngressSpec = TypeOf<typeof ingressSpec>;

export const ingressStatus = object("How the ingress is.", {
  loadBalancer: present(object("Where it can be reached.", {
    ingress: list(
      "Addresses at which it can be reached.",
      object("An address.", {
        ip: string("The address, when it is a number."),
        hostname: string("The address, when it is a name."),
        ports: list(
          "Ports that can be reached there.",
          object("A port.", {
            port: fallback(0, integer("Number of the port.")),
            protocol: fallback("", kept(string("Protocol of the port: TCP, UDP or SCTP."))),
            error: kept(string("What is wrong with the port.")),
          }),
        ),
      }),
    ),
  })),
});
export type IngressStatus = TypeOf<typeof ingressStatus>;
