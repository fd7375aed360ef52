import assert from "node:assert/strict";
import { cleanMappingsOf, releaseProgramPages } from "./program_pages.ts";

function mapping(range: string, rights: string, path: string, dirtyKb = 0): string {
  return `${range} ${rights} 00001000 fe:00 1234                       ${path}
Size:                120 kB
Rss:                 100 kB
Shared_Clean:        100 kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Private_Dirty:       ${String(dirtyKb).padStart(3)} kB
Anonymous:           ${String(dirtyKb).padStart(3)} kB
VmFlags: rd ex mr mw me
`;
}

Deno.test("only what shows the program's file unchanged is let go of", () => {
  const smaps = mapping("1000-3000", "r-xp", "/bin/deno") +
    mapping("4000-5000", "r--p", "/bin/deno") +
    mapping("6000-7000", "r--p", "/bin/deno", 4) +
    mapping("8000-9000", "rw-p", "/bin/deno") +
    mapping("a000-b000", "r-xs", "/bin/deno") +
    mapping("c000-d000", "r-xp", "/bin/deno-2") +
    mapping("e000-f000", "r-xp", "");
  assert.deepEqual(cleanMappingsOf(smaps, "/bin/deno"), [
    { start: 0x1000n, bytes: 0x2000n },
    { start: 0x4000n, bytes: 0x1000n },
  ]);
  assert.deepEqual(cleanMappingsOf("", "/bin/deno"), []);
});

Deno.test({
  name: "a program goes on without its pages, and uses less memory",
  ignore: Deno.build.os !== "linux",
  fn() {
    const before = Deno.memoryUsage().rss;
    releaseProgramPages();
    const after = Deno.memoryUsage().rss;
    assert.ok(after < before - 10 * 1024 * 1024, `${before} → ${after}`);
    assert.equal([3, 1, 2].toSorted().join(), "1,2,3");
  },
});
