import { TOKEN_NAMESPACE, tokenTermsOf } from "../../resources/core/bootstrap_tokens.ts";
import { type Secret, secrets } from "../../resources/core/secrets.ts";
import { type Controller, NOTHING, type Plan, plan, remove } from "../runtime/controller.ts";

/**
 * Deletes bootstrap tokens when they expire. One of which nobody can tell when it does lets nobody in, and stays for somebody
 * to look at.
 *
 * Kubernetes: `pkg/controller/bootstrap/tokencleaner.go`.
 */
export const expiredTokenController: Controller<Secret> = {
  name: "token-cleaner",
  resource: secrets,
  watches: [],
  workers: 1,
  reconcile,
};

function reconcile(secret: Secret, _view: unknown, nowMs: number): Plan {
  if (secret.metadata.namespace !== TOKEN_NAMESPACE) return NOTHING;
  const { expiresMs } = tokenTermsOf(secret) ?? {};
  if (expiresMs === undefined || Number.isNaN(expiresMs)) return NOTHING;
  return expiresMs > nowMs ? plan([], expiresMs - nowMs) : plan([remove(secrets, secret)]);
}
