import { programPath } from "../../core/lib/linux/program.ts";

/**
 * Removes a namespace's name below `/run/netns` of which there is one more mount, hidden by what was mounted above it:
 * `ip netns add` mounts the folder upon itself. Nobody gets there here, but in a mount namespace of its own a process may
 * look below, and a file that is removed in one takes its mounts in all with it (Linux 3.18).
 */
export async function removeHiddenName(path: string): Promise<void> {
  const program = programPath("unshare");
  if (program === undefined) return; // then a name stays that leads nowhere
  const folder = path.slice(0, path.lastIndexOf("/"));
  const script = 'umount -l "$0" && umount -l "$1"; rm -f "$1"';
  await new Deno.Command(program, {
    args: ["--mount", "--propagation", "private", "sh", "-c", script, folder, path],
    stdout: "null",
    stderr: "null",
  }).output();
}
