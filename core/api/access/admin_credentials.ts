import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  ADMIN,
  type AdminPair,
  type Credentials as LoadedCredentials,
  type CredentialStore,
  newAdminPair,
  newToken,
  writeAdminPair,
  writeAdminToken,
  writeKubeconfig,
} from "./pki.ts";
import type { KeyPair } from "./pki_certificates.ts";
import { certificateOfPem } from "../../lib/der/certificate.ts";
import { ADMIN_LIFE_MS, isDue } from "./certificate_life.ts";
import type { Issued } from "./credential_register.ts";
import type { Credentials } from "./credentials.ts";
import { tokenId } from "./token_id.ts";

/** How often to check whether the certificate is due for renewal: the machine's clock may jump. */
const LOOK_MS = 3_600_000;
const USER = ADMIN.commonName;

export interface AdminCredentialsOptions {
  files: CredentialStore;
  loaded: LoadedCredentials;
  register: Credentials;
  clock: Clock;
  log: Log;
  /** Whether no other server shares the store: then there is only one token. */
  isAlone: boolean;
}

/**
 * The admin's credentials in a data folder: a certificate that is valid for a year and renewed after two thirds of it,
 * and a token that is valid until it is rotated. Revoked ones are replaced at once.
 *
 * A renewed certificate stays valid until it expires; {@linkcode AdminCredentials.rotate} revokes the old ones.
 */
export class AdminCredentials {
  readonly #options: AdminCredentialsOptions;
  #admin: AdminPair;
  #url: string | undefined;
  /** Changes are made one at a time. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: AdminCredentialsOptions) {
    this.#options = options;
    this.#admin = options.loaded.admin;
    for (const issued of this.#issued(this.#admin)) {
      options.register.add(issued, { isNew: false });
    }
  }

  /** Writes the kubeconfig, now and after each change. `url`: of the server. */
  async publish(url: string): Promise<void> {
    this.#url = url;
    await this.#inTurn(() => this.#writeKubeconfig());
  }

  /** Replaces credentials that are due for renewal or revoked. */
  async renewIfDue(): Promise<void> {
    await this.#inTurn(async () => {
      const changes = [await this.#renewPair(), await this.#renewToken()];
      if (changes.includes(true)) await this.#writeKubeconfig();
    });
  }

  /**
   * Registers the credentials in the files, once this server may write to the store, and revokes those that somebody
   * has removed from the data folder. Throws an ApiError when the store takes no writes.
   */
  async record(): Promise<void> {
    const { register, loaded: { removed }, isAlone } = this.#options;
    await this.#inTurn(async () => {
      if (removed.certificate || removed.token) {
        await register.revokeUser(USER, this.#issued(this.#admin));
        removed.certificate = removed.token = false;
      }
      await register.write();
      if (isAlone) await register.dropOtherTokens(USER, tokenId(this.#admin.token));
    });
  }

  /**
   * Replaces certificate and token; the old ones are revoked when it resolves. Throws, and changes nothing, when files
   * or store cannot be written; the next start repairs what a crash in between left.
   */
  async rotate(): Promise<void> {
    await this.#inTurn(async () => {
      const before = this.#admin;
      const after = { ...await this.#newPair(), token: newToken() };
      try {
        await this.#install(after);
        await this.#options.register.revokeUser(USER, this.#issued(after));
      } catch (error) {
        await this.#install(before);
        throw error;
      }
      this.#options.log.info("The admin has new credentials; the old ones count no longer");
    });
  }

  /** Renews the credentials when they are due, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, register, log } = this.#options;
    const look = () =>
      this.renewIfDue().catch((error) =>
        log.warn("Cannot renew the admin's credentials", { error })
      );
    const stop = register.onChange(() => void look());
    try {
      for (;;) {
        await look();
        await clock.sleep(LOOK_MS, signal);
      }
    } finally {
      stop();
    }
  }

  async #renewPair(): Promise<boolean> {
    const { register, clock, log } = this.#options;
    const { serial, notAfterMs } = certificateOfPem(this.#admin.certificate);
    const isRevoked = register.isIdRevoked(serial, USER);
    if (!isRevoked && !isDue(notAfterMs, clock.now(), ADMIN_LIFE_MS)) return false;
    const pair = await this.#newPair();
    await writeAdminPair(this.#options.files, pair);
    this.#admin = { ...this.#admin, ...pair };
    await this.#addNew(this.#certificateOf(pair));
    log.info("The admin's certificate is a new one", {
      ...(isRevoked ? {} : { replaced: serial, whichIsValidUntil: timestamp(notAfterMs) }),
      validUntil: this.#certificateOf(pair).expiresAt,
    });
    return true;
  }

  async #renewToken(): Promise<boolean> {
    if (this.#options.register.userOfToken(tokenId(this.#admin.token))) return false;
    const token = newToken();
    await writeAdminToken(this.#options.files, token);
    this.#admin = { ...this.#admin, token };
    await this.#addNew(this.#tokenOf(token));
    this.#options.log.info("The admin's token is a new one: the old one has been revoked");
    return true;
  }

  /** It is valid here at once, and on other servers once it is written. */
  async #addNew(issued: Issued): Promise<void> {
    const { register, log } = this.#options;
    register.add(issued, { isNew: true });
    await register.write().catch((error) =>
      log.debug("Cannot write down a credential yet", { error })
    );
  }

  async #install(admin: AdminPair): Promise<void> {
    await writeAdminPair(this.#options.files, admin);
    await writeAdminToken(this.#options.files, admin.token);
    this.#admin = admin;
    await this.#writeKubeconfig();
  }

  async #writeKubeconfig(): Promise<void> {
    if (this.#url === undefined) return;
    const { files, loaded: { authority } } = this.#options;
    await writeKubeconfig(files, { authority, admin: this.#admin }, this.#url);
  }

  #newPair(): Promise<KeyPair> {
    const { loaded: { authority, authorityKey }, clock } = this.#options;
    return newAdminPair({ certificate: authority, key: authorityKey }, clock.now());
  }

  #issued(admin: AdminPair): Issued[] {
    return [this.#certificateOf(admin), this.#tokenOf(admin.token)];
  }

  #certificateOf({ certificate }: KeyPair): Issued & { expiresAt: string } {
    const { serial, notAfterMs } = certificateOfPem(certificate);
    const expiresAt = timestamp(notAfterMs);
    return { ...this.#now(), id: serial, type: "certificate", expiresAt };
  }

  #tokenOf(token: string): Issued {
    return { ...this.#now(), id: tokenId(token), type: "bearer" };
  }

  #now() {
    const issuedAt = timestamp(this.#options.clock.now());
    return { user: USER, groups: [ADMIN.organization], issuedAt };
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {}); // the caller gets the error
    return done;
  }
}
