import { ApiError } from "../../client/api_error.ts";
import { labelNameFaults, subdomainFaults } from "../../schema/names.ts";
import type { User } from "../http/api_context.ts";
import type { ResourceAttributes } from "../http/request_info.ts";
import { accountGroups } from "./service_accounts/account_tokens.ts";
import { ANONYMOUS, AUTHENTICATED } from "./authenticator.ts";

/** Whom a request is to be done as, by its headers, as they came. */
export interface Impersonation {
  user: string;
  groups: readonly string[];
  uid: string;
  extra: readonly (readonly [name: string, value: string])[];
}

const PREFIX = "impersonate-";
const EXTRA_PREFIX = "impersonate-extra-";
const UNAUTHENTICATED = "system:unauthenticated";
const AUTHENTICATION = "authentication.k8s.io";

/**
 * `undefined`: as the sender. `headers`: names and values in turn. Throws Forbidden for a header of this family that is
 * unknown: the request would be done as somebody whom the sender does not mean.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export function impersonationOf(headers: readonly string[]): Impersonation | undefined {
  let found: { user: string; groups: string[]; uid: string; extra: [string, string][] } | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const given = headers[i]!;
    if ((given.charCodeAt(0) | 0x20) !== 0x69) continue; // does not begin with an i
    const name = given.toLowerCase();
    if (!name.startsWith(PREFIX)) continue;
    const value = headers[i + 1]!;
    found ??= { user: "", groups: [], uid: "", extra: [] };
    if (name === "impersonate-user") found.user ||= value;
    else if (name === "impersonate-group") found.groups.push(value);
    else if (name === "impersonate-uid") found.uid ||= value;
    else if (name.startsWith(EXTRA_PREFIX)) {
      found.extra.push([unescaped(name.slice(EXTRA_PREFIX.length)), value]);
    } else throw unknownHeader(given);
  }
  const isAsked = found && (found.user || found.groups.length || found.uid || found.extra.length);
  return isAsked ? found : undefined;
}

/** What the sender must be allowed, one right for each part of whom he wants to be. Throws when that is nobody. */
export function rightsFor(wanted: Impersonation): ResourceAttributes[] {
  const { user, groups, uid, extra } = wanted;
  if (user === "") throw withoutUser(wanted);
  const account = accountNamed(user);
  return [
    account
      ? right("", "serviceaccounts", account.name, { namespace: account.namespace })
      : right("", "users", user),
    ...groups.map((group) => right("", "groups", group)),
    ...extra.map(([name, value]) =>
      right(AUTHENTICATION, "userextras", value, { subresource: name })
    ),
    ...(uid ? [right(AUTHENTICATION, "uids", uid)] : []),
  ];
}

/** Whom the request is done as. */
export function impersonated({ user, groups, uid, extra }: Impersonation): User {
  const account = accountNamed(user);
  const own = account && groups.length === 0 ? accountGroups(account.namespace) : groups;
  const isNobody = user === ANONYMOUS.name;
  const isSaid = isNobody
    ? own.includes(UNAUTHENTICATED)
    : own.includes(AUTHENTICATED) || own.includes(UNAUTHENTICATED);
  const all = isSaid ? own : [...own, isNobody ? UNAUTHENTICATED : AUTHENTICATED];
  const more = Object.fromEntries(
    Map.groupBy(extra, ([name]) => name).entries().map((
      [name, pairs],
    ) => [name, pairs.map(([, value]) => value)]),
  );
  return {
    name: user,
    groups: all,
    ...(uid && { uid }),
    ...(extra.length > 0 && { extra: more }),
  };
}

function right(
  group: string,
  resource: string,
  name: string,
  more: { namespace?: string; subresource?: string } = {},
): ResourceAttributes {
  const { namespace, subresource } = more;
  const verb = "impersonate";
  const fieldSelector = "";
  return { isResource: true, verb, group, resource, subresource, namespace, name, fieldSelector };
}

/** The service account that a user name stands for. */
function accountNamed(user: string): { namespace: string; name: string } | undefined {
  const [namespace = "", name = "", ...more] = user.startsWith(ACCOUNT_PREFIX)
    ? user.slice(ACCOUNT_PREFIX.length).split(":")
    : [];
  if (namespace === "" || name === "" || more.length > 0) return undefined;
  const isOne = labelNameFaults(namespace).length === 0 && subdomainFaults(name).length === 0;
  return isOne ? { namespace, name } : undefined;
}
const ACCOUNT_PREFIX = "system:serviceaccount:";

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a URIError: it is taken as it is, as in Kubernetes
  }
}

/** As Kubernetes, a fault of the server: the text is Go's of the parts that were asked for. */
function withoutUser({ groups, uid, extra }: Impersonation): ApiError {
  const parts = [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...extra.map(([name, value]) => `{UserExtra  ${value}  ${AUTHENTICATION}/v1  ${name}}`),
    ...(uid ? [`{UID  ${uid}  ${AUTHENTICATION}/v1  }`] : []),
  ];
  return new ApiError(
    "InternalError",
    `Internal Server Error: requested [${parts.join(" ")}] without impersonating a user`,
  );
}

function unknownHeader(name: string): ApiError {
  return new ApiError(
    "Forbidden",
    `forbidden: cannot act as somebody else by the header "${name}": it is unknown; use Impersonate-User, ` +
      "-Group, -Uid or -Extra-NAME",
  );
}
