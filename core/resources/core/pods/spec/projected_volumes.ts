import { labelSelector } from "../../../../schema/label_selector.ts";
import {
  boolean,
  fallback,
  integer,
  list,
  long,
  mapOf,
  object,
  required,
  string,
} from "../../../../schema/schema.ts";
import { fieldReference, resourceFieldReference } from "./env.ts";

const modeOfFile = integer("Permission bits of this file, as a decimal number.");

export const keyToPath = object("A key that becomes a file.", {
  key: required(string("The key.")),
  path: required(string("Path of the file in the volume; relative, without `..`.")),
  mode: modeOfFile,
});

export const downwardFile = object("A field of the pod that becomes a file.", {
  path: required(string("Path of the file in the volume; relative, without `..`.")),
  fieldRef: fieldReference,
  resourceFieldRef: resourceFieldReference,
  mode: modeOfFile,
});

const items = list("Keys to show, all when absent.", keyToPath);

const serviceAccountToken = object("A token of the pod's service account.", {
  audience: string("Whom the token is for; the API server when absent."),
  expirationSeconds: fallback(3600, long("Seconds that a token is valid.")),
  path: required(string("Path of the file in the volume.")),
});

const clusterTrustBundle = object("CA certificates of the cluster.", {
  name: string("Name of the one bundle that is meant."),
  signerName: string("Signer whose bundles are meant."),
  labelSelector,
  optional: boolean("Whether the bundle may be missing."),
  path: required(string("Path of the file in the volume.")),
});

const podCertificate = object("A certificate and key for the pod.", {
  signerName: string("Who signs the certificate."),
  keyType: string("Kind of key, such as ED25519."),
  maxExpirationSeconds: integer("Seconds that the certificate may be valid at most."),
  credentialBundlePath: string("File for the key and the certificates together."),
  keyPath: string("File for the key."),
  certificateChainPath: string("File for the certificates."),
  userAnnotations: mapOf("Further words for the signer.", string("Value.")),
});

const source = object("One source; exactly one of its fields is set.", {
  secret: object("Values of a Secret.", {
    name: string("Name of the Secret."),
    items,
    optional: boolean("Whether the Secret or a key may be missing."),
  }),
  configMap: object("Values of a ConfigMap.", {
    name: string("Name of the ConfigMap."),
    items,
    optional: boolean("Whether the ConfigMap or a key may be missing."),
  }),
  downwardAPI: object("Fields of the pod.", { items: list("The files.", downwardFile) }),
  serviceAccountToken,
  clusterTrustBundle,
  podCertificate,
});

/** https://kubernetes.io/docs/concepts/storage/projected-volumes/ */
export const projectedVolume = object("Files from several sources in one directory.", {
  sources: list("The sources.", source),
  defaultMode: fallback(
    420,
    integer("Permission bits of the files, as a decimal number: 420 is 0644."),
  ),
});
