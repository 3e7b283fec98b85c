import { expect, test } from "bun:test";
import { root } from "../architecture/project-files.ts";
import { PLANTED, tryOnce } from "../support/planted-bugs.ts";
import { copyTree } from "../support/tree.ts";

/** A bug that none of them shows is not caught. */
const SEEDS = [1, 2, 3];

// The lock of sagas is taken away in isolation.test.ts, where every schedule that needs it is played.
test.each([...PLANTED])(
  "$bug: caught on a real engine, and the engine as it is shows nothing under the same seeds",
  async (planted) => {
    const tree = await copyTree();
    try {
      for (const [from, to] of planted.edits) await tree.edit(planted.file, from, to);
      let caught: readonly string[] = [];
      for (const seed of SEEDS) {
        const [buggy, clean] = await Promise.all([tryOnce(planted, tree.path, seed), tryOnce(planted, root, seed)]);
        expect({ seed, clean }).toEqual({ seed, clean: [] });
        caught = [...caught, ...buggy];
        if (caught.some((sentence) => planted.caughtBy.test(sentence))) break;
      }
      expect(caught).toContainEqual(expect.stringMatching(planted.caughtBy));
    } finally {
      await tree.remove();
    }
  },
  120_000,
);
