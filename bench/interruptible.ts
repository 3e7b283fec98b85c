import { Closing } from "../engine/closing.ts";

/** Runs `act`, and stops everything that it started, also when it fails or is interrupted (Ctrl-C, SIGTERM). */
export async function interruptible<Result>(act: (closing: Closing) => Promise<Result>): Promise<Result> {
  const closing = new Closing();
  let interrupted: Promise<void> | undefined;
  const interrupt = () => {
    interrupted ??= closing
      .run()
      .catch((error: unknown) => console.error(error))
      .finally(() => process.exit(130));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    return await act(closing);
  } finally {
    // What an interrupt closes makes the rest fail: it has the last word.
    if (interrupted !== undefined) await interrupted;
    await closing.run();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
