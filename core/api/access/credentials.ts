import { ApiError, isRefusal } from "../../client/api_error.ts";
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
 * The credentials of the cluster. What it says is what the store holds now: a revocation counts from the moment in
 * which it is durable, on every server that has the store.
 */
export class Credentials implements Revocations {
  readonly #objects: Objects;
  /** Not written yet, since this server does not own the store, or it takes no writes: they count here alone. */
  readonly #unwritten = new Map<string, { issued: Issued; isNew: boolean }>();
  #seen: { entry: Entry | undefined; index: RegisterIndex };

  constructor(objects: Objects) {
    this.#objects = objects;
    objects.store.declare(credentialRegisters);
    this.#seen = { entry: undefined, index: new RegisterIndex(EMPTY) };
  }

  /** As it is written. */
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

  /** Whom a token names. `id`: its SHA-256 in hexadecimal. */
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
   * Takes a credential as issued; it is written at the next {@linkcode write}. `isNew`: by this server, now. What it
   * has only found counts no longer when all of its user's have ended.
   */
  add(issued: Issued, { isNew }: { isNew: boolean }): void {
    if (!this.#index.issued(issued.id)) this.#unwritten.set(issued.id, { issued, isNew });
  }

  /** Writes what has been added. Throws an ApiError when the store takes no writes; then it goes on counting here alone. */
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

  /** Writes down one credential, durably, before it is handed out. */
  async issue(issued: Issued): Promise<void> {
    await this.#change((register) => this.#with(register, issued));
  }

  /** Ends one credential, known or not. Ending it twice changes nothing but the time. */
  async revoke(id: string): Promise<void> {
    await this.#change((register) => withIdRevoked(register, id, this.#now()));
    this.#unwritten.delete(id);
  }

  /** Ends all credentials of a user that have been issued so far; `next` are his from now on. One commit. */
  async revokeUser(user: string, next: readonly Issued[] = []): Promise<void> {
    await this.#change((register) =>
      next.reduce((sum, one) => this.#with(sum, one), withUserRevoked(register, user, this.#now()))
    );
    for (const [id, { issued }] of this.#unwritten) {
      if (issued.user === user) this.#unwritten.delete(id);
    }
  }

  /** Forgets the tokens of a user but for one: a server that shares its store with none has but one. */
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
