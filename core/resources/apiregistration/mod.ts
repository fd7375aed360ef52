import { apiServices } from "./api_services.ts";
import type { AnyResource } from "../resource.ts";

/** The kinds of `apiregistration.k8s.io/v1`. */
export const APIREGISTRATION_KINDS: readonly AnyResource[] = [apiServices];
