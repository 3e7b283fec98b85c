/** Seeds that once broke a rule, and why: they always run. A change of the generator makes them other runs; their reasons are held by tests of their own. */
export const FOUND_SEEDS: readonly { readonly seed: number; readonly why: string }[] = [];
