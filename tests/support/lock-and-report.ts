import { lockHome } from "../../engine/stack/home-lock.ts";
import { StackError } from "../../engine/stack/stack-error.ts";

// One of several engines that start at the same instant: it says whether it got the home, and waits to be killed.
const outcome = await lockHome(process.argv[2] ?? "").then(
  () => "locked",
  (error: unknown) => (error instanceof StackError ? error.code : String(error)),
);
console.log(outcome);
setInterval(() => {}, 60_000);
