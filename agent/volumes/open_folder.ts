import { ifAbsent } from "../../core/lib/absent.ts";
import { giveToGroup } from "./group_ownership.ts";

/**
 * Makes a folder that all may write to, and the folders above it. One that is there already keeps the mode that its
 * containers gave it.
 */
export async function makeOpenFolder(path: string, groupId: number | undefined): Promise<void> {
  if (await Deno.stat(path).catch(ifAbsent) !== undefined) return;
  const end = path.lastIndexOf("/");
  const fresh = `${path.slice(0, end)}/.${path.slice(end + 1)}.new`; // no volume is called so
  await Deno.mkdir(fresh, { recursive: true });
  await Deno.chmod(fresh, 0o777); // whatever the umask is
  await giveToGroup(fresh, groupId);
  await Deno.rename(fresh, path);
}
