/** Queued bytes beyond which a slow watcher is cut off. It resumes by its resourceVersion, or lists again. */
export const WATCH_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
