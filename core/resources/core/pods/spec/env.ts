import {
  allowingDuplicates,
  atomic,
  boolean,
  fallback,
  mergeList,
  object,
  quantity,
  required,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";

/** A field of the pod, as env values and downward files use it. */
export const fieldReference = atomic(object("A field of the pod itself.", {
  apiVersion: fallback("v1", string("Version of the schema that the path is written for.")),
  fieldPath: required(string("Path of the field, such as `metadata.name` or `status.podIP`.")),
}));

export const resourceFieldReference = atomic(object("A request or limit of a container.", {
  containerName: string("Container that is meant; an env value may leave it out for its own."),
  resource: required(string("What to take, such as `limits.cpu`.")),
  divisor: fallback("0", quantity("Unit that the amount is given in; 0 means 1.")),
}));

const fileKeyReference = atomic(object("A key of an env file in a volume.", {
  volumeName: required(string("Volume that holds the file.")),
  path: required(string("Path of the file in the volume; relative, without `..`.")),
  key: required(string("Key in the file.")),
  optional: fallback(false, boolean("Whether the file or the key may be missing.")),
}));

const keyReference = (of: string) =>
  atomic(object(`A key of a ${of}.`, {
    name: string(`Name of the ${of}.`),
    key: required(string("Key whose value is taken.")),
    optional: boolean(`Whether the ${of} or its key may be missing.`),
  }));

const envVar = object("An environment variable.", {
  name: required(string("Name of the variable.")),
  value: string("Its value; `$(NAME)` stands for an earlier variable, `$$` for a dollar sign."),
  valueFrom: object("Where the value comes from, when it is not written here.", {
    fieldRef: fieldReference,
    resourceFieldRef: resourceFieldReference,
    configMapKeyRef: keyReference("ConfigMap"),
    secretKeyRef: keyReference("Secret"),
    fileKeyRef: fileKeyReference,
  }),
});
export type EnvVar = TypeOf<typeof envVar>;

export const env = allowingDuplicates(
  mergeList("Environment variables; of two with one name the later counts.", ["name"], envVar),
);

const wholeReference = (of: string) =>
  object(`A ${of} all of whose keys become variables.`, {
    name: string(`Name of the ${of}.`),
    optional: boolean(`Whether the ${of} may be missing.`),
  });

export const envFromSource = object("A source of many environment variables.", {
  prefix: string("Put before each key."),
  configMapRef: wholeReference("ConfigMap"),
  secretRef: wholeReference("Secret"),
});
export type EnvFromSource = TypeOf<typeof envFromSource>;
