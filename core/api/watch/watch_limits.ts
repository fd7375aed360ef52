/** What a slow watcher may let wait before it is cut off. It resumes by its resourceVersion, or lists again. */
export const WATCH_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
