import { ISSUER } from "./account_token.ts";
import { SigningKey } from "./signing_key.ts";

export const CONFIGURATION_PATH = "/.well-known/openid-configuration";
export const KEYS_PATH = "/openid/v1/jwks";
export const KEYS_TYPE = "application/jwk-set+json";

/**
 * How others check our tokens by themselves. `address`: where the API is reached.
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 */
export function issuerConfiguration(address: string): object {
  return {
    issuer: ISSUER,
    jwks_uri: `https://${address}${KEYS_PATH}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [SigningKey.algorithm],
  };
}

/** The keys by which tokens are signed: RFC 7517. */
export function keySet({ jwk }: SigningKey): object {
  return { keys: [jwk] };
}
