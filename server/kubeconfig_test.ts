import assert from "node:assert/strict";
import { dirname } from "node:path";
import { CommandError } from "./command_error.ts";
import { pathsIn, readAccess } from "./kubeconfig.ts";

Deno.test("data in a kubeconfig and files beside it mean the same", async () => {
  await withKubeconfig({
    cluster: CLUSTER,
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

Deno.test("a missing file that a kubeconfig refers to is named in the error", async () => {
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

Deno.test("of several kubeconfigs the first that has an entry counts, and one may be missing", async () => {
  const user = { token: "secret", "client-certificate": "user.crt", "client-key": "user.key" };
  const nowhere = { "current-context": "here", users: [{ name: "u", user }] };
  await withFiles({
    first: nowhere,
    "below/second": kubeconfigOf({ cluster: CLUSTER, user: { token: "wrong" } }),
    "user.crt": "CERT",
    "user.key": "KEY",
  }, async (folder) => {
    const paths = ["first", "gone", "below/second"].map((path) => `${folder}/${path}`);
    assert.deepEqual(await readAccess(...paths), ACCESS);
    await assert.rejects(readAccess(paths[1]!), CommandError, "the only one must be there");
  });
});

Deno.test("KUBECONFIG lists files as PATH lists folders", () => {
  assert.deepEqual(pathsIn("/a/config::/b/config"), ["/a/config", "/b/config"]);
  assert.deepEqual([pathsIn(""), pathsIn(undefined)], [undefined, undefined]);
});

const CLUSTER = {
  server: "https://192.0.2.1:6443/",
  "certificate-authority-data": btoa("CA"),
};
const ACCESS = {
  server: "https://192.0.2.1:6443",
  caPem: "CA",
  token: "secret",
  pair: { certificate: "CERT", key: "KEY" },
};

function withKubeconfig(
  given: { cluster: object; user: object },
  act: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  return withFiles({ config: kubeconfigOf(given) }, (folder) => act(`${folder}/config`, folder));
}

function kubeconfigOf({ cluster, user }: { cluster: object; user: object }): object {
  return {
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
  };
}

/** A folder with files, of texts or of JSON. */
async function withFiles(
  files: Readonly<Record<string, object | string>>,
  act: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-kubeconfig-" });
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(`${folder}/${path}`, text);
    }
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
