import {
  fallback,
  integer,
  list,
  long,
  number,
  object,
  required,
  string,
  type TypeOf,
} from "../schema/schema.ts";
import { LATENCY_BOUNDS_MS } from "./backend_counts.ts";

/** More than any cluster has. */
const SETS_MAX = 5_000;

const text = (description: string) => required(string(description, { maxLength: 300 }));
const amount = (description: string) =>
  long(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const texts = (description: string) =>
  fallback([], list(description, string("One.", { maxLength: 600 }), { maxItems: SETS_MAX }));
const amounts = (description: string, length: number) =>
  required(list(description, amount("A number."), { minItems: length, maxItems: length }));

const setCounts = object("What a set has done, by a port of a Service.", {
  namespace: text("Of the Service."),
  service: text("Its name."),
  port: required(integer("The port.", { minimum: 1, maximum: 65_535 })),
  hash: text("Of the set."),
  counts: required(object("As the proxy counts.", {
    requests: required(amount("Requests whose turn it was.")),
    inFlight: required(amount("Those that are under way.")),
    answers: amounts("By the first digit of their status.", 5),
    retries: required(amount("Requests sent again.")),
    failures: required(amount("Requests that nobody answered.")),
    latency: amounts("By how long they took.", LATENCY_BOUNDS_MS.length + 1),
    latencySumMs: required(number("All of it.", { minimum: 0 })),
  })),
});

/** What the proxy of a node elsewhere sends: a `TrafficReport` and the counts of its sets. */
export const sentReport = object("What a proxy serves.", {
  versions: fallback(
    {},
    object("The newest versions of objects that its table was made with.", {
      EndpointSlice: amount("Of EndpointSlices."),
      HTTPRoute: amount("Of HTTPRoutes."),
      Ingress: amount("Of Ingresses."),
      Service: amount("Of Services."),
    }),
  ),
  shared: texts("Sets that get requests by weight."),
  addressed: texts("Sets behind an address of a Service."),
  busy: texts("Sets that have requests in flight from before."),
  changed: texts("Namespaces in which objects changed."),
  counts: fallback([], list("Of its sets.", setCounts, { maxItems: SETS_MAX })),
});
export type SentReport = TypeOf<typeof sentReport>;
