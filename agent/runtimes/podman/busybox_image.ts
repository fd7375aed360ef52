import { programPath } from "../../../core/lib/linux/program.ts";
import type { PodmanClient } from "./podman_client.ts";
import { tarArchive, type TarEntry } from "./tar_archive.ts";

/** The commands that the image has by name; all others of busybox are there as `busybox NAME`. */
const COMMANDS = (
  "sh cat chmod cp date dd echo env false grep head hostname httpd id ip kill ls mkdir mount mv nc " +
  "nslookup ping printf ps pwd rm sed seq sleep stat tail tar tee test touch tr true ulimit uname wc wget yes"
).split(" ");
const FOLDERS = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"];

/**
 * Makes an image of this machine's statically linked busybox, without a registry.
 * `changes` are Dockerfile instructions: `ENV A=b`, `ENTRYPOINT ["httpd"]`. Resolves with the image's id.
 */
export async function importBusybox(
  client: PodmanClient,
  reference: string,
  changes: readonly string[] = [],
): Promise<string> {
  const path = programPath("busybox");
  if (path === undefined) {
    throw new Error(
      'Cannot make an image of busybox: it is not installed; install it with "apt-get install busybox-static"',
    );
  }
  const { Id } = await client.json<{ Id: string }>("POST", "/images/import", {
    query: { reference, changes: ["ENV PATH=/bin", ...changes] },
    body: busyboxArchive(await Deno.readFile(path)),
  });
  return Id;
}

/** The files of the image. */
export function busyboxArchive(busybox: Uint8Array): Uint8Array<ArrayBuffer> {
  const entries: TarEntry[] = [
    ...FOLDERS.map((name) => ({ name: `${name}/`, mode: name === "tmp" ? 0o1777 : 0o755 })),
    { name: "bin/busybox", mode: 0o755, content: busybox },
    ...COMMANDS.map((name) => ({ name: `bin/${name}`, mode: 0o777, link: "busybox" })),
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    file("etc/group", "root:x:0:\nnobody:x:65534:\n"),
  ];
  return tarArchive(entries);
}

function file(name: string, text: string): TarEntry {
  return { name, mode: 0o644, content: new TextEncoder().encode(text) };
}
