/** All definitions. The texts of broken files are left out: the one that is opened is read by itself. */
export const DEFINITIONS = "/v1/definitions?sources=false";
