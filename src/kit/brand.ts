declare const brand: unique symbol;

/** A string of one meaning. Mixing two meanings is a type error; what is inside is nobody's business but the maker's. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };
