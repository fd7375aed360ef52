import type { AnyResource } from "../resource.ts";
import { customResourceDefinitions } from "./custom_resource_definitions.ts";

/** The kinds of `apiextensions.k8s.io`. */
export const APIEXTENSIONS_KINDS: readonly AnyResource[] = [customResourceDefinitions];
