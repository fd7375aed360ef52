import { type Cause, invalid, missing } from "../../schema/causes.ts";
import {
  fallback,
  kept,
  list,
  listMap,
  mapOf,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { condition } from "../conditions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import { parentReference } from "./http_route_shape.ts";
import { sectionCauses } from "./reference_rules.ts";
import { GROUP_SHAPE, HOSTNAME_SHAPE, KIND_SHAPE, SECTION_SHAPE } from "./reference_shapes.ts";

const reference = {
  group: kept(string('Group of the object; `""` for the core group.', GROUP_SHAPE)),
  kind: required(string("Kind of the object.", KIND_SHAPE)),
  name: required(string("Name of the object.", { maxLength: 253 })),
};

const subjectAltName = object("A name that the certificate must have.", {
  type: required(oneOf("What kind of name it is.", ["Hostname", "URI"])),
  hostname: string("The name of a host.", HOSTNAME_SHAPE),
  uri: string("The URI.", {
    maxLength: 253,
    pattern: "^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?",
  }),
});
type SubjectAltName = TypeOf<typeof subjectAltName>;

const validation = object("How the certificate of a backend is checked.", {
  caCertificateRefs: list(
    "Objects with certificates of authorities that are trusted.",
    object("An object of the same namespace.", reference),
    { maxItems: 8 },
  ),
  wellKnownCACertificates: oneOf("Authorities that the system trusts.", ["System"]),
  hostname: required(
    string("Name that is asked for, and that the certificate must have.", SECTION_SHAPE),
  ),
  subjectAltNames: list("Names of which it must have one instead.", subjectAltName, {
    maxItems: 5,
  }),
});
type Validation = TypeOf<typeof validation>;

const backendTlsPolicySpec = object("Which backends, and how they are checked.", {
  targetRefs: required(list(
    "Services that the policy is for.",
    object("A Service, or a port of it.", {
      ...reference,
      sectionName: string("Name of the port that is meant; all when absent.", SECTION_SHAPE),
    }),
    { minItems: 1, maxItems: 16 },
  )),
  validation: required(validation),
  options: mapOf("Further words for the controller.", string("Value.", { maxLength: 4096 }), {
    maxProperties: 16,
  }),
});
type Spec = TypeOf<typeof backendTlsPolicySpec>;

const ancestorStatus = object("What a Gateway says of the policy.", {
  ancestorRef: required(parentReference),
  controllerName: required(string("Controller of the Gateway.", { maxLength: 253 })),
  conditions: required(
    listMap("Aspects of the policy's state there.", ["type"], condition, {
      minItems: 1,
      maxItems: 8,
    }),
  ),
});

/** https://gateway-api.sigs.k8s.io/api-types/backendtlspolicy/ */
export const backendTlsPolicies = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "BackendTLSPolicy",
  plural: "backendtlspolicies",
  shortNames: ["btlspolicy"],
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: true,
  schema: object("How a gateway speaks TLS with backends.", {
    spec: required(backendTlsPolicySpec),
    status: object("How the policy is.", {
      ancestors: fallback(
        [],
        kept(list("What Gateways say of it.", ancestorStatus, { maxItems: 16 })),
      ),
    }),
  }),
  columns: [nameColumn, ageColumn],
  validate: ({ spec }) => spec ? specCauses(spec) : [],
  warnings: (_, previous) =>
    storedOnlyWarnings("BackendTLSPolicy", previous, "backends are spoken to without TLS"),
});

export type BackendTlsPolicy = ObjectOf<typeof backendTlsPolicies>;

function specCauses({ targetRefs = [], validation }: Spec): Cause[] {
  return [
    ...groupCauses(targetRefs, "spec.targetRefs"),
    ...sectionCauses(targetRefs, "target", "spec.targetRefs"),
    ...(validation ? validationCauses(validation, "spec.validation") : []),
  ];
}

/** A group may be empty, but must be said. */
function groupCauses(references: readonly { group?: string }[], field: string): Cause[] {
  return references.flatMap(({ group }, i) =>
    group === undefined ? [missing(`${field}[${i}].group`)] : []
  );
}

/** The rules that the Gateway API writes in CEL, with their words. */
function validationCauses(
  { caCertificateRefs = [], wellKnownCACertificates, subjectAltNames = [] }: Validation,
  field: string,
): Cause[] {
  const causes = groupCauses(caCertificateRefs, `${field}.caCertificateRefs`);
  const names = "CACertificateRefs and WellKnownCACertificates";
  if (caCertificateRefs.length > 0 && wellKnownCACertificates) {
    causes.push(invalid(field, "object", `must not contain both ${names}`));
  } else if (caCertificateRefs.length === 0 && !wellKnownCACertificates) {
    const rule = "must specify either CACertificateRefs or WellKnownCACertificates";
    causes.push(invalid(field, "object", rule));
  }
  return [
    ...causes,
    ...subjectAltNames.flatMap((name, i) =>
      subjectAltNameCauses(name, `${field}.subjectAltNames[${i}]`)
    ),
  ];
}

function subjectAltNameCauses({ type, hostname, uri }: SubjectAltName, field: string): Cause[] {
  return Object.entries({ Hostname: hostname, URI: uri }).flatMap(([word, value]) => {
    if ((type === word) === (value !== undefined)) return [];
    const rule = type === word
      ? `SubjectAltName element must contain ${word}, if Type is set to ${word}`
      : `SubjectAltName element must not contain ${word}, if Type is not set to ${word}`;
    return [invalid(field, "object", rule)];
  });
}
