/** A folder that other users can read, or that belongs to another user. The message says how to fix it. */
export class SharedFolderError extends Error {
  override name = "SharedFolderError";
}

/** What is checked of a folder, as `Deno.lstat` returns it. */
export type FolderFacts = Pick<Deno.FileInfo, "isDirectory" | "uid" | "mode">;

/**
 * Creates a folder that only this process' user can read (0700), with its parents. An existing one is used if it is
 * private, and never changed: otherwise a {@linkcode SharedFolderError} says what is wrong and which command fixes it.
 * Idempotent.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const fault = privacyFaultOf(path, await Deno.lstat(path), Deno.uid());
  if (fault !== undefined) throw new SharedFolderError(fault);
}

/** Why a folder is not private to a user; `undefined`: it is, or the system has no users. */
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
