import { type Cause, invalid, missing } from "../../schema/causes.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { rangeCauses } from "../../schema/value_rules.ts";
import type { WebhookClientConfig } from "./webhook_shape.ts";

// The words are those of k8s.io/apiserver/pkg/util/webhook/validation.go.

type ServiceReference = NonNullable<WebhookClientConfig["service"]>;

/** What is wrong with how a webhook is reached. */
export function clientConfigCauses(config: WebhookClientConfig, field: string): Cause[] {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    return [missing(field, "exactly one of url or service is required")];
  }
  return url === undefined
    ? serviceCauses(service!, `${field}.service`)
    : urlCauses(url, `${field}.url`);
}

const FORM = "; desired format: https://host[/path]";

function urlCauses(text: string, field: string): Cause[] {
  const url = URL.parse(text);
  if (!url) return [missing(field, `url must be a valid URL: cannot be read${FORM}`)];
  const causes: Cause[] = [];
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "https") {
    causes.push(invalid(field, scheme, `'https' is the only allowed URL scheme${FORM}`));
  }
  if (url.host === "") causes.push(invalid(field, "", `host must be specified${FORM}`));
  if (url.username || url.password) {
    const rule = "user information is not permitted in the URL";
    causes.push(invalid(field, url.username, rule));
  }
  if (url.hash) {
    causes.push(invalid(field, url.hash.slice(1), "fragments are not permitted in the URL"));
  }
  if (url.search) {
    causes.push(
      invalid(field, url.search.slice(1), "query parameters are not permitted in the URL"),
    );
  }
  return causes;
}

function serviceCauses({ namespace, name, path, port }: ServiceReference, field: string): Cause[] {
  return [
    ...(name ? [] : [missing(`${field}.name`)]),
    ...(namespace ? [] : [missing(`${field}.namespace`)]),
    ...rangeCauses(`${field}.port`, port, 1, 65535).map(({ message, ...cause }) => ({
      ...cause,
      message: message.replace("must be", "port is not valid: must be"),
    })),
    ...(path === undefined ? [] : pathCauses(path, `${field}.path`)),
  ];
}

function pathCauses(path: string, field: string): Cause[] {
  if (path === "" || path === "/") return [];
  if (path === "//") return [invalid(field, path, "segment[0] may not be empty")];
  const causes = path.startsWith("/") ? [] : [invalid(field, path, "must start with a '/'")];
  const steps = path.slice(1).replace(/\/$/, "").split("/");
  for (const [i, step] of steps.entries()) {
    const faults = step
      ? subdomainFaults(step).map((fault) => `: ${fault}`)
      : [" may not be empty"];
    causes.push(...faults.map((fault) => invalid(field, path, `segment[${i}]${fault}`)));
  }
  return causes;
}
