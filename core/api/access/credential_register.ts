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
    string("Serial number of the certificate, or SHA-256 of what is borne; hexadecimal."),
  ),
  type: required(oneOf("What it is.", ["certificate", "bearer"])),
  user: required(string("Whom it names.")),
  groups: fallback([], list("Groups of the user.", string("Group."))),
  issuedAt: required(time("By the server's clock.")),
  expiresAt: time("Absent: never."),
});

const ended = object("What counts no longer.", {
  at: required(time("Since when.")),
  id: string("The one credential with this id."),
  user: string("All credentials of this user, but those that the register says are issued."),
});

/**
 * Which credentials the cluster has issued, and which count no longer. It is stored like any object, so that backups
 * and servers that share a store have it, but the API does not serve it: nobody deletes or changes it by mistake.
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
/** The oldest that have expired are forgotten beyond this; what has ended never is. */
export const ISSUED_MAX = 2_000;
/** About 100 bytes each; a store takes objects of 3 MiB. */
export const ENDED_MAX = 10_000;

/** With one more. Issuing it twice changes nothing. */
export function withIssued(register: Register, credential: Issued, now: string): Register {
  if (register.issued.some(({ id }) => id === credential.id)) return register;
  return { ...register, issued: kept([...register.issued, credential], now) };
}

/** Without one credential, whether it is known or not. */
export function withIdRevoked(register: Register, id: string, at: string): Register {
  return {
    issued: register.issued.filter((one) => one.id !== id),
    ended: [...register.ended.filter((one) => one.id !== id), { id, at }],
  };
}

/** Without all of a user that have been issued so far, also those that are not known. */
export function withUserRevoked(register: Register, user: string, at: string): Register {
  return {
    issued: register.issued.filter((one) => one.user !== user),
    ended: [...register.ended.filter((one) => one.user !== user), { user, at }],
  };
}

/** A register as it is asked at each request: by look-ups alone. */
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
   * What a user shows after all of his have ended must be known, so that older ones that are not known end too.
   * `isKnown`: it is, although the register does not say so yet.
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
