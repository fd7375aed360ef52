import { type Cause, invalid, missing, notSupported } from "../../schema/causes.ts";
import type { RuleWithOperations } from "./webhook_shape.ts";

// The words are those of k8s.io/kubernetes/pkg/apis/admissionregistration/validation.

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES = ["*", "Cluster", "Namespaced"];

/** What is wrong with a rule that says which requests are meant. */
export function ruleCauses(rule: RuleWithOperations, field: string): Cause[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const versions = apiVersions.flatMap((version, i) =>
    version ? [] : [missing(`${field}.apiVersions[${i}]`)]
  );
  return [
    ...wordsCauses(operations, `${field}.operations`, "operations"),
    ...operations.flatMap((operation, i) =>
      OPERATIONS.includes(operation)
        ? []
        : [notSupported(`${field}.operations[${i}]`, operation, OPERATIONS)]
    ),
    ...wordsCauses(apiGroups, `${field}.apiGroups`, "API groups"),
    ...wordsCauses(apiVersions, `${field}.apiVersions`, "API versions"),
    ...versions,
    ...resourcesCauses(resources, `${field}.resources`),
    ...(SCOPES.includes(scope) ? [] : [notSupported(`${field}.scope`, scope, SCOPES)]),
  ];
}

/** At least one word; `*` stands alone. */
function wordsCauses(words: readonly string[], field: string, name: string): Cause[] {
  if (words.length === 0) return [missing(field)];
  const isMixed = words.length > 1 && words.includes("*");
  return isMixed
    ? [invalid(field, words, `if '*' is present, must not specify other ${name}`)]
    : [];
}

function resourcesCauses(resources: readonly string[], field: string): Cause[] {
  if (resources.length === 0) return [missing(field)];
  const causes = pairsCauses(resources, field);
  if (resources.length > 1 && resources.includes("*/*")) {
    causes.push(
      invalid(field, resources, "if '*/*' is present, must not specify other resources"),
    );
  }
  const plain = resources.filter((text) => text !== "" && !text.includes("/")).at(-1);
  if (resources.includes("*") && plain !== undefined && plain !== "*") {
    const rule = "if '*' is present, must not specify other resources without subresources";
    causes.push(invalid(field, resources, rule));
  }
  return causes;
}

/** Of `RESOURCE/SUBRESOURCE`, what an earlier wildcard covers already. */
function pairsCauses(resources: readonly string[], field: string): Cause[] {
  const causes: Cause[] = [];
  const [whole, everywhere] = [new Set<string>(), new Set<string>()];
  for (const [i, text] of resources.entries()) {
    if (text === "") causes.push(missing(`${field}[${i}]`));
    const slash = text.indexOf("/");
    if (slash < 0) continue;
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    const cover = [
      ...(whole.has(resource) ? [`${resource}/*`] : []),
      ...(everywhere.has(subresource) ? [`*/${subresource}`] : []),
    ];
    for (const covering of cover) {
      const rule = `if '${covering}' is present, must not specify ${text}`;
      causes.push(invalid(`${field}[${i}]`, text, rule));
    }
    if (subresource === "*") whole.add(resource);
    if (resource === "*") everywhere.add(subresource);
  }
  return causes;
}
