import { expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

/** What bash offers for a line whose last word is being typed. */
async function offered(words: readonly string[]): Promise<readonly string[]> {
  const { out: script, code } = await ekiden(["completion", "bash"]);
  expect(code).toBe(0);
  const line = words.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _ekiden; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = Bun.spawn(["bash", "-c", `${script}\n${ask}`], { stdio: ["ignore", "pipe", "pipe"] });
  const [text, errors] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
  expect(errors).toBe("");
  return text.split("\n").filter((word) => word !== "");
}

const withBash = test.if(Bun.which("bash") !== null);

withBash(
  "bash completes commands",
  async () => {
    expect(await offered(["ekiden", "re"])).toEqual(expect.arrayContaining(["retry", "redrive", "resume", "rewind"]));
    expect(await offered(["ekiden", "tai"])).toEqual(["tail"]);
    expect(await offered(["ekiden", "redrives", ""])).toEqual(["show", "continue", "stop"]);
    expect(await offered(["ekiden", "pipeline", "re"])).toEqual(["restart"]);
  },
  30_000,
);

withBash(
  "bash completes a command's options after a dash, and leaves the rest to files",
  async () => {
    expect(await offered(["ekiden", "tail", "--"])).toEqual(["--json", "--definition", "--status", "--type", "--help"]);
    expect(await offered(["ekiden", "redrives", "stop", "--r"])).toEqual(["--reason"]);
    expect(await offered(["ekiden", "redrives", "--"])).toEqual(["--json", "--help"]);
    expect(await offered(["ekiden", "check", "domains/"])).toEqual([]);
  },
  30_000,
);

test.each(["zsh", "fish"])(
  "%s knows every command, and takes the script if it is here",
  async (name) => {
    const { out, code } = await ekiden(["completion", name]);
    expect(code).toBe(0);
    const help = await ekiden(["--help"]);
    for (const [, command] of help.out.matchAll(/^ {2}([a-z]+) .*\S$/gm))
      if (command !== "help") expect(out).toContain(command as string);
    if (Bun.which(name) === null) return;
    const shell = Bun.spawn([name, "--no-execute"], { stdio: [new Blob([out]), "ignore", "pipe"] });
    expect([await shell.exited, await new Response(shell.stderr).text()]).toEqual([0, ""]);
  },
  30_000,
);

test("a shell that is not known is wrong usage", async () => {
  const { code, err } = await ekiden(["completion", "tcsh"]);
  expect([code, err]).toEqual([2, 'There is no completion for "tcsh": bash, zsh or fish.\n']);
});
