import { appendFileSync, readFileSync } from "node:fs";

// A preload for engine processes under test: notes every file of the project that is loaded, in the file LOADS names.
const file = process.env["LOADS"] ?? "";
Bun.plugin({
  name: "note loads",
  setup(build) {
    build.onLoad({ filter: /\/(?:engine|domains|relay)\/.*\.ts$/ }, ({ path }) => {
      appendFileSync(file, `${path}\n`);
      return { contents: readFileSync(path, "utf8"), loader: "ts" };
    });
  },
});
