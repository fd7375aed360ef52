import type { AnyResource } from "../resource.ts";
import { certificateSigningRequests } from "./certificate_signing_requests.ts";

/** The kinds of `certificates.k8s.io/v1`. */
export const CERTIFICATES_KINDS: readonly AnyResource[] = [certificateSigningRequests];
