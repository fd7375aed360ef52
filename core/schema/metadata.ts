import {
  anything,
  boolean,
  integer,
  list,
  mapOf,
  mergeList,
  mergeSet,
  object,
  required,
  string,
  time,
  type TypeOf,
} from "./schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
export const ownerReference = object("An object that this one belongs to.", {
  apiVersion: required(string("Group and version of the owner.")),
  kind: required(string("Kind of the owner.")),
  name: required(string("Name of the owner.")),
  uid: required(string("Uid of the owner.")),
  controller: boolean("Whether the owner is the one that controls this object."),
  blockOwnerDeletion: boolean(
    "Whether the owner stays, when it is deleted in the foreground, until this object is gone.",
  ),
});
export type OwnerReference = TypeOf<typeof ownerReference>;

const managedFieldsEntry = object("Fields that one manager has set.", {
  manager: string("Who set them."),
  operation: string("Apply or Update."),
  apiVersion: string("Version of the object that the fields belong to."),
  time: time("When the entry last changed."),
  fieldsType: string("Always FieldsV1."),
  fieldsV1: anything("The fields, as a tree."),
  subresource: string("Subresource through which they were set."),
});
export type ManagedFieldsEntry = TypeOf<typeof managedFieldsEntry>;

const labels = mapOf("Words to select objects by.", string("Value."));
const annotations = mapOf("Words for tools and people; never selected by.", string("Value."));

/** Metadata as stored and sent. Empty fields are absent, as in Kubernetes. */
export const objectMeta = object("What every object says of itself.", {
  name: string("Name, unique among the objects of its kind and namespace."),
  generateName: string("Prefix of a name that the server is to make up."),
  namespace: string("Namespace; absent for kinds that have none."),
  selfLink: string("No longer set."),
  uid: string("Unique for all time; the server sets it."),
  resourceVersion: string("Version of the stored object; compare for equality only."),
  generation: integer("Counts the changes of what is wanted.", { format: "int64" }),
  creationTimestamp: time("CreationTimestamp is a timestamp: when the server stored it first."),
  deletionTimestamp: time("When it is to be gone; set by a graceful delete."),
  deletionGracePeriodSeconds: integer("Seconds that it was given to end.", { format: "int64" }),
  labels,
  annotations,
  ownerReferences: mergeList("Objects that this one belongs to.", ["uid"], ownerReference),
  finalizers: mergeSet("Words that must be taken away before it can go.", string("Finalizer.")),
  managedFields: list("Which manager has set which fields.", managedFieldsEntry),
});

/** Metadata of a stored object: the server has set what is not optional here. */
export interface ObjectMeta extends Partial<Omit<TypeOf<typeof objectMeta>, "name">> {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
}

/** Metadata of a pod template: only what pods take over from it. */
export const templateMeta = objectMeta;
