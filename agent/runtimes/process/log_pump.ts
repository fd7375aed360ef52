/** What is passed on at once; with less room than that a file is full. */
const PIECE_BYTES = 4096;
/** Pieces that are lost at once while the disk is full. */
const LOST_PIECES = 16;
/** How long processes that hold the pipe after the end are waited for. */
const END_SECONDS_MAX = 1;

/**
 * Shell functions for a pipeline `{ begin_output; …; end_output; } | pump`, that bound what is kept of the output: it is
 * appended to `$log`, which is renamed to `$log.N` (N grows) once it has `$bytes`, and started again; the oldest goes, so
 * that there are never more than `$files`. Nothing is lost between two files, and who writes faster than the pump waits.
 * On a full disk what cannot be written is lost, and the command goes on.
 *
 * `dd` passes on what comes as it comes; how much that was is seen by the place in the file, without another process.
 *
 * The two sides exchange their process numbers in files beside `$side`: processes that have left their group
 * may hold the pipe for ever, so a pump that is not done soon after the end is ended; one that is, ends the waiting.
 */
export const LOG_PUMP = `
tell_side() {
  read -r self rest </proc/self/stat
  echo "$self" >"$side.$1"
}
begin_output() {
  tell_side output
}
end_output() {
  exec >/dev/null
  sleep ${END_SECONDS_MAX}
  read -r pump <"$side.pump" && kill -s KILL "$pump"
}
pump() {
  tell_side pump
  number=0
  while exec 6>>"$log"; do
    while
      read -r word at </proc/self/fdinfo/6
      pieces=$(((bytes - at) / ${PIECE_BYTES}))
      [ "$pieces" -gt 0 ]
    do
      if dd bs=${PIECE_BYTES} count="$pieces" >&6; then
        read -r word now </proc/self/fdinfo/6
        [ "$now" -gt "$at" ] || break 2
      else
        dd bs=${PIECE_BYTES} count=${LOST_PIECES} >/dev/null
      fi
    done
    number=$((number + 1))
    mv -f "$log" "$log.$number"
    rm -f "$log.$((number - files + 1))"
  done
  read -r output <"$side.output" && kill "$output"
}
`;
