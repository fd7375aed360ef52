import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { FolderNotices } from "./folder_notices.ts";

Deno.test("a pause ends by itself, though nobody writes any more, and at once with the container", async () => {
  const folder = await Deno.makeTempDir();
  const ended = new AbortController();
  const options = { path: `${folder}/0.log`, clock: new SystemClock(), ended: ended.signal };
  const notices = new FolderNotices({ ...options, signal: new AbortController().signal });
  try {
    for (let i = 0; i < 50; i++) await notices.pause(2.3); // timers may be early by a part of a millisecond
    const pause = notices.pause(3_600_000);
    ended.abort();
    await pause;
    await notices.next();
    assert.ok(notices.hasEnded);
  } finally {
    notices.close();
    await Deno.remove(folder, { recursive: true });
  }
});
