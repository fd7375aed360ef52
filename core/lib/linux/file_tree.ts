import { cString, ERRNO, isErrno, Libc } from "./libc.ts";

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_EXCL_CREAT_WRONLY = 0o200 | 0o100 | 0o1;
/** The two that differ between machines (asm-generic/fcntl.h, arch/arm/include/uapi/asm/fcntl.h). */
const O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;
const MS_BIND = 4096n;
const MS_REC = 16384n;
const MS_PRIVATE = 1n << 18n;
const MNT_DETACH = 2;
/** As the kernel: more links on one path are taken for a circle (path_resolution(7)). */
const LINKS_MAX = 40;
/** Folders on one path; each is held open while the path is walked. */
const DEPTH_MAX = 128;
const PATH_BYTES_MAX = 4096;

/** A path leads out of the folder that it has to stay in. */
export class OutsideError extends Error {
  override name = "OutsideError";
}

/** A file or folder that is held: it stays the same one, whatever becomes of the paths that led to it. */
export interface HeldFile extends Disposable {
  readonly fd: number;
  /** A path to it for this process, as long as it is held. */
  readonly procPath: string;
}

export interface Walk {
  /** Whether the folder is the root of the file system: then absolute links and `..` are followed, as the kernel does. */
  isRoot?: boolean;
  /** Makes what is missing; absent: that is an error. */
  missing?: Missing;
}

/** What is made has these modes, whatever the umask is. */
export interface Missing {
  /** Absent: no folders are made. */
  folderMode?: number;
  /** Set when the last part is to be a file. */
  fileMode?: number;
  /** Called before something of this name is made in a folder; may throw. */
  check?(folder: HeldFile, name: string): void;
}

/**
 * Files and folders by descriptors, for paths that somebody else may change while we look: what was checked is what is
 * used. All calls are synchronous and throw {@linkcode SystemError}s.
 *
 * Source: the kubelet's `pkg/volume/util/subpath/subpath_linux.go`.
 */
export class FileTree implements Disposable {
  readonly #libc: Libc;

  /** `undefined` where foreign functions are not allowed, and for users who may not mount. */
  static open(): FileTree | undefined {
    const libc = Deno.uid() === 0 ? Libc.open() : undefined;
    return libc && new FileTree(libc);
  }

  private constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** What is held stays so. */
  [Symbol.dispose](): void {
    this.#libc.close();
  }

  /** Holds what a path leads to, links followed: for folders that nobody else can change. */
  hold(path: string): HeldFile {
    const { calls } = this.#libc;
    return this.#held(
      this.#libc.must(calls.open(cString(path), O_PATH | O_CLOEXEC, 0), `open "${path}"`),
    );
  }

  /**
   * Holds what a relative path leads to from a folder, opened step by step. Links are followed as far as they stay
   * inside: one that leads out, or is absolute, is an {@linkcode OutsideError}.
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

  /** Shows a held file or folder, with all that is mounted below it, at a path of ours too. */
  bind({ procPath }: HeldFile, target: string): void {
    const { calls } = this.#libc;
    const what = `mount at "${target}"`;
    const at = cString(target);
    const none = cString("none");
    this.#libc.must(calls.mount(cString(procPath), at, none, MS_BIND | MS_REC, null), what);
    // Else what is unmounted below it would be unmounted in its source as well (mount_namespaces(7)).
    this.#libc.must(calls.mount(none, at, none, MS_PRIVATE | MS_REC, null), what);
  }

  /** Takes away all that is mounted at these paths, outermost first; what is in use goes when it no longer is. */
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
    // Else it was swapped meanwhile for something that was there before, which keeps its mode.
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

  /** Where a held link leads; `undefined` for what is none. */
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
