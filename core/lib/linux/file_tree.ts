import { assert } from "../assert.ts";
import { cString, ERRNO, isErrno, Libc } from "./libc.ts";

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_EXCL_CREAT_WRONLY = 0o200 | 0o100 | 0o1;
/** Differs between architectures (asm-generic/fcntl.h, arch/arm/include/uapi/asm/fcntl.h). */
const O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;
const MS_BIND = 4096n;
const MS_REC = 16384n;
const MS_PRIVATE = 1n << 18n;
const MS_SLAVE = 1n << 19n;
/** Read-only, without set-user-ID programs, devices and programs. */
const MS_COVER = 1n | 2n | 4n | 8n;
const MNT_DETACH = 2;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const MOUNT_ATTR_RDONLY = 1n;
/** Symbolic links followed on one path, as by the kernel (path_resolution(7)); more are a loop. */
const LINKS_MAX = 40;
/** Folders on one path, each of which is held open during the walk. */
const DEPTH_MAX = 128;
const PATH_BYTES_MAX = 4096;

/** A path leads outside of the folder that it must stay in. */
export class OutsideError extends Error {
  override name = "OutsideError";
}

/** An open descriptor of a file or folder: it stays the same file, whatever happens to its path. */
export interface HeldFile extends Disposable {
  readonly fd: number;
  /** Its path under `/proc/self/fd`, valid while it is held. */
  readonly procPath: string;
}

/** Whether mounts made below a mount, or its source, later are seen on the other side: not, from the source, on both. */
export type Propagation = "private" | "slave" | "shared";

export interface Walk {
  /** Whether the folder is the root of the file system: then absolute links and `..` are followed as by the kernel. */
  isRoot?: boolean;
  /** Creates what is missing; absent: that is an error. */
  missing?: Missing;
}

/** The modes of what is created, whatever the umask. */
export interface Missing {
  /** Absent: no folders are created. */
  folderMode?: number;
  /** Set when the last part is to be a file. */
  fileMode?: number;
  /** Called before something is created in a folder under this name; may throw. */
  check?(folder: HeldFile, name: string): void;
}

/**
 * Files and folders by descriptors, for paths that others may change between check and use: what was checked is what is
 * used. All calls are synchronous and throw {@linkcode SystemError}s.
 *
 * Source: the kubelet's `pkg/volume/util/subpath/subpath_linux.go`.
 */
export class FileTree implements Disposable {
  readonly #libc: Libc;

  /** `undefined` without permission for FFI, and for users who may not mount. */
  static open(): FileTree | undefined {
    const libc = Deno.uid() === 0 ? Libc.open() : undefined;
    return libc && new FileTree(libc);
  }

  private constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Files that are held stay open. */
  [Symbol.dispose](): void {
    this.#libc.close();
  }

