import assert from "node:assert/strict";
import { mountEntries } from "../../core/lib/linux/mount_table.ts";
import { coveringPath, exposedBy, shownPlaces } from "./protected_paths.ts";

/** The data on a disk of its own, of which a folder is shown elsewhere too; the root file system is shown at /host. */
const MOUNTS = mountEntries(`22 1 8:1 / / rw - ext4 /dev/root rw
23 22 0:5 / /run rw - tmpfs run rw
24 22 8:2 / /var/lib/coracle rw - ext4 /dev/data rw
25 22 8:2 /pods /srv/copy/of\\040pods rw - ext4 /dev/data rw
26 22 8:1 / /host rw - ext4 /dev/root rw
27 22 8:1 /home/share /mnt/share rw - ext4 /dev/root rw
28 24 8:1 /home/share /var/lib/coracle/pods/1/mounts/main/0 rw - ext4 /dev/root rw
29 22 0:9 / /tmp rw - tmpfs first rw
30 22 0:10 / /tmp rw - tmpfs second rw
`);
const DATA = "/var/lib/coracle";
const RUN = "/run/coracle-x";
const SOCKET = "/opt/podman/podman.sock";

const CASES: readonly [path: string, exposed: string | undefined][] = [
  ["/", DATA],
  ["/var", DATA],
  ["/var/lib", DATA],
  ["/var/lib/coracle", DATA],
  ["/var/lib/coracle/admin.token", DATA],
  ["/var/lib/coracle/pods/1/mounts/main/0", DATA],
  ["/var/lib/coracle2", undefined],
  ["/var/log", undefined],
  ["/srv/copy/of pods", DATA],
  ["/srv/copy/of pods/1", DATA],
  ["/srv/copy", DATA],
  ["/srv", DATA],
  ["/run", RUN],
  ["/run/coracle-x/podman.sock", RUN],
  ["/run/other", undefined],
  ["/opt", SOCKET],
  ["/opt/podman/podman.sock", SOCKET],
  ["/host", SOCKET],
  ["/host/opt/podman", SOCKET],
  ["/host/var/lib", undefined],
  ["/host/home", undefined],
  ["/mnt/share", undefined],
  ["/home/share", undefined],
  ["/tmp/anything", undefined],
  ["/tmp", undefined],
];

Deno.test("a path that would show a protected one is found out, whichever mount shows it", () => {
  for (const [path, exposed] of CASES) {
    assert.equal(exposedBy(path, [DATA, RUN, SOCKET], MOUNTS), exposed, path);
  }
});

Deno.test("without a mount table, paths decide", () => {
  assert.equal(exposedBy("/var", [DATA], []), DATA);
  assert.equal(exposedBy("/srv", [DATA], []), undefined);
});

Deno.test("a path that lies in a protected one is told from one that contains it", () => {
  const inside = new Set([
    "/var/lib/coracle",
    "/var/lib/coracle/admin.token",
    "/var/lib/coracle/pods/1/mounts/main/0",
    "/srv/copy/of pods",
    "/srv/copy/of pods/1",
    "/run/coracle-x/podman.sock",
    "/opt/podman/podman.sock",
  ]);
  for (const [path] of CASES) {
    const covering = coveringPath(path, [DATA, RUN, SOCKET], MOUNTS);
    assert.equal(covering !== undefined, inside.has(path), `${path} ${covering}`);
  }
});

/** What is mounted at a place of the agent's own, with all that is mounted below. */
const COPY = mountEntries(`22 1 8:1 / / rw - ext4 /dev/root rw
23 22 0:5 / /run rw - tmpfs run rw
24 22 8:2 / /var/lib/coracle rw - ext4 /dev/data rw
30 24 8:1 / /var/lib/coracle/m rw - ext4 /dev/root rw
31 30 0:5 / /var/lib/coracle/m/run rw - tmpfs run rw
32 30 8:2 / /var/lib/coracle/m/var/lib/coracle rw - ext4 /dev/data rw
33 30 8:2 /pods /var/lib/coracle/m/srv/copy rw - ext4 /dev/data rw
34 32 0:7 / /var/lib/coracle/m/var/lib/coracle/pods/1/tmp rw - tmpfs t rw
35 30 8:1 /opt /var/lib/coracle/m/mnt rw - ext4 /dev/root rw
40 24 8:1 /opt /var/lib/coracle/n rw - ext4 /dev/root rw
41 24 8:1 /srv /var/lib/coracle/o rw - ext4 /dev/root rw
42 24 8:2 /pods/2 /var/lib/coracle/p rw - ext4 /dev/data rw
43 24 8:1 /opt/podman/podman.sock /var/lib/coracle/q rw - ext4 /dev/root rw
`);

Deno.test("where a mount shows protected paths, itself or below", () => {
  const shown = (target: string) => shownPlaces(target, [DATA, RUN, SOCKET], COPY).sort();
  const m = `${DATA}/m`;
  assert.deepEqual(shown(m), [
    `${m}/mnt/podman/podman.sock`,
    `${m}/opt/podman/podman.sock`,
    `${m}/run/coracle-x`,
    `${m}/srv/copy`,
    `${m}/var/lib/coracle`,
  ]);
  assert.deepEqual(shown(`${DATA}/n`), [`${DATA}/n/podman/podman.sock`]);
  assert.deepEqual(shown(`${DATA}/o`), []);
  assert.deepEqual(shown(`${DATA}/p`), [`${DATA}/p`], "all of it");
  assert.deepEqual(shown(`${DATA}/q`), [`${DATA}/q`]);
});
