import { ApiError, isRefusal } from "../../client/api_error.ts";
import type { Certificate } from "../../lib/der/certificate.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { Objects } from "../../objects/objects.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import type { Entry } from "../../store/store.ts";
import type { CertifiedUser, Revocations } from "./client_certificates.ts";
import {
  type CredentialRegister,
  credentialRegisters,
  EMPTY,
  ENDED_MAX,
  type Issued,
  type Register,
  RegisterIndex,
  withIdRevoked,
  withIssued,
  withUserRevoked,
} from "./credential_register.ts";

const NAME = { name: "credentials" };
const KEY = [groupResourceOf(credentialRegisters), "", NAME.name] as const;

/**
 * The credentials of the cluster, as the store holds them now: a revocation takes effect once it is durable, on every
 * server that shares the store.
 */
export class Credentials implements Revocations {
  readonly #objects: Objects;
  /** Not written yet, because this server does not own the store or it takes no writes: valid on this server only. */
  readonly #unwritten = new Map<string, { issued: Issued; isNew: boolean }>();
  #seen: { entry: Entry | undefined; index: RegisterIndex };

  constructor(objects: Objects) {
    this.#objects = objects;
    objects.store.declare(credentialRegisters);
    this.#seen = { entry: undefined, index: new RegisterIndex(EMPTY) };
  }

  /** As stored. */
  get register(): Register {
    const entry = this.#objects.store.get(KEY);
    return entry ? (entry.object as CredentialRegister).spec : EMPTY;
  }

  isRevoked({ serial, name }: CertifiedUser): boolean {
    return this.isIdRevoked(serial, name);
  }

  isIdRevoked(id: string, user: string): boolean {
    return this.#index.isIdRevoked(id, user, { isKnown: this.#unwritten.get(id)?.isNew === true });
  }

  /** The user of a token. `id`: its SHA-256 in hexadecimal. */
  userOfToken(id: string): { name: string; groups: readonly string[] } | undefined {
    const token = this.#unwritten.get(id)?.issued ?? this.#index.issued(id);
    if (token?.type !== "bearer" || this.isIdRevoked(id, token.user)) return undefined;
    return { name: token.user, groups: token.groups };
  }

  /** Calls `listener` after each change. Returns the stop. */
  onChange(listener: () => void): () => void {
    return this.#objects.store.subscribe([KEY[0]], listener);
  }

  /**
   * Lists a credential; it is stored at the next {@linkcode write}. `isNew`: this server has just issued it. One that
   * was only found is invalid when all credentials of its user have been revoked.
   */
  add(issued: Issued, { isNew }: { isNew: boolean }): void {
    if (!this.#index.issued(issued.id)) this.#unwritten.set(issued.id, { issued, isNew });
  }

  /** Stores what has been added. Throws an ApiError when the store takes no writes; they stay valid on this server. */
  async write(): Promise<void> {
    const waiting = [...this.#unwritten.values()].map(({ issued }) => issued)
      .filter(({ id, user }) => !this.isIdRevoked(id, user));
    if (waiting.length > 0) {
      await this.#change((register) =>
        waiting.reduce((sum, one) => this.#with(sum, one), register)
      );
    }
    this.#unwritten.clear();
  }

  /**
   * The register with this certificate in it, when it would not count otherwise, because all that its user had have been
   * revoked. Not stored.
   */
  registerWith(certificate: Certificate): CredentialRegister | undefined {
    const { serial: id, commonNames: [user = ""], organizations, notAfterMs } = certificate;
    const entry = this.#objects.store.get(KEY);
    if (!entry || !this.register.ended.some((one) => one.user === user)) return undefined;
    const stored = entry.object as CredentialRegister;
    const spec = this.#with(stored.spec, {
      ...{ id, type: "certificate", user, groups: [...organizations] },
      ...{ issuedAt: this.#now(), expiresAt: timestamp(notAfterMs) },
    });
    return { ...stored, spec };
  }

  /** Stores one credential durably. Call it before handing the credential out. */
  async issue(issued: Issued): Promise<void> {
    await this.#change((register) => this.#with(register, issued));
  }

  /** Revokes one credential, listed or not. Revoking it twice changes only the time. */
  async revoke(id: string): Promise<void> {
    await this.#change((register) => withIdRevoked(register, id, this.#now()));
    this.#unwritten.delete(id);
  }

  /** Revokes all credentials that a user has so far, and lists `next` as the new ones, in one commit. */
  async revokeUser(user: string, next: readonly Issued[] = []): Promise<void> {
    await this.#change((register) =>
      next.reduce((sum, one) => this.#with(sum, one), withUserRevoked(register, user, this.#now()))
    );
    for (const [id, { issued }] of this.#unwritten) {
      if (issued.user === user) this.#unwritten.delete(id);
    }
  }

  /** Drops all tokens of a user but one: a server that does not share its store has only one. */
  async dropOtherTokens(user: string, kept: string): Promise<void> {
    const isOther = (one: Issued) => one.type === "bearer" && one.user === user && one.id !== kept;
    if (!this.register.issued.some(isOther)) return;
    await this.#change((register) => ({
      ...register,
      issued: register.issued.filter((one) => !isOther(one)),
    }));
  }

  get #index(): RegisterIndex {
    const entry = this.#objects.store.get(KEY);
    if (entry !== this.#seen.entry) {
      this.#seen = { entry, index: new RegisterIndex(this.register) };
    }
    return this.#seen.index;
  }

  #with(register: Register, issued: Issued): Register {
    return withIssued(register, issued, this.#now());
  }

  #now(): string {
    return timestamp(this.#objects.clock.now());
  }

  async #change(next: (register: Register) => Register): Promise<void> {
    const objects = this.#objects;
    try {
      await objects.create(credentialRegisters, { metadata: NAME, spec: bounded(next(EMPTY)) });
    } catch (error) {
      if (!isRefusal(error, "AlreadyExists")) throw error;
      await objects.change(credentialRegisters, NAME, (current) => {
        const { spec, ...rest } = current as CredentialRegister;
        return { ...rest, spec: bounded(next(spec)) };
      });
    }
  }
}

function bounded(register: Register): Register {
  if (register.ended.length <= ENDED_MAX) return register;
  throw new ApiError(
    "Forbidden",
    `Cannot revoke more than ${ENDED_MAX} credentials: make a new certificate authority by removing ` +
      `"ca.crt" and "pki" in the data folder, then give all clients new credentials`,
  );
}