  /** Opens a path, following links: for folders that only we can change. */
  hold(path: string): HeldFile {
    const { calls } = this.#libc;
    return this.#held(
      this.#libc.must(calls.open(cString(path), O_PATH | O_CLOEXEC, 0), `open "${path}"`),
    );
  }

  /**
   * Opens a path relative to a folder, step by step. Links that stay inside are followed; one that leads outside or is
   * absolute throws an {@linkcode OutsideError}.
   */
  holdBelow(folder: HeldFile, path: string, { isRoot = false, missing }: Walk = {}): HeldFile {
    const way = [this.#openAt(folder, ".")];
    const parts = partsOf(path);
    try {
      for (let links = 0; parts.length > 0;) {
        const name = parts.shift()!;
        if (name === "..") {
          if (way.length > 1) way.pop()![Symbol.dispose]();
          else if (!isRoot) throw new OutsideError(`"${path}" leads out of its folder`);
          continue;
        }
        if (way.length > DEPTH_MAX) {
          throw new Error(`"${path}" is deeper than ${DEPTH_MAX} folders`);
        }
        const next = this.#open(way.at(-1)!, name, { isLast: parts.length === 0, missing });
        const target = this.#target(next);
        if (target === undefined) {
          way.push(next);
          continue;
        }
        next[Symbol.dispose]();
        if (++links > LINKS_MAX) throw new Error(`Too many links on "${path}"`);
        if (target.startsWith("/")) {
          if (!isRoot) throw new OutsideError(`"${path}" leads out of its folder`);
          for (const held of way.splice(1)) held[Symbol.dispose]();
        }
        parts.unshift(...partsOf(target));
      }
      return way.pop()!;
    } finally {
      for (const held of way) held[Symbol.dispose]();
    }
  }

  /** Opens what has this name in a folder, not following a link; `undefined` when there is nothing any more. */
  holdEntry(folder: HeldFile, name: string): HeldFile | undefined {
    assert(!name.includes("/") && name !== "..", `"${name}" is no name in a folder`);
    try {
      return this.#openAt(folder, name);
    } catch (error) {
      if (isErrno(error, ERRNO.ENOENT)) return undefined;
      throw error;
    }
  }

  /** Bind-mounts a held file or folder, with everything mounted below it, at a path of ours. */
  bind({ procPath }: HeldFile, target: string, propagation: Propagation = "private"): void {
    const { calls } = this.#libc;
    const what = `mount at "${target}"`;
    const at = cString(target);
    const none = cString("none");
    this.#libc.must(calls.mount(cString(procPath), at, none, MS_BIND | MS_REC, null), what);
    // Otherwise unmounting below it would also unmount in its source (mount_namespaces(7)); see `unmount`.
    if (propagation === "shared") return;
    const type = propagation === "slave" ? MS_SLAVE : MS_PRIVATE;
    this.#libc.must(calls.mount(none, at, none, type | MS_REC, null), what);
  }

  /**
   * Covers a held file or folder, in the mount by which it is held, with an empty one that nobody can write to. What is
   * mounted from there afterwards shows that, too.
   */
  cover({ procPath }: HeldFile, kind: "file" | "folder"): void {
    const { calls } = this.#libc;
    const at = cString(procPath);
    const result = kind === "folder"
      ? calls.mount(cString("tmpfs"), at, cString("tmpfs"), MS_COVER, null)
      : calls.mount(cString("/dev/null"), at, cString("none"), MS_BIND, null);
    this.#libc.must(result, "cover a file or folder");
  }

  /**
   * Makes what is mounted at a path of ours read-only, with everything mounted below it (mount_setattr(2)). False when this
   * machine cannot.
   */
  makeReadOnly(target: string): boolean {
    const { mount_setattr } = this.#libc.calls;
    const attributes = new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n]);
    const result = mount_setattr?.(
      AT_FDCWD,
      cString(target),
      AT_RECURSIVE,
      new Uint8Array(attributes.buffer),
      BigInt(attributes.byteLength),
    );
    return result === 0;
  }

  /** Unmounts everything at these paths, outermost first; busy mounts are detached and end when no longer in use. */
  unmount(paths: readonly string[]): void {
    const { calls } = this.#libc;
    const none = cString("none");
    for (const path of paths) {
      calls.mount(none, cString(path), none, MS_PRIVATE | MS_REC, null);
    }
    for (const path of paths.toReversed()) calls.umount2(cString(path), MNT_DETACH);
  }

  #open(
    folder: HeldFile,
    name: string,
    { isLast, missing }: { isLast: boolean; missing: Missing | undefined },
  ): HeldFile {
    try {
      return this.#openAt(folder, name);
    } catch (error) {
      const { folderMode, fileMode } = missing ?? {};
      const makesFile = isLast && fileMode !== undefined;
      if (!isErrno(error, ERRNO.ENOENT) || (!makesFile && folderMode === undefined)) throw error;
      missing!.check?.(folder, name);
      return makesFile
        ? this.#makeFile(folder, name, fileMode)
        : this.#makeFolder(folder, name, folderMode!);
    }
  }

  #makeFolder(folder: HeldFile, name: string, mode: number): HeldFile {
    const { calls } = this.#libc;
    try {
      this.#libc.must(calls.mkdirat(folder.fd, cString(name), 0o700), `make folder "${name}"`);
    } catch (error) {
      if (!isErrno(error, ERRNO.EEXIST)) throw error;
      return this.#openAt(folder, name); // another was quicker
    }
    const made = this.#openAt(folder, name);
    const { isDirectory, uid, mode: now } = Deno.statSync(made.procPath);
    // Otherwise it was replaced in the meantime by an existing file, which keeps its mode.
    if (isDirectory && uid === Deno.uid() && ((now ?? 0) & 0o777) === 0o700) {
      Deno.chmodSync(made.procPath, mode);
    }
    return made;
  }

  #makeFile(folder: HeldFile, name: string, mode: number): HeldFile {
    const flags = O_EXCL_CREAT_WRONLY | O_NOFOLLOW | O_CLOEXEC;
    const fd = this.#libc.calls.openat(folder.fd, cString(name), flags, 0o600);
    try {
      const made = this.#held(this.#libc.must(fd, `make file "${name}"`));
      Deno.chmodSync(made.procPath, mode);
      return made;
    } catch (error) {
      if (!isErrno(error, ERRNO.EEXIST)) throw error;
      return this.#openAt(folder, name); // another was quicker
    }
  }

  #openAt(folder: HeldFile, name: string): HeldFile {
    const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    const fd = this.#libc.calls.openat(folder.fd, cString(name), flags, 0);
    return this.#held(this.#libc.must(fd, `open "${name}"`));
  }

  /** The target of a held symbolic link; `undefined` if it is not one. */
  #target({ fd }: HeldFile): string | undefined {
    const bytes = new Uint8Array(PATH_BYTES_MAX);
    const { readlinkat } = this.#libc.calls;
    const length = Number(readlinkat(fd, cString(""), bytes, BigInt(bytes.length)));
    return length < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, length));
  }

  #held(fd: number): HeldFile {
    const { calls } = this.#libc;
    return {
      fd,
      procPath: `/proc/self/fd/${fd}`,
      [Symbol.dispose]: () => void calls.close(fd),
    };
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
