import { expect, test } from "bun:test";

import { hintText } from "../../engine/cli/hint-text.ts";

test.each([
  ["See /docs for the parameters of this path.", "See `ekiden help start`."],
  ["GET /v1/definitions lists them.", "`ekiden definitions` lists them."],
  ["`ekiden definitions`, or GET /v1/definitions, lists them.", "`ekiden definitions` lists them."],
  ["GET /v1/keys, or `ekiden keys list`, shows them.", "`ekiden keys list` shows them."],
  ["GET /v1/messages?error=true shows what failed.", "`ekiden messages --error` shows what failed."],
  [
    "Nothing of it is parked. GET /v1/sagas/{id} shows where it stands.",
    "Nothing of it is parked. `ekiden show <id>` shows where it stands.",
  ],
  ["Look it up by its business key: GET /v1/sagas?key=…", "Look it up by its business key: `ekiden list --key …`"],
  ["By its business key: GET /v1/sagas?key=A-1042.", "By its business key: `ekiden list --key A-1042`."],
  ["By its business key: GET /v1/sagas?key=7.", "By its business key: `ekiden list --key 7`."],
  ["By its business key: GET /v1/sagas?key=a.b%2E.", "By its business key: `ekiden list --key a.b.`."],
  ["By its business key: GET /v1/sagas?key=a.b%20it's.", "By its business key: `ekiden list --key 'a.b it'\\''s'`."],
  ["Filter by a label as label.<name>=<value>.", "Filter by a label as --label <name>=<value>."],
  // Of what there is no command for, the call stays.
  ["GET /v1/definitions/loan lists its revisions.", "GET /v1/definitions/loan lists its revisions."],
])("%s", (hint, text) => {
  expect(hintText(hint, "start")).toBe(text);
});

test("without a command its help is that of all", () => {
  expect(hintText("See /docs for the parameters of this path.", "--json")).toBe("See `ekiden --help`.");
});
