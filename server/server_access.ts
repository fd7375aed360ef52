import { AdminCredentials } from "../core/api/access/admin_credentials.ts";
import { ClientCertificates } from "../core/api/access/client_certificates.ts";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import { credentialRegisters } from "../core/api/access/credential_register.ts";
import { Credentials } from "../core/api/access/credentials.ts";
import { isReplaced, joinedBy } from "../core/api/access/joining/replaced_machines.ts";
import {
  type Credentials as LoadedCredentials,
  loadCredentials,
  loadFrontProxy,
} from "../core/api/access/pki.ts";
import { AccountTokens } from "../core/api/access/service_accounts/account_tokens.ts";
import { secretTokenOf } from "../core/api/access/service_accounts/secret_token.ts";
import { loadSigningKey } from "../core/api/access/service_accounts/signing_key.ts";
import { update } from "../core/controllers/runtime/controller.ts";
import { certificateOfPem } from "../core/lib/der/certificate.ts";
import { signRequest } from "../core/api/access/pki_certificates.ts";
import type { Api } from "../core/api/app.ts";
import type { Audit } from "../core/api/audit/audit.ts";
import { serve } from "../core/api/front/front.ts";
import { ListenError, type Served } from "../core/api/front/served.ts";
import type { Objects } from "../core/objects/objects.ts";
import { dialableHost, hostAndPort } from "./addresses.ts";
import { CommandError } from "./command_error.ts";
import { type CommandContext, keepRunning } from "./context.ts";
import type { ServerFlags } from "./options.ts";
import type { ServerAccess } from "./server.ts";

/** Loaded only when the flags ask for it. */
async function auditOf(
  { flags, clock, random, log, parts }: CommandContext<ServerFlags>,
): Promise<Audit | undefined> {
  const { auditLogPath: path, auditPolicyFile: policyFile } = flags;
  if (path === undefined) return undefined;
  if (policyFile === undefined) {
    log.warn("Without an audit policy nothing is recorded: use --audit-policy-file");
    return undefined;
  }
  const { AuditError, openAudit } = await import("../core/api/audit/open_audit.ts");
  try {
    const limits = {
      ageMsMax: (flags.auditLogMaxage ?? 0) * DAY_MS,
      backupsMax: flags.auditLogMaxbackup ?? 0,
      bytesMax: (flags.auditLogMaxsize || AUDIT_LOG_MIB_DEFAULT) * 1024 * 1024,
    };
    const opened = await openAudit({ path, policyFile, limits }, { clock, random, log });
    parts.defer(() => opened.stop());
    return opened.audit;
  } catch (error) {
    throw error instanceof AuditError ? new CommandError(error.message, 2) : error;
  }
}
const DAY_MS = 24 * 60 * 60 * 1000;
/** As in kube-apiserver. */
const AUDIT_LOG_MIB_DEFAULT = 100;

/** Loads the server's certificates and the admin's credentials, or makes them. `isAlone`: it shares its store with no other. */
export async function openAccess(
  context: CommandContext<ServerFlags>,
  objects: Objects,
  { isAlone }: { isAlone: boolean },
): Promise<ServerAccess> {
  const { dataFolder, flags, clock, log, random } = context;
  const audit = await auditOf(context);
  const files = new CredentialFiles(dataFolder);
  const { advertise = [] } = flags;
  const names = [
    ...advertise,
    ...namesOf(flags.listen.host),
    flags.node,
    objects.apiServiceAddress,
  ];
  const loaded = await loadCredentials(files, names, clock.now());
  const register = new Credentials(objects);
  const admin = new AdminCredentials({ files, loaded, register, clock, log, isAlone });
  await admin.renewIfDue();
  const { authority, authorityKey } = loaded;
  const { store } = objects;
  const accounts = new AccountTokens({ store, key: await loadSigningKey(files), clock, random });
  const frontProxy = once(() => loadFrontProxy(files));
  const signer = { certificate: authority, key: authorityKey };
  return {
    authority,
    ...(advertise[0] !== undefined && { advertisedHost: advertise[0] }),
    signer: (...asked) => {
      const pem = signRequest(signer, ...asked);
      const listed = register.registerWith(certificateOfPem(pem));
      return { pem, before: listed ? [update(credentialRegisters, listed)] : [] };
    },
    tokenSigner: (account, secret) => secretTokenOf(account, secret, accounts.key),
    api: {
      accounts,
      ...(audit && { audit }),
      frontProxy,
      tokens: (id) => register.userOfToken(id),
      certificates: new ClientCertificates({
        authority,
        clock,
        revocations: { isRevoked: (user) => register.isRevoked(user) || isReplaced(user, store) },
      }),
      credentials: {
        ...{ register, admin, authority: signer, clock },
        uidOfNode: (node) => joinedBy(node, store),
      },
    },
    record: () =>
      admin.record().catch((error) =>
        log.warn(
          "Cannot record which credentials have been issued; tried again at the next start",
          { error },
        )
      ),
    serve: async (api) => {
      const served = await listen(context, api, loaded);
      await admin.publish(urlOf(served));
      keepRunning(context, "the admin's credentials", (signal) => admin.run(signal));
      return served;
    },
  };
}

/** Calls `make` at the first call alone. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

/** The URL of a server for clients on its machine. */
export function urlOf({ address: { host, port } }: Pick<Served, "address">): string {
  return `https://${hostAndPort(dialableHost(host), port)}`;
}

async function listen(
  { flags, clock, log }: CommandContext<ServerFlags>,
  api: Api,
  { authority, server: pair }: LoadedCredentials,
): Promise<Served> {
  const { listen, front = "auto" } = flags;
  try {
    return await serve(api, { ...listen, front, tls: { ...pair, authority }, clock, log });
  } catch (error) {
    throw error instanceof ListenError ? new CommandError(error.message) : error;
  }
}

/** All hosts under which an API that listens there is reached. */
function namesOf(host: string): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [host];
  return Deno.networkInterfaces().map(({ address }) => address)
    .filter((address) => !address.startsWith("fe80:"));
}
