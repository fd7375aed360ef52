/** Admission plugins that the operator of a cluster may ask for, by the names that they have in Kubernetes. */
export const OPTIONAL_PLUGINS = ["DenyServiceExternalIPs"] as const;
export type OptionalPlugin = typeof OPTIONAL_PLUGINS[number];
