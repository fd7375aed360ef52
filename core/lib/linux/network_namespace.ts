import { cString, type Libc } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;
const O_CREAT_EXCL = 0o100 | 0o200;
const MS_BIND = 4096n;
const MNT_DETACH = 2;

/** Makes a network namespace that a path keeps alive, as `ip netns add` does. The file must not exist. */
export function addNamespace(libc: Libc, path: string): void {
  const { calls } = libc;
  calls.close(
    libc.must(
      calls.open(cString(path), O_CREAT_EXCL | O_RDONLY_CLOEXEC, 0o400),
      `make namespace "${path}"`,
    ),
  );
  inOwnThread(libc, () => {
    libc.must(calls.unshare(CLONE_NEWNET), `make namespace "${path}"`);
    const own = cString("/proc/thread-self/ns/net");
    libc.must(
      calls.mount(own, cString(path), cString("none"), MS_BIND, null),
      `keep namespace "${path}"`,
    );
  });
}

/** Lets go of a namespace. The kernel removes it with its devices when its last process has ended. */
export function removeNamespace({ calls }: Libc, path: string): void {
  calls.umount2(cString(path), MNT_DETACH); // fails when it was never mounted: then there is only the file
  calls.unlink(cString(path));
}

/** Acts inside a namespace. A socket that is opened there stays there. */
export function inNamespace<T>(libc: Libc, path: string, act: () => T): T {
  const { calls } = libc;
  const target = openNamespace(libc, path);
  try {
    return inOwnThread(libc, () => {
      libc.must(calls.setns(target, CLONE_NEWNET), `enter namespace "${path}"`);
      return act();
    });
  } finally {
    calls.close(target);
  }
}

/** Opens a namespace for calls that take its descriptor. */
export function openNamespace(libc: Libc, path: string): number {
  return libc.must(
    libc.calls.open(cString(path), O_RDONLY_CLOEXEC, 0),
    `open namespace "${path}"`,
  );
}

/**
 * Goes back to the thread's own namespace afterwards. Only the calling thread ever moves, and because `act` is
 * synchronous no other JavaScript runs meanwhile.
 */
function inOwnThread<T>(libc: Libc, act: () => T): T {
  const own = openNamespace(libc, "/proc/thread-self/ns/net");
  try {
    return act();
  } finally {
    libc.must(libc.calls.setns(own, CLONE_NEWNET), "return to the own network namespace");
    libc.calls.close(own);
  }
}
