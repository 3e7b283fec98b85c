const KIND = "A step says by its kind what it does: `command: domain.action`, `wait: a_signal`, `sleep: 1d`, …";
const WITH = "What a step sends is its `with`.";
const CATCH = "What is done about a failure is its `catch`: a code and the steps for it.";
const ORDER = "Steps run from top to bottom. A choice is `choose`, a repetition `each`.";
const UNDO = "How a step is undone is its `compensate`.";

/** Keys that people bring along from elsewhere, none of them near a key of ours, and what says it here. */
export const HABITS: ReadonlyMap<string, string> = new Map([
  ["then", "The `if` of a step is for that step alone. For several: `choose:` with `- when: …` and `then:`."],
  ["until", "A time to wait for is `sleep: { until: … }`; how long a step may take is its `deadline`."],
  ["name", "A step's name stands behind `step:`."],
  ["id", "A step's name stands behind `step:`."],
  ...["goto", "next", "loop", "for_each", "foreach"].map((key) => [key, ORDER] as const),
  ...["action", "call", "run", "type", "uses"].map((key) => [key, KIND] as const),
  ...["args", "arguments", "input", "params", "payload"].map((key) => [key, WITH] as const),
  ...["error", "except", "onError", "on_error", "on_failure", "rescue"].map((key) => [key, CATCH] as const),
  ...["rollback", "undo", "revert"].map((key) => [key, UNDO] as const),
]);
