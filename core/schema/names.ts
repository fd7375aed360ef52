/**
 * Rules for names. Each returns what is wrong with a value, in the words of k8s.io/apimachinery/pkg/util/validation; nothing
 * when it is valid.
 */
export type NameRule = (value: string) => string[];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORED_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const UNDERSCORED_SUBDOMAIN = `${UNDERSCORED_LABEL}(\\.${UNDERSCORED_LABEL})*`;
const DNS_1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;
const ENV_NAME = "[-._a-zA-Z][-._a-zA-Z0-9]*";
const CONFIG_KEY = "[-._a-zA-Z0-9]+";

const LABEL_CHARS_MAX = 63;
const SUBDOMAIN_CHARS_MAX = 253;
const PORT_NAME_CHARS_MAX = 15;

const labelShape = shapeOf(
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ["my-name", "123-abc"],
);
const subdomainShape = shapeOf(
  SUBDOMAIN,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
);
const underscoredShape = shapeOf(
  UNDERSCORED_SUBDOMAIN,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
);
const wildcardShape = shapeOf(
  `\\*\\.${SUBDOMAIN}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  ["*.example.com"],
);
const dns1035Shape = shapeOf(
  DNS_1035_LABEL,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ["my-name", "abc-123"],
);
const qualifiedShape = shapeOf(
  QUALIFIED,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyName", "my.name", "123-abc"],
);
const labelValueShape = shapeOf(
  LABEL_VALUE,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyValue", "my_value", "12345"],
);
const envNameShape = shapeOf(
  ENV_NAME,
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  ["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
);
const configKeyShape = shapeOf(
  CONFIG_KEY,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ["key.name", "KEY_NAME", "key-name"],
);
const headerNameShape = shapeOf(
  "[-A-Za-z0-9]+",
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  ["X-Header-Name"],
);
const percentShape = shapeOf(
  "[0-9]+%",
  "a valid percent string must be a numeric string followed by an ending '%'",
  ["1%", "93%"],
);

/** A lowercase RFC 1123 subdomain: the name of most objects. */
export function subdomainFaults(value: string): string[] {
  return [...lengthFaults(value, SUBDOMAIN_CHARS_MAX), ...subdomainShape(value)];
}

/** The same, where names of services and the like are looked up too: `_sip._tcp.abc_d.example.com` (KEP-4427). */
export function underscoredSubdomainFaults(value: string): string[] {
  return [...lengthFaults(value, SUBDOMAIN_CHARS_MAX), ...underscoredShape(value)];
}

/** A lowercase RFC 1123 label: the name of a namespace or a container. */
export function labelNameFaults(value: string): string[] {
  const faults = lengthFaults(value, LABEL_CHARS_MAX);
  const shape = labelShape(value);
  if (shape.length === 0) return faults;
  return [...faults, ...(subdomainShape(value).length === 0 ? ["must not contain dots"] : shape)];
}

/** An RFC 1035 label: the name of a service. */
export function dns1035LabelFaults(value: string): string[] {
  return [...lengthFaults(value, LABEL_CHARS_MAX), ...dns1035Shape(value)];
}

/** `*.` and a subdomain: the host of a route. */
export function wildcardSubdomainFaults(value: string): string[] {
  return [...lengthFaults(value, SUBDOMAIN_CHARS_MAX), ...wildcardShape(value)];
}

/** An optional subdomain and `/`, then a name: the key of a label or annotation, a finalizer. */
export function qualifiedNameFaults(value: string): string[] {
  const parts = value.split("/");
  if (parts.length > 2) {
    return qualifiedShape("").map((fault) =>
      `a qualified name ${fault} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
    );
  }
  const name = parts.at(-1)!;
  const faults = parts.length === 2 ? prefixFaults(parts[0]!) : [];
  if (name === "") faults.push("name part must be non-empty");
  const nameFaults = [...lengthFaults(name, LABEL_CHARS_MAX), ...qualifiedShape(name)];
  return [...faults, ...nameFaults.map((fault) => `name part ${fault}`)];
}

function prefixFaults(prefix: string): string[] {
  if (prefix === "") return ["prefix part must be non-empty"];
  return subdomainFaults(prefix).map((fault) => `prefix part ${fault}`);
}

export function labelValueFaults(value: string): string[] {
  return [...lengthFaults(value, LABEL_CHARS_MAX), ...labelValueShape(value)];
}

/** An IANA service name (RFC 6335), in lower case: the name of a port. */
export function portNameFaults(value: string): string[] {
  const faults = lengthFaults(value, PORT_NAME_CHARS_MAX);
  if (!/^[-a-z0-9]+$/.test(value)) {
    faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) faults.push("must contain at least one letter (a-z)");
  if (value.includes("--")) faults.push("must not contain consecutive hyphens");
  if (/^-|-$/.test(value)) faults.push("must not begin or end with a hyphen");
  return faults;
}

/** The name of an environment variable, as strict as it was before Kubernetes 1.34. */
export function envNameFaults(value: string): string[] {
  return [...envNameShape(value), ...dotFaults(value)];
}

/** The name of an environment variable, as Kubernetes takes it since 1.34. */
export function relaxedEnvNameFaults(value: string): string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  return /^[\x20-\x3c\x3e-\x7e]*$/.test(value) ? [] : [
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ];
}

/** A key of a ConfigMap or Secret: it becomes the name of a file. */
export function configKeyFaults(value: string): string[] {
  return [
    ...lengthFaults(value, SUBDOMAIN_CHARS_MAX),
    ...configKeyShape(value),
    ...dotFaults(value),
  ];
}

export function headerNameFaults(value: string): string[] {
  return headerNameShape(value);
}

export function percentFaults(value: string): string[] {
  return percentShape(value);
}

/** A segment of a path: the name of a role. `system:node` is one. */
export function pathSegmentFaults(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((sign) => value.includes(sign)).map((sign) =>
    `may not contain '${sign}'`
  );
}

/** What is wrong with a `generateName`, which the server completes: a trailing dash is allowed. */
export function prefixFaultsOf(rule: NameRule, prefix: string): string[] {
  return rule(prefix.replace(/(?<=.)-$/s, "a"));
}

function dotFaults(value: string): string[] {
  if (value === "." || value === "..") return [`must not be '${value}'`];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

/** The rule of a regular expression of ours, in words and with examples. */
export function shapeOf(pattern: string, words: string, examples: readonly string[]): NameRule {
  const expression = new RegExp(`^(?:${pattern})$`);
  const e = examples.map((example) => `'${example}', `).join(" or ");
  const fault = `${words} (${e && `e.g. ${e}`}regex used for validation is '${pattern}')`;
  return (value) => expression.test(value) ? [] : [fault];
}

/** Kubernetes says characters but counts bytes. */
function lengthFaults(value: string, max: number): string[] {
  const isLonger = value.length > max ||
    (value.length * 3 > max && new TextEncoder().encode(value).length > max);
  return isLonger ? [`must be no more than ${max} characters`] : [];
}
