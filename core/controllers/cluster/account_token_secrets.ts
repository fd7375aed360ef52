import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Secret, secrets } from "../../resources/core/secrets.ts";
import { type ServiceAccount, serviceAccounts } from "../../resources/core/service_accounts.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  remove,
  update,
} from "../runtime/controller.ts";

/** The token of an account, for a Secret to hold. */
export type SecretTokenSigner = (account: ServiceAccount, secret: Secret) => string;

const TYPE = "kubernetes.io/service-account-token";
const ACCOUNT_NAME = "kubernetes.io/service-account.name";
const ACCOUNT_UID = "kubernetes.io/service-account.uid";

/**
 * Fills Secrets that ask for a token of a service account, and removes those whose account is gone. `authority`: the
 * certificate by which holders know the API server, as PEM. Without a signer it does nothing.
 *
 * Kubernetes: `pkg/controller/serviceaccount/tokens_controller.go`.
 */
export function accountTokenSecrets(
  sign: SecretTokenSigner | undefined,
  authority: string,
): Controller<Secret> {
  return {
    name: "serviceaccount-token-controller",
    resource: secrets,
    watches: [{ resource: serviceAccounts, concerns: secretsOfAccount }],
    workers: 1,
    reconcile: (secret, view) => sign ? reconcile(secret, view, sign, authority) : NOTHING,
  };
}

function reconcile(
  secret: Secret,
  view: View,
  sign: SecretTokenSigner,
  authority: string,
): Plan {
  const { metadata, type } = secret;
  if (type !== TYPE || metadata.deletionTimestamp !== undefined) return NOTHING;
  const { namespace, annotations = {} } = metadata;
  const account = view.get(serviceAccounts, { namespace, name: annotations[ACCOUNT_NAME] ?? "" });
  const wantedUid = annotations[ACCOUNT_UID] ?? account?.metadata.uid;
  if (!account || account.metadata.uid !== wantedUid) return plan([remove(secrets, secret)]);
  const next = filled(secret, account, { sign, authority });
  return isEqual(next, secret) ? NOTHING : plan([update(secrets, next)]);
}

/** A token that is there stays; certificate and namespace are kept right. */
function filled(
  secret: Secret,
  account: ServiceAccount,
  { sign, authority }: { sign: SecretTokenSigner; authority: string },
): Secret {
  const { metadata, data = {} } = secret;
  const { name, uid } = account.metadata;
  return {
    ...secret,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [ACCOUNT_NAME]: name, [ACCOUNT_UID]: uid },
    },
    data: {
      ...data,
      ...(authority && { "ca.crt": btoa(authority) }),
      namespace: btoa(metadata.namespace),
      token: data["token"] || btoa(sign(account, secret)),
    },
  };
}

/** The Secrets that name a changed account. */
function secretsOfAccount({ metadata }: KubeObject, view: View): readonly ObjectName[] {
  return view.list(secrets, metadata.namespace)
    .filter(({ type, metadata: { annotations } }) =>
      type === TYPE && annotations?.[ACCOUNT_NAME] === metadata.name
    )
    .map(({ metadata: { namespace, name } }) => ({ namespace, name }));
}
