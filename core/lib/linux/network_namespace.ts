import { cString, type Libc, SystemError } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;
const O_CREAT_EXCL = 0o100 | 0o200;
const MS_BIND = 4096n;
const MNT_DETACH = 2;
const ENOENT = 2;

/** Creates a network namespace bound to a path, as `ip netns add` does. The file must not exist. */
export function addNamespace(libc: Libc, path: string): void {
  const { calls } = libc;
  addFile(libc, path);
  inOwnThread(libc, () => {
    libc.must(calls.unshare(CLONE_NEWNET), `make namespace "${path}"`);
    bind(libc, "/proc/thread-self/ns/net", path);
  });
}

/** A descriptor that keeps a namespace alive, whatever happens to its path, until it is closed. */
export function holdNamespace(libc: Libc, path: string): number {
  return openNamespace(libc, path);
}

/** Binds a held namespace to a path again, replacing what is there. */
export function nameNamespace(libc: Libc, held: number, path: string): void {
  removeNamespace(libc, path);
  addFile(libc, path);
  bind(libc, `/proc/self/fd/${held}`, path);
}

/**
 * Removes the path of a namespace. The kernel removes the namespace and its devices when its last process has ended.
 * Returns false when the path is still there, because something is mounted on top of it.
 */
export function removeNamespace(libc: Libc, path: string): boolean {
  const name = cString(path);
  libc.calls.umount2(name, MNT_DETACH); // fails when it was never mounted: then there is only the file
  try {
    libc.must(libc.calls.unlink(name), `remove namespace "${path}"`);
    return true;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return error.errno === ENOENT;
  }
}

/** Runs `act` inside a namespace. Sockets opened in it belong to that namespace. */
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

function addFile(libc: Libc, path: string): void {
  const { calls } = libc;
  const flags = O_CREAT_EXCL | O_RDONLY_CLOEXEC;
  calls.close(libc.must(calls.open(cString(path), flags, 0o400), `make namespace "${path}"`));
}

function bind(libc: Libc, source: string, path: string): void {
  const { mount } = libc.calls;
  const done = mount(cString(source), cString(path), cString("none"), MS_BIND, null);
  libc.must(done, `keep namespace "${path}"`);
}

/** Opens a namespace and passes its descriptor. */
export function openNamespace(libc: Libc, path: string): number {
  return libc.must(
    libc.calls.open(cString(path), O_RDONLY_CLOEXEC, 0),
    `open namespace "${path}"`,
  );
}

/**
 * Returns to the thread's own namespace afterwards. Only the calling thread enters the other one, and because `act` is
 * synchronous no other JavaScript runs in it.
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
