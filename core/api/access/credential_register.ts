import { defineResource, type ObjectOf } from "../../resources/resource.ts";
import {
  fallback,
  list,
  object,
  oneOf,
  present,
  required,
  string,
  time,
} from "../../schema/schema.ts";

const issued = object("A credential that this cluster has issued.", {
  id: required(
    string("Serial number of the certificate, or SHA-256 of the token; hexadecimal."),
  ),
  type: required(oneOf("What it is.", ["certificate", "bearer"])),
  user: required(string("Whom it names.")),
  groups: fallback([], list("Groups of the user.", string("Group."))),
  issuedAt: required(time("By the server's clock.")),
  expiresAt: time("Absent: never."),
});

const ended = object("A revocation.", {
  at: required(time("Since when.")),
  id: string("The credential that is revoked."),
  user: string("Whose credentials are all revoked, except those listed as issued."),
});

/**
 * Which credentials the cluster has issued and which it has revoked. Stored like any object, so that backups and
 * servers that share a store have it, but not served by the API, so that nobody changes or deletes it by mistake.
 */
export const credentialRegisters = defineResource({
  group: "access.coracle.dev",
  version: "v1",
  kind: "CredentialRegister",
  plural: "credentialregisters",
  namespaced: false,
  schema: object("Credentials of the cluster.", {
    spec: present(object("Credentials of the cluster.", {
      issued: fallback([], list("In the order of issue.", issued)),
      ended: fallback([], list("In the order of revocation.", ended)),
    })),
  }),
});

export type CredentialRegister = ObjectOf<typeof credentialRegisters>;
export type Register = CredentialRegister["spec"];
export type Issued = Register["issued"][number];

export const EMPTY: Register = { issued: [], ended: [] };
/** Beyond this the oldest expired ones are forgotten; revocations never are. */
export const ISSUED_MAX = 2_000;
/** About 100 bytes each; a store takes objects of 3 MiB. */
export const ENDED_MAX = 10_000;

/** Adds a credential. Adding it twice changes nothing. */
export function withIssued(register: Register, credential: Issued, now: string): Register {
  if (register.issued.some(({ id }) => id === credential.id)) return register;
  return { ...register, issued: kept([...register.issued, credential], now) };
}

/** Revokes one credential, also one that is not listed. */
export function withIdRevoked(register: Register, id: string, at: string): Register {
  return {
    issued: register.issued.filter((one) => one.id !== id),
    ended: [...register.ended.filter((one) => one.id !== id), { id, at }],
  };
}

/** Revokes all credentials that a user has so far, also those that are not listed. */
export function withUserRevoked(register: Register, user: string, at: string): Register {
  return {
    issued: register.issued.filter((one) => one.user !== user),
    ended: [...register.ended.filter((one) => one.user !== user), { user, at }],
  };
}

/** A register indexed for the lookups of each request. */
export class RegisterIndex {
  readonly #issued: ReadonlyMap<string, Issued>;
  readonly #endedIds: ReadonlySet<string>;
  readonly #endedUsers: ReadonlySet<string>;

  constructor({ issued, ended }: Register) {
    this.#issued = new Map(issued.map((one) => [one.id, one]));
    this.#endedIds = new Set(ended.flatMap(({ id }) => id ?? []));
    this.#endedUsers = new Set(ended.flatMap(({ user }) => user ?? []));
  }

  issued(id: string): Issued | undefined {
    return this.#issued.get(id);
  }

  /**
   * After all credentials of a user have been revoked, only listed ones are valid. `isKnown`: it is about to be listed.
   */
  isIdRevoked(id: string, user: string, { isKnown = false } = {}): boolean {
    if (this.#endedIds.has(id)) return true;
    return this.#endedUsers.has(user) && !isKnown && !this.#issued.has(id);
  }
}

function kept(issued: readonly Issued[], now: string): Issued[] {
  const tooMany = issued.length - ISSUED_MAX;
  if (tooMany <= 0) return [...issued];
  const expired = issued.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt < now)
    .slice(0, tooMany);
  return issued.filter((one) => !expired.includes(one));
}
