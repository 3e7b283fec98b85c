import { EngineError } from "../core/error.ts";

/** A process of the stack cannot be started or kept running: one sentence, and what to do about it. */
export class StackError extends EngineError {
  constructor(
    readonly code: `stack.${string}`,
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Says in one sentence why `folder` could not be written; every other error is returned as it is. */
export function asFolderError(folder: string, error: unknown): unknown {
  const cause = error instanceof Error && "code" in error ? String(error.code) : "";
  if (cause === "ENOSPC" || cause === "EDQUOT") return diskFull(folder, error);
  if (!["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOENT"].includes(cause)) return error;
  const hint = "Make the folder writable, or choose another one with EKIDEN_HOME.";
  return new StackError("stack.home-unwritable", `the folder ${folder} cannot be written (${cause})`, hint, {
    cause: error,
  });
}

/** No space is left on the disk that holds `folder`. */
export function diskFull(folder: string, cause: unknown): StackError {
  const hint = "Free some space (an empty server needs about 150 MB), or choose another disk with EKIDEN_HOME.";
  return new StackError("stack.disk-full", `no space is left on the disk of ${folder}`, hint, { cause });
}
