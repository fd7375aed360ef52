const ADDRESS = 0x400000n;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const CODE_AT = HEADER_BYTES + SEGMENT_BYTES;

/**
 * The smallest program that can be the first process of a pod, as an executable for the kernel itself (elf(5)): it needs no
 * library, and no image. It ignores SIGCHLD, so that the kernel takes away orphans that end (sigaction(2)), and waits
 * for ever. `undefined`: not for machines of this architecture, in the words of `Deno.build.arch`.
 */
export function pauseProgram(architecture: string): Uint8Array | undefined {
  const program = PROGRAMS.get(architecture);
  if (program === undefined) return undefined;
  const { machine, code } = program;
  const file = new Uint8Array(CODE_AT + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little endian, version 1
  view.setUint16(16, 2, true); // to be executed
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, ADDRESS + BigInt(CODE_AT), true); // where it begins
  view.setBigUint64(32, BigInt(HEADER_BYTES), true); // where its one segment is described
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, SEGMENT_BYTES, true);
  view.setUint16(56, 1, true);
  view.setUint32(HEADER_BYTES, 1, true); // to be loaded
  view.setUint32(HEADER_BYTES + 4, 5, true); // to read and to execute
  view.setBigUint64(HEADER_BYTES + 16, ADDRESS, true);
  view.setBigUint64(HEADER_BYTES + 24, ADDRESS, true);
  view.setBigUint64(HEADER_BYTES + 32, BigInt(file.length), true);
  view.setBigUint64(HEADER_BYTES + 40, BigInt(file.length), true);
  view.setBigUint64(HEADER_BYTES + 48, 0x1000n, true);
  file.set(code, CODE_AT);
  return file;
}

/** `struct sigaction` of the kernel: the handler is SIG_IGN, all else is 0. */
const IGNORE = [1, 0, 0, 0, 0, 0, 0, 0];

const PROGRAMS: ReadonlyMap<string, { machine: number; code: Uint8Array }> = new Map([
  ["x86_64", {
    machine: 62,
    code: Uint8Array.from([
      ...[0xb8, 13, 0, 0, 0], //            mov eax, rt_sigaction
      ...[0xbf, 17, 0, 0, 0], //            mov edi, SIGCHLD
      ...[0x48, 0x8d, 0x35, 23, 0, 0, 0], // lea rsi, IGNORE
      ...[0x31, 0xd2], //                   xor edx, edx
      ...[0x41, 0xba, 8, 0, 0, 0], //       mov r10d, 8
      ...[0x0f, 0x05], //                   syscall
      ...[0xb8, 34, 0, 0, 0], //            mov eax, pause
      ...[0x0f, 0x05], //                   syscall
      ...[0xeb, 0xf7], //                   jmp to the last mov
      ...[0, 0, 0, 0],
      ...bytesOf(IGNORE),
    ]),
  }],
  ["aarch64", {
    machine: 183,
    code: bytesOf([
      0xd2800220, // mov x0, SIGCHLD
      0x100001a1, // adr x1, IGNORE
      0xd2800002, // mov x2, 0
      0xd2800103, // mov x3, 8
      0xd28010c8, // mov x8, rt_sigaction
      0xd4000001, // svc 0
      0xd2800000, // mov x0, 0
      0xd2800001, // mov x1, 0
      0xd2800002, // mov x2, 0
      0xd2800003, // mov x3, 0
      0xd2800928, // mov x8, ppoll
      0xd4000001, // svc 0
      0x17fffffa, // b to the mov of x0 above
      0,
      ...IGNORE,
    ]),
  }],
]);

function bytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
  return bytes;
}
