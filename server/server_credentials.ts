import { AdminCredentials } from "../core/api/access/admin_credentials.ts";
import { ClientCertificates } from "../core/api/access/client_certificates.ts";
import { Credentials } from "../core/api/access/credentials.ts";
import type { ApiOptions } from "../core/api/app.ts";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import { type Credentials as LoadedCredentials, loadCredentials } from "../core/api/access/pki.ts";
import type { Objects } from "../core/objects/objects.ts";
import { type Ground, keepRunning } from "./ground.ts";

/** Who the server is, and whom it knows. */
export interface ServerCredentials {
  loaded: LoadedCredentials;
  /** What the API is told of it. */
  api: Pick<ApiOptions, "tokens" | "certificates" | "credentials">;
  /** Writes down what has been issued, once this server may write. Never rejects. */
  record(): Promise<void>;
  /** Writes the kubeconfig, and looks after the admin's credentials from now on. `url`: where the server is found. */
  publish(url: string): Promise<void>;
}

/** `names`: by which clients know the server. `isAlone`: it shares its store with no other. */
export async function openCredentials(
  ground: Ground,
  objects: Objects,
  { names, isAlone }: { names: readonly string[]; isAlone: boolean },
): Promise<ServerCredentials> {
  const { dataFolder, clock, log } = ground;
  const files = new CredentialFiles(dataFolder);
  const loaded = await loadCredentials(files, names, clock.now());
  const register = new Credentials(objects);
  const admin = new AdminCredentials({ files, loaded, register, clock, log, isAlone });
  await admin.settle();
  const { authority, authorityKey } = loaded;
  const signer = { certificate: authority, key: authorityKey };
  return {
    loaded,
    api: {
      tokens: (id) => register.userOfToken(id),
      certificates: new ClientCertificates({ authority, clock, revocations: register }),
      credentials: { register, admin, authority: signer, clock },
    },
    record: () =>
      admin.record().catch((error) =>
        log.warn(
          "Cannot write down which credentials have been issued; tried again at the next start",
          {
            error,
          },
        )
      ),
    publish: async (url) => {
      await admin.publish(url);
      keepRunning(ground, "the admin's credentials", (signal) => admin.run(signal));
    },
  };
}
