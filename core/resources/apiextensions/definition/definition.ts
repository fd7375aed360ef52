import { conditionFields, type ConditionStatus } from "../../conditions.ts";
import type { KubeObject } from "../../resource.ts";
import {
  boolean,
  bytes,
  count,
  fallback,
  flag,
  integer,
  kept,
  list,
  listMap,
  object,
  oneOf,
  present,
  required,
  type Schema,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";
import { jsonSchemaProps } from "./json_schema_props.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/ */
const names = object("What the kind is called.", {
  plural: fallback("", string("In paths, e.g. `boats`.")),
  singular: string("For people. Default: the kind in lower case."),
  shortNames: list("Short forms for people.", string("A short name.")),
  kind: fallback("", string("In manifests, e.g. `Boat`.")),
  listKind: string("Kind of its lists. Default: the kind with `List`."),
  categories: list("Groups of kinds that it is shown with, e.g. `all`.", string("A category.")),
});
export type Names = TypeOf<typeof names>;

const scale = object("Where the numbers of the subresource `scale` are.", {
  specReplicasPath: fallback("", string("JSON path of the wanted number: `.spec.replicas`.")),
  statusReplicasPath: fallback("", string("JSON path of the present number: `.status.replicas`.")),
  labelSelectorPath: kept(string("JSON path of the selector as a text, under spec or status.")),
});

const column = object("A column of `kubectl get`.", {
  name: fallback("", string("Its head.")),
  type: fallback("", string("boolean, date, integer, number or string.")),
  format: string("A further hint, e.g. int32."),
  description: string("What it shows."),
  priority: count("0: always shown; larger: with `-o wide` only."),
  jsonPath: fallback("", string("Where the value is, e.g. `.spec.replicas`.")),
});
export type ColumnDefinition = TypeOf<typeof column>;

const version = object("A version of the kind.", {
  name: fallback("", string("In paths and apiVersions, e.g. `v1`.")),
  served: fallback(false, boolean("Whether clients can use it.")),
  storage: fallback(false, boolean("Whether objects are stored in it; exactly one is.")),
  deprecated: flag("Whether its use is answered with a warning."),
  deprecationWarning: kept(string("The text of that warning.")),
  schema: object("The shape of objects.", { openAPIV3Schema: jsonSchemaProps }),
  subresources: object("Further paths of objects.", {
    status: object("Status is written by its own path only.", {}),
    scale,
  }),
  additionalPrinterColumns: list("Columns of `kubectl get` beside the name.", column),
  selectableFields: list(
    "Fields for field selectors.",
    object("A field.", { jsonPath: fallback("", string("Where it is, e.g. `.spec.color`.")) }),
  ),
});
export type VersionDefinition = TypeOf<typeof version>;

const clientConfig = object("How the webhook is reached.", {
  url: kept(string("Its URL; this or `service`.")),
  service: object("The Service behind which it is; this or `url`.", {
    namespace: fallback("", string("Namespace of the Service.")),
    name: fallback("", string("Name of the Service.")),
    path: kept(string("Path of the request.")),
    port: fallback(443, integer("Port of the Service.")),
  }),
  caBundle: bytes("Certificates, in PEM, that its certificate is checked against."),
});

const conversion = object("How objects are converted between versions.", {
  strategy: fallback("None", oneOf("None or Webhook.", ["None", "Webhook"])),
  webhook: object("The webhook that converts.", {
    clientConfig,
    conversionReviewVersions: list("Versions of ConversionReview that it knows.", string("One.")),
  }),
});
export type Conversion = TypeOf<typeof conversion>;

const spec = object("What the kind should be.", {
  group: fallback("", string("Its group, e.g. `example.com`.")),
  names: present(names),
  scope: fallback("", string("Cluster or Namespaced.")),
  versions: fallback([], kept(list("Its versions.", version))),
  conversion: present(conversion),
  preserveUnknownFields: flag("Not supported any more."),
});

const anyStatus: Schema<ConditionStatus> = {
  type: "string",
  description: "Whether the condition holds.",
};

/** Kubernetes asks for nothing in a condition, and shows what is absent as empty. */
const condition = object("One aspect of the state of the definition.", {
  ...conditionFields("What it is about, e.g. Established."),
  type: fallback("", string("What it is about, e.g. Established.")),
  status: fallback("" as ConditionStatus, anyStatus),
});

const status = object("How the kind is.", {
  conditions: fallback([], kept(listMap("Aspects of its state.", ["type"], condition))),
  acceptedNames: present(names),
  storedVersions: fallback([], kept(list("Versions that objects are stored in.", string("One.")))),
});
export type DefinitionCondition = TypeOf<typeof condition>;
export type DefinitionStatus = TypeOf<typeof status>;

/** The shape of a CustomResourceDefinition, without what all objects have. */
export const definitionSchema = object("Defines a kind of objects.", {
  spec: required(spec),
  status: present(status),
});

export type Definition = KubeObject & TypeOf<typeof definitionSchema>;

/** The version in which objects are stored. */
export function storageVersionOf({ spec }: Definition): string | undefined {
  return spec.versions.find(({ storage }) => storage)?.name;
}
