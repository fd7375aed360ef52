/** How much of a container's log is kept. The kubelet's defaults for the same. */
export interface LogLimits {
  /** The kubelet's `containerLogMaxSize`: a file that has grown to it is rotated. */
  bytesMax: number;
  /** The kubelet's `containerLogMaxFiles`: of one run, the one that is written to included. */
  filesMax: number;
}

export const LOG_LIMITS: LogLimits = { bytesMax: 10 * 1024 * 1024, filesMax: 5 };

/** Of the run before, which `kubectl logs --previous` shows. All of a container: 70 MiB. */
export const PREVIOUS_FILES_MAX = 2;
