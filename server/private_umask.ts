/**
 * Imported before all else: what this process makes is its own. What others are to read is given its mode where it is
 * made, so that no file is open to all because somebody forgot to close it.
 */
Deno.umask(0o077);
