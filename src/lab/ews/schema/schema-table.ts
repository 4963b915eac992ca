import type { EwsVersion } from '../../seams.ts';

/**
 * The parts of the EWS schemas that requests are checked against, as compact data (`ews-schema.json`), made from the XSDs by
 * `compile-xsd.ts`. Names are `m:Name` and `t:Name` for the two namespaces, `x:` for XSD's own types.
 */
export interface SchemaTable {
  readonly elements: readonly Entry<string>[];
  readonly types: readonly Entry<TypeDefinition>[];
  /** Head of a substitution group → its members. */
  readonly substitutes: readonly Entry<readonly string[]>[];
}

/** A definition and the versions in which it is exactly so. */
export interface Entry<T> {
  readonly name: string;
  readonly versions: readonly EwsVersion[];
  readonly is: T;
}

export type TypeDefinition = ComplexType | SimpleType;

export interface ComplexType {
  readonly kind: 'complex';
  /** Attribute → its type and whether it must be there. */
  readonly attributes?: Readonly<Record<string, readonly [type: TypeReference, required: 0 | 1]>>;
  readonly content?: Particle;
  /** Text content. */
  readonly text?: TypeReference;
  readonly mixed?: 1;
  /** Anything may stand inside: `xs:any`, `xs:anyType`. */
  readonly open?: 1;
}

export interface SimpleType {
  readonly kind: 'simple';
  readonly base?: TypeReference;
  readonly values?: readonly string[];
  readonly patterns?: readonly string[];
  readonly min?: string;
  readonly max?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly union?: readonly TypeReference[];
  readonly list?: TypeReference;
}

/** By name, or defined in place. */
export type TypeReference = string | TypeDefinition;

/** -1: unbounded. */
type Occurs = number;

export type Particle =
  | readonly ['e', name: string, type: TypeReference, min: Occurs, max: Occurs]
  /** A reference to a global element, or to whatever may stand for it. */
  | readonly ['r', name: string, min: Occurs, max: Occurs]
  | readonly ['s' | 'c' | 'a', parts: readonly Particle[], min: Occurs, max: Occurs]
  | readonly ['any', min: Occurs, max: Occurs];

export const namespaces = {
  m: 'http://schemas.microsoft.com/exchange/services/2006/messages',
  t: 'http://schemas.microsoft.com/exchange/services/2006/types',
} as const;

export const prefixOf = (ns: string): string =>
  ns === namespaces.m ? 'm' : ns === namespaces.t ? 't' : ns === 'http://www.w3.org/2001/XMLSchema' ? 'x' : '?';
