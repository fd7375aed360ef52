/** The mount points in a text of `/proc/PID/mountinfo` (proc(5)), innermost first. */
export function mountPoints(mountinfo: string): readonly string[] {
  return mountinfo.split("\n")
    .map((line) => line.split(" ")[4])
    .filter((path) => path !== undefined)
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)))
    )
    .reverse();
}

/** Unmounts all that is mounted at or below the folders; what is in use goes when it no longer is. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const paths = mountPoints(await Deno.readTextFile("/proc/self/mountinfo"))
    .filter((path) => folders.some((each) => path === each || path.startsWith(`${each}/`)));
  if (paths.length === 0) return;
  await new Deno.Command("umount", { args: ["-l", ...paths], stderr: "null" }).output();
}
