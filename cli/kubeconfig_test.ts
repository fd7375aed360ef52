import assert from "node:assert/strict";
import { CommandError } from "./command.ts";
import { readAccess } from "./kubeconfig.ts";

Deno.test("what a kubeconfig holds itself, and what lies in files beside it, is the same", async () => {
  await withKubeconfig({
    cluster: { server: "https://192.0.2.1:6443/", "certificate-authority-data": btoa("CA") },
    user: {
      token: "secret",
      "client-certificate-data": btoa("CERT"),
      "client-key-data": btoa("KEY"),
    },
  }, async (path) => assert.deepEqual(await readAccess(path), ACCESS));
  await withKubeconfig({
    cluster: { server: "https://192.0.2.1:6443", "certificate-authority": "ca.crt" },
    user: { tokenFile: "token", "client-certificate": "user.crt", "client-key": "user.key" },
  }, async (path, folder) => {
    const files = { "ca.crt": "CA", token: "secret\n", "user.crt": "CERT", "user.key": "KEY" };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    assert.deepEqual(await readAccess(path), ACCESS);
  });
});

Deno.test("a file that a kubeconfig names and that is not there is named", async () => {
  await withKubeconfig({
    cluster: { server: "https://192.0.2.1:6443", "certificate-authority": "gone.crt" },
    user: {},
  }, async (path) => {
    await assert.rejects(
      readAccess(path),
      (error) =>
        error instanceof CommandError &&
        /^Cannot read "gone.crt", which the kubeconfig names/.test(error.message),
    );
  });
});

const ACCESS = {
  ...{ server: "https://192.0.2.1:6443", caPem: "CA", token: "secret" },
  pair: { certificate: "CERT", key: "KEY" },
};

async function withKubeconfig(
  { cluster, user }: { cluster: object; user: object },
  act: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-kubeconfig-" });
  const config = {
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
  };
  try {
    const path = `${folder}/config`;
    await Deno.writeTextFile(path, JSON.stringify(config));
    await act(path, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
