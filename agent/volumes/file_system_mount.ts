import { programPath } from "../../core/lib/linux/program.ts";
import { mountPoints, readMounts } from "../../core/lib/linux/mount_table.ts";

/** A server that does not answer keeps `mount` waiting. The kubelet's two minutes are for all volumes of a pod. */
const MOUNT_MS_MAX = 110_000;
/** Of what the program says. */
const OUTPUT_CHARS_MAX = 1_000;

export interface FileSystem {
  /** As `mount -t` knows it. */
  type: string;
  /** What is mounted, such as `server:/path`. */
  source: string;
  /** Where; made when it is not there. */
  folder: string;
  options: readonly string[];
}

/** Mounts a file system of another machine. May be repeated. Rejects with the words of the kubelet. */
export async function mountFileSystem(
  { type, source, folder, options }: FileSystem,
): Promise<void> {
  if (mountPoints(await readMounts()).includes(folder)) return;
  await Deno.mkdir(folder, { recursive: true, mode: 0o750 });
  const args = [
    "-t",
    type,
    ...(options.length > 0 ? ["-o", options.join(",")] : []),
    "--", // the source comes from users
    source,
    folder,
  ];
  const program = programPath("mount") ?? "mount";
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args,
    signal: AbortSignal.timeout(MOUNT_MS_MAX),
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).output();
  if (success) return;
  const output = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
  const shown = args.filter((arg) => arg !== "--").join(" ");
  throw new Error(
    `mount failed: exit status ${code}\nMounting command: mount\nMounting arguments: ${shown}\n` +
      `Output: ${output.trim().slice(0, OUTPUT_CHARS_MAX)}\n`,
  );
}
