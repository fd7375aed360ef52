/** A folder that others than this process' user can look into, or that is theirs. The message says how to mend it. */
export class SharedFolderError extends Error {
  override name = "SharedFolderError";
}

/** What is looked at of a folder, as `Deno.lstat` gives it. */
export type FolderFacts = Pick<Deno.FileInfo, "isDirectory" | "uid" | "mode">;

/**
 * Makes a folder that only this process' user can look into (0700), with its parents. One that is there already is
 * taken if it is so, and never changed: a {@linkcode SharedFolderError} says what is wrong with it, and by which
 * command to mend it. Doing it twice is doing it once.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const fault = privacyFaultOf(path, await Deno.lstat(path), Deno.uid());
  if (fault !== undefined) throw new SharedFolderError(fault);
}

/** Why a folder is not private to a user; `undefined`: it is, or the system knows no users. */
export function privacyFaultOf(
  path: string,
  { isDirectory, uid, mode }: FolderFacts,
  ownUid: number | null,
): string | undefined {
  if (!isDirectory) {
    return `"${path}" is a link or a file, not a folder; remove it with "rm ${path}"`;
  }
  if (ownUid === null || uid === null || mode === null) return undefined;
  if (uid !== ownUid) {
    return `"${path}" belongs to user ${uid}, not to user ${ownUid}; ` +
      `choose another, or give it away with "chown -R ${ownUid} ${path}"`;
  }
  const permissions = mode & 0o777;
  if ((permissions & 0o077) === 0) return undefined;
  const shown = permissions.toString(8).padStart(4, "0");
  return `"${path}" is open to others (mode ${shown}); close it with "chmod 700 ${path}"`;
}
