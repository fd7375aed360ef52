import {
  count,
  fallback,
  integer,
  intOrString,
  list,
  long,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";

const execAction = object("A command that is run in the container.", {
  command: list(
    "The program and its arguments; no shell is involved unless it is named here.",
    string("Word."),
  ),
});

const httpGetAction = object("An HTTP GET request to the pod.", {
  path: fallback("/", string("Path of the request.")),
  port: required(intOrString("Number of the port, or its name in the container.")),
  host: string("Host to connect to; the address of the pod when absent."),
  scheme: fallback("HTTP", oneOf("Plain or over TLS.", ["HTTP", "HTTPS"])),
  httpHeaders: list(
    "Headers of the request.",
    object("A header.", {
      name: required(string("Name of the header.")),
      value: fallback("", string("Value of the header.")),
    }),
  ),
});

const tcpSocketAction = object("A TCP connection to the pod.", {
  port: required(intOrString("Number of the port, or its name in the container.")),
  host: string("Host to connect to; the address of the pod when absent."),
});

const grpcAction = object("A call of the gRPC health service.", {
  port: required(integer("Number of the port.")),
  service: fallback("", string("Service whose health is asked for.")),
});

/** https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ */
export const probe = object("A question that is asked of a container again and again.", {
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  grpc: grpcAction,
  initialDelaySeconds: count("Seconds from the start of the container to the first question."),
  timeoutSeconds: fallback(1, count("Seconds to wait for an answer.")),
  periodSeconds: fallback(10, count("Seconds between two questions.")),
  successThreshold: fallback(1, count("Good answers in a row that make it good again.")),
  failureThreshold: fallback(3, count("Bad answers in a row that make it bad.")),
  terminationGracePeriodSeconds: long(
    "Seconds that the container gets to end when the probe has failed; the pod's own when absent.",
  ),
});
export type Probe = TypeOf<typeof probe>;

const lifecycleHandler = object("What is done at a moment in the life of a container.", {
  exec: execAction,
  httpGet: httpGetAction,
  tcpSocket: tcpSocketAction,
  sleep: object("A pause.", { seconds: required(long("Seconds to sleep.")) }),
});
export type LifecycleHandler = TypeOf<typeof lifecycleHandler>;

/** https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/ */
export const lifecycle = object("What is done after the start and before the end of a container.", {
  postStart: lifecycleHandler,
  preStop: lifecycleHandler,
  stopSignal: string(
    "Signal that asks the container to end, such as SIGTERM; needs `spec.os.name`.",
  ),
});
