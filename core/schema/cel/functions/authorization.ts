import { Failure, OpaqueValue, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

/** What is asked of the authorizer: of a path, or of a resource. */
export type AccessQuestion =
  & { readonly verb: string; readonly serviceAccount?: { namespace: string; name: string } }
  & ({ readonly path: string } | {
    readonly group: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
    readonly fieldSelector: string;
    readonly labelSelector: string;
  });

export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

/** Who answers; it must not throw. */
export type Access = (question: AccessQuestion) => AccessAnswer;

type Resource = Omit<Extract<AccessQuestion, { resource: string }>, "verb" | "serviceAccount">;
type Account = { namespace: string; name: string };

abstract class Stage extends OpaqueValue {
  readonly access: Access;
  readonly account: Account | undefined;

  constructor(access: Access, account?: Account) {
    super();
    this.access = access;
    this.account = account;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

/** The variable `authorizer`: may the one who makes the request do this, too? */
export class AuthorizerValue extends Stage {
  readonly typeName = "kubernetes.authorization.Authorizer";
}

class PathCheck extends Stage {
  readonly typeName = "kubernetes.authorization.PathCheck";
  readonly path: string;

  constructor({ access, account }: Stage, path: string) {
    super(access, account);
    this.path = path;
  }
}

class GroupCheck extends Stage {
  readonly typeName = "kubernetes.authorization.GroupCheck";
  readonly group: string;

  constructor({ access, account }: Stage, group: string) {
    super(access, account);
    this.group = group;
  }
}

/** `authorizer.requestResource` is one of these, too. */
export class ResourceCheck extends Stage {
  readonly typeName = "kubernetes.authorization.ResourceCheck";
  readonly resource: Resource;

  constructor({ access, account }: Stage, resource: Resource) {
    super(access, account);
    this.resource = resource;
  }

  with(change: Partial<Resource>): ResourceCheck {
    return new ResourceCheck(this, { ...this.resource, ...change });
  }
}

class Decision extends OpaqueValue {
  readonly typeName = "kubernetes.authorization.Decision";
  readonly answer: AccessAnswer;

  constructor(answer: AccessAnswer) {
    super();
    this.answer = answer;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

/** `authorizer.group('').resource('pods').namespace('x').check('create').allowed()`. */
export const AUTHORIZATION: readonly Declaration[] = [
  [
    "authorizer_path",
    "Authorizer.path(string): PathCheck",
    (from: Stage, path: string) =>
      path === "" ? new Failure("path must not be empty") : new PathCheck(from, path),
  ],
  [
    "authorizer_group",
    "Authorizer.group(string): GroupCheck",
    (from: Stage, group: string) => new GroupCheck(from, group),
  ],
  [
    "authorizer_serviceaccount",
    "Authorizer.serviceAccount(string, string): Authorizer",
    serviceAccount,
  ],
  ["groupcheck_resource", "GroupCheck.resource(string): ResourceCheck", resourceOf],
  ...["subresource", "namespace", "name"].map((field): Declaration => [
    `resourcecheck_${field}`,
    `ResourceCheck.${field}(string): ResourceCheck`,
    (check: ResourceCheck, value: string) => check.with({ [field]: value }),
  ]),
  ...["fieldSelector", "labelSelector"].map((field): Declaration => [
    `authorizer_${field.toLowerCase()}`,
    `ResourceCheck.${field}(string): ResourceCheck`,
    (check: ResourceCheck, value: string) => check.with({ [field]: value }),
  ]),
  [
    "pathcheck_check",
    "PathCheck.check(string): Decision",
    (check: PathCheck, verb: string) => decided(check, { verb, path: check.path }),
  ],
  [
    "resourcecheck_check",
    "ResourceCheck.check(string): Decision",
    (check: ResourceCheck, verb: string) => decided(check, { verb, ...check.resource }),
  ],
  ["decision_allowed", "Decision.allowed(): bool", ({ answer }: Decision) => answer.allowed],
  ["decision_reason", "Decision.reason(): string", ({ answer }: Decision) => answer.reason ?? ""],
  [
    "decision_errored",
    "Decision.errored(): bool",
    ({ answer }: Decision) => answer.error !== undefined,
  ],
  ["decision_error", "Decision.error(): string", ({ answer }: Decision) => answer.error ?? ""],
];

function serviceAccount(from: Stage, namespace: string, name: string): Value {
  if (name === "") return new Failure("Invalid service account name");
  if (namespace === "") return new Failure("Invalid service account namespace");
  return new AuthorizerValue(from.access, { namespace, name });
}

function resourceOf(from: GroupCheck, resource: string): Value {
  if (resource === "") return new Failure("resource must not be empty");
  return new ResourceCheck(from, {
    group: from.group,
    resource,
    subresource: "",
    namespace: "",
    name: "",
    fieldSelector: "",
    labelSelector: "",
  });
}

function decided({ access, account }: Stage, question: AccessQuestion): Decision {
  return new Decision(access(account ? { ...question, serviceAccount: account } : question));
}
