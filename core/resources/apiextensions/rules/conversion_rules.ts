import { type Cause, forbidden, invalid, missing } from "../../../schema/causes.ts";
import { dns1035LabelFaults, subdomainFaults } from "../../../schema/names.ts";
import type { Conversion } from "../definition/definition.ts";

const FIELD = "spec.conversion";
const KNOWN_VERSIONS = ["v1", "v1beta1"];

/** What is wrong with how objects are to be converted. */
export function conversionCauses({ strategy, webhook }: Conversion): Cause[] {
  if (strategy === "Webhook") {
    return [
      ...clientCauses(webhook?.clientConfig),
      ...reviewVersionCauses(webhook?.conversionReviewVersions ?? []),
    ];
  }
  const detail = "should not be set when strategy is not set to Webhook";
  return [
    ...(webhook?.clientConfig ? [forbidden(`${FIELD}.webhookClientConfig`, detail)] : []),
    ...(webhook?.conversionReviewVersions?.length
      ? [forbidden(`${FIELD}.conversionReviewVersions`, detail)]
      : []),
  ];
}

function clientCauses(client: NonNullable<Conversion["webhook"]>["clientConfig"]): Cause[] {
  const field = `${FIELD}.webhookClientConfig`;
  if (!client) return [missing(field, "required when strategy is set to Webhook")];
  const { url, service } = client;
  if ((url === undefined) === (service === undefined)) {
    return [missing(field, "exactly one of url or service is required")];
  }
  if (url !== undefined) return urlCauses(`${field}.url`, url);
  const { name, namespace, path, port } = service!;
  return [
    ...(name ? [] : [missing(`${field}.service.name`)]),
    ...(namespace ? [] : [missing(`${field}.service.namespace`)]),
    ...(port >= 1 && port <= 65535 ? [] : [
      invalid(
        `${field}.service.port`,
        port,
        "port is not valid: must be between 1 and 65535, inclusive",
      ),
    ]),
    ...(path === undefined ? [] : pathCauses(`${field}.service.path`, path)),
  ];
}

function urlCauses(field: string, text: string): Cause[] {
  const format = "; desired format: https://host[/path]";
  const url = URL.parse(text);
  if (!url) return [missing(field, `url must be a valid URL: ${JSON.stringify(text)}${format}`)];
  return [
    ...(url.protocol === "https:" ? [] : [
      invalid(
        field,
        url.protocol.slice(0, -1),
        `'https' is the only allowed URL scheme${format}`,
      ),
    ]),
    ...(url.host ? [] : [invalid(field, "", `host must be specified${format}`)]),
    ...(url.username || url.password
      ? [
        invalid(
          field,
          `${url.username}:${url.password}`,
          "user information is not permitted in the URL",
        ),
      ]
      : []),
    ...(url.hash
      ? [invalid(field, url.hash.slice(1), "fragments are not permitted in the URL")]
      : []),
    ...(url.search
      ? [invalid(field, url.search.slice(1), "query parameters are not permitted in the URL")]
      : []),
  ];
}

/** A path that is no normal URL path is refused twice, as Kubernetes does: as a whole, and by its parts. */
function pathCauses(field: string, path: string): Cause[] {
  if (path === "/") return [];
  const steps = path.slice(1).split("/");
  const named = steps.at(-1) === "" ? steps.slice(0, -1) : steps;
  return [
    ...(path.startsWith("/") ? [] : [invalid(field, path, "must start with a '/'")]),
    ...named.flatMap((step, i) =>
      step === ""
        ? [invalid(field, path, `segment[${i}] may not be empty`)]
        : subdomainFaults(step).map((fault) => invalid(field, path, `segment[${i}]: ${fault}`))
    ),
  ];
}

function reviewVersionCauses(versions: readonly string[]): Cause[] {
  const field = `${FIELD}.conversionReviewVersions`;
  if (versions.length === 0) return [missing(field)];
  const faults = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${field}[${i}]`, version, "duplicate version")]
      : dns1035LabelFaults(version).map((fault) => invalid(`${field}[${i}]`, version, fault))
  );
  const isKnown = versions.some((version) => KNOWN_VERSIONS.includes(version));
  return isKnown ? faults : [
    ...faults,
    invalid(field, versions, `must include at least one of ${KNOWN_VERSIONS.join(", ")}`),
  ];
}
