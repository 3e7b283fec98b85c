import { readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { defineDomain, FatalError, rejected, type StepContext, succeeded } from "ekiden";
import * as v from "valibot";

/** `folder`: the world outside, where each call leaves a file that is named after its idempotency key. */
const Book = v.strictObject({ note: v.string(), folder: v.string(), ms: v.number() });
type Book = v.InferOutput<typeof Book>;

/** A slow call to the outside: the caller may be stopped in it and woken up long after it was given up. */
async function book(input: Book, context: StepContext) {
  await Bun.sleep(input.ms);
  const became = await first(placeOf(input.folder, context.idempotencyKey), "booked");
  return became === "booked" ? succeeded() : rejected("void", "it was made void before it was booked");
}

/** Works from the step's key alone: what comes after it is void as well. */
async function release(input: Book, context: StepContext) {
  const { compensates } = context;
  if (!compensates) throw new FatalError("abroad.release only undoes a step", { code: "not_a_compensation" });
  const place = placeOf(input.folder, compensates.stepKey);
  if ((await first(place, "void")) === "booked") await first(`${place}.void`, "void");
  return succeeded();
}

/** The first to come says what the file is, for ever: a link is made with its content at once. */
async function first(path: string, wanted: string): Promise<string> {
  try {
    await symlink(wanted, path);
    return wanted;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return readlink(path);
  }
}

function placeOf(folder: string, key: string): string {
  return join(folder, key.replaceAll("/", "."));
}

export default defineDomain({
  name: "abroad",
  steps: {
    book: { input: Book, run: book, external: true },
    release: { input: Book, run: release, external: true },
  },
});
