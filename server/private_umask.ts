/**
 * Imported before everything else: files that this process creates are private by default. Those that others may read
 * get their mode where they are created, so that none is readable by all because somebody forgot to restrict it.
 */
Deno.umask(0o077);
