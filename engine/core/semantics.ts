/** Version of these semantics; recorded with every transition, so that a fold knows by which rules it was made. */
export const SEMANTICS = 4;
/** The oldest version that `decide` still knows: what it recorded is folded by its own rules. */
export const SEMANTICS_OLDEST = 2;
