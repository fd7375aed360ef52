import { atomic, object, required, string, type TypeOf } from "./schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-reference/ */
export const objectReference = atomic(object("Points at an object, or at a part of one.", {
  apiVersion: string("Group and version of the object."),
  kind: string("Kind of the object."),
  namespace: string("Namespace of the object."),
  name: string("Name of the object."),
  uid: string("Uid of the object."),
  resourceVersion: string("Version of the object that is meant."),
  fieldPath: string("The part that is meant, such as `spec.containers{web}`."),
}));
export type ObjectReference = TypeOf<typeof objectReference>;

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/local-object-reference/ */
export const localObjectReference = atomic(object("Names an object of the same namespace.", {
  name: string("Name of the object."),
}));
export type LocalObjectReference = TypeOf<typeof localObjectReference>;

export const typedLocalObjectReference = atomic(
  object("Names an object of the same namespace and its kind.", {
    apiGroup: string("Group of the object; absent for the core group."),
    kind: required(string("Kind of the object.")),
    name: required(string("Name of the object.")),
  }),
);

export const typedObjectReference = object("Names an object and its kind.", {
  apiGroup: string("Group of the object; absent for the core group."),
  kind: required(string("Kind of the object.")),
  name: required(string("Name of the object.")),
  namespace: string("Namespace of the object, when it is another one."),
});

/** A Secret in a namespace of its own, for objects that are in none. */
export const secretReference = atomic(object("Names a Secret.", {
  name: string("Name of the Secret."),
  namespace: string("Namespace of the Secret."),
}));
export type SecretReference = TypeOf<typeof secretReference>;
