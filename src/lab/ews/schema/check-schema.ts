import type { XmlElement } from '#formats/text/xml-read.ts';
import { must } from '#kit/assert.ts';
import type { EwsVersion } from '../../seams.ts';
import table from './ews-schema.json' with { type: 'json' };
import {
  type ComplexType,
  namespaces,
  type Particle,
  prefixOf,
  type SchemaTable,
  type SimpleType,
  type TypeDefinition,
  type TypeReference,
} from './schema-table.ts';

/** Where a request breaks the schema, in the words of the .NET validator that Exchange uses. */
export class SchemaViolation extends Error {
  override readonly name = 'SchemaViolation';
}

/** Content model with what may begin it worked out. */
interface Model {
  readonly particle: Particle;
  readonly parts: readonly Model[];
  readonly first: ReadonlySet<string>;
  readonly emptiable: boolean;
  readonly type: TypeReference | null;
}

/** The schema of one version. */
export class Schema {
  readonly #elements = new Map<string, string>();
  readonly #types = new Map<string, TypeDefinition>();
  readonly #substitutes = new Map<string, readonly string[]>();
  readonly #models = new WeakMap<ComplexType, Model | null>();
  readonly #patterns = new Map<string, RegExp>();

  constructor(version: EwsVersion) {
    const source = table as unknown as SchemaTable;
    for (const { name, versions, is } of source.elements) if (versions.includes(version)) this.#elements.set(name, is);
    for (const { name, versions, is } of source.types) if (versions.includes(version)) this.#types.set(name, is);
    for (const { name, versions, is } of source.substitutes)
      if (versions.includes(version)) this.#substitutes.set(name, is);
  }

  /** Whether the version has this global element (`m:GetFolder`): whether it knows the operation. */
  has(name: string): boolean {
    return this.#elements.has(name);
  }

  readonly #orders = new Map<string, readonly string[]>();
  /** Local names of the elements a type may hold, in the order of the schema; empty when this version has no such type. */
  order(type: string): readonly string[] {
    let order = this.#orders.get(type);
    if (order === undefined) {
      const definition = this.#types.get(type);
      const names: string[] = [];
      const visit = (particle: Particle): void => {
        if (particle[0] === 'e' || particle[0] === 'r') names.push(particle[1].slice(2));
        else if (particle[0] !== 'any') for (const part of particle[1]) visit(part);
      };
      if (definition?.kind === 'complex' && definition.content !== undefined) visit(definition.content);
      this.#orders.set(type, (order = names));
    }
    return order;
  }

  /** Throws SchemaViolation. */
  check(element: XmlElement): void {
    const name = `${prefixOf(element.ns)}:${element.name}`;
    const type = this.#elements.get(name);
    if (type === undefined) throw new SchemaViolation(`The '${element.ns}:${element.name}' element is not declared.`);
    this.#checkType(element, type);
  }

  #checkType(element: XmlElement, reference: TypeReference): void {
    const type = this.#resolve(reference);
    if (type === null) {
      if (typeof reference === 'string' && reference !== 'x:anyType') {
        this.#noChildren(element);
        this.#checkValue(
          element.text,
          reference,
          () =>
            `The '${element.ns}:${element.name}' element is invalid - The value '${shorten(element.text)}' is invalid according to its datatype`,
        );
      }
      return;
    }
    if (type.kind === 'simple') {
      for (const [attribute] of element.attributes) this.#undeclaredAttribute(attribute);
      this.#noChildren(element);
      this.#checkValue(
        element.text,
        type,
        () =>
          `The '${element.ns}:${element.name}' element is invalid - The value '${shorten(element.text)}' is invalid according to its datatype`,
      );
      return;
    }
    if (type.open === 1) return;
    this.#checkAttributes(element, type);
    if (type.text !== undefined) {
      this.#noChildren(element);
      this.#checkValue(
        element.text,
        type.text,
        () =>
          `The '${element.ns}:${element.name}' element is invalid - The value '${shorten(element.text)}' is invalid according to its datatype`,
      );
      return;
    }
    if (type.mixed === undefined && element.text.trim() !== '')
      throw new SchemaViolation(`The element '${element.name}' in namespace '${element.ns}' cannot contain text.`);
    const model = this.#modelOf(type);
    if (model === null) {
      this.#noChildren(element);
      return;
    }
    const at = this.#match(model, element, 0);
    const extra = element.children[at];
    if (extra !== undefined) throw this.#invalidChild(element, extra, model);
  }

  #checkAttributes(element: XmlElement, type: ComplexType): void {
    const declared = type.attributes ?? {};
    for (const [attribute, value] of element.attributes) {
      const known =
        declared[attribute] ??
        (attribute.startsWith('http://www.w3.org/XML/1998/namespace|')
          ? declared[`xml:${attribute.slice(37)}`]
          : undefined);
      if (known === undefined) this.#undeclaredAttribute(attribute);
      else
        this.#checkValue(
          value,
          known[0],
          () =>
            `The '${attribute}' attribute is invalid - The value '${shorten(value)}' is invalid according to its datatype`,
        );
    }
    for (const attribute in declared)
      if (declared[attribute]?.[1] === 1 && !element.attributes.has(attribute))
        throw new SchemaViolation(`The required attribute '${attribute}' is missing.`);
  }

  #undeclaredAttribute(attribute: string): void {
    if (attribute.startsWith('http://www.w3.org/2001/XMLSchema-instance|')) return;
    throw new SchemaViolation(`The '${attribute}' attribute is not declared.`);
  }

  #noChildren(element: XmlElement): void {
    const [extra] = element.children;
    if (extra !== undefined) throw this.#invalidChild(element, extra, null);
  }

  #invalidChild(element: XmlElement, extra: XmlElement, model: Model | null): SchemaViolation {
    const expected =
      model === null
        ? ''
        : ` List of possible elements expected: '${[...model.first]
            .map((name) => name.slice(2))
            .slice(0, 12)
            .join(', ')}'.`;
    return new SchemaViolation(
      `The element '${element.name}' in namespace '${element.ns}' has invalid child element '${extra.name}' in namespace '${extra.ns}'.${expected}`,
    );
  }

  /** Index of the first child that the model did not take. The schemas are deterministic, so one look ahead decides. */
  #match(model: Model, parent: XmlElement, from: number): number {
    const { particle } = model;
    const kids = parent.children;
    const nameAt = (i: number): string | null => {
      const kid = kids[i];
      return kid === undefined ? null : `${prefixOf(kid.ns)}:${kid.name}`;
    };
    let at = from;
    let count = 0;
    const min = particle[particle.length - 2] as number;
    const maxRaw = particle[particle.length - 1] as number;
    const max = maxRaw < 0 ? Number.POSITIVE_INFINITY : maxRaw;
    while (count < max) {
      const name = nameAt(at);
      const starts = name !== null && (particle[0] === 'any' || model.first.has(name));
      if (!starts) break;
      const before = at;
      switch (particle[0]) {
        case 'any':
          at++;
          break;
        case 'e': {
          this.#checkType(kids[at] as XmlElement, particle[2]);
          at++;
          break;
        }
        case 'r': {
          this.#checkType(kids[at] as XmlElement, must(this.#elements.get(name), 'first holds declared elements'));
          at++;
          break;
        }
        case 's':
          for (const part of model.parts) at = this.#match(part, parent, at);
          break;
        case 'c': {
          const part = model.parts.find((p) => p.particle[0] === 'any' || p.first.has(name));
          at = this.#match(must(part, 'one of them begins like that'), parent, at);
          break;
        }
        case 'a': {
          const left = new Set(model.parts);
          for (;;) {
            const next = nameAt(at);
            const part = next === null ? undefined : [...left].find((p) => p.first.has(next));
            if (part === undefined) break;
            left.delete(part);
            at = this.#match(part, parent, at);
          }
          for (const part of left) if (!part.emptiable) throw this.#incomplete(parent, kids[at], part);
          break;
        }
      }
      count++;
      if (at === before) break;
    }
    if (count < min && !(model.emptiable && count === 0)) throw this.#incomplete(parent, kids[at], model);
    return at;
  }

  #incomplete(parent: XmlElement, found: XmlElement | undefined, model: Model): SchemaViolation {
    if (found !== undefined) return this.#invalidChild(parent, found, model);
    return new SchemaViolation(
      `The element '${parent.name}' in namespace '${parent.ns}' has incomplete content. List of possible elements expected: '${[
        ...model.first,
      ]
        .map((name) => name.slice(2))
        .slice(0, 12)
        .join(', ')}'.`,
    );
  }

  #modelOf(type: ComplexType): Model | null {
    let model = this.#models.get(type);
    if (model === undefined) {
      model = type.content === undefined ? null : this.#prepare(type.content);
      this.#models.set(type, model);
    }
    return model;
  }

  #prepare(particle: Particle): Model {
    const min = particle[particle.length - 2] as number;
    switch (particle[0]) {
      case 'any':
        return { particle, parts: [], first: new Set(), emptiable: min === 0, type: null };
      case 'e':
        return { particle, parts: [], first: new Set([particle[1]]), emptiable: min === 0, type: particle[2] };
      case 'r': {
        const members = [particle[1], ...this.#members(particle[1])].filter((name) => this.#elements.has(name));
        return { particle, parts: [], first: new Set(members), emptiable: min === 0, type: null };
      }
      default: {
        const parts = particle[1].map((part) => this.#prepare(part));
        const first = new Set<string>();
        for (const part of parts) {
          for (const name of part.first) first.add(name);
          if (particle[0] === 's' && !part.emptiable) break;
        }
        const inner =
          particle[0] === 'c'
            ? parts.some((part) => part.emptiable) || parts.length === 0
            : parts.every((part) => part.emptiable);
        return { particle, parts, first, emptiable: min === 0 || inner, type: null };
      }
    }
  }

  #members(head: string): readonly string[] {
    return (this.#substitutes.get(head) ?? []).flatMap((member) => [member, ...this.#members(member)]);
  }

  #resolve(reference: TypeReference): TypeDefinition | null {
    if (typeof reference !== 'string') return reference;
    return reference.startsWith('x:') ? null : must(this.#types.get(reference), `the table has no type ${reference}`);
  }

  #checkValue(value: string, reference: TypeReference, message: () => string): void {
    if (!this.#valid(value, reference))
      throw new SchemaViolation(
        `${message()} '${typeof reference === 'string' ? reference.replace(/^[tm]:/, `${namespaces.t}:`) : 'String'}' - The value is not allowed.`,
      );
  }

  #valid(value: string, reference: TypeReference): boolean {
    const type = this.#resolve(reference);
    if (type === null) return builtIn(value, reference as string);
    if (type.kind === 'complex') return type.text === undefined || this.#valid(value, type.text);
    return this.#validSimple(value, type);
  }

  #validSimple(value: string, type: SimpleType): boolean {
    if (type.union !== undefined) return type.union.some((member) => this.#valid(value, member));
    if (type.list !== undefined) {
      const list = type.list;
      return (
        value.trim() === '' ||
        value
          .trim()
          .split(/\s+/)
          .every((one) => this.#valid(one, list))
      );
    }
    if (type.base !== undefined && !this.#valid(value, type.base)) return false;
    if (type.values !== undefined && !type.values.includes(value)) return false;
    if (type.patterns !== undefined && !type.patterns.some((pattern) => this.#pattern(pattern).test(value)))
      return false;
    if (type.min !== undefined && !(Number(value) >= Number(type.min))) return false;
    if (type.max !== undefined && !(Number(value) <= Number(type.max))) return false;
    if (type.minLength !== undefined && value.length < type.minLength) return false;
    return type.maxLength === undefined || value.length <= type.maxLength;
  }

  #pattern(pattern: string): RegExp {
    let known = this.#patterns.get(pattern);
    if (known === undefined) this.#patterns.set(pattern, (known = new RegExp(`^(?:${pattern})$`, 'u')));
    return known;
  }
}

const shorten = (value: string): string => (value.length > 100 ? `${value.slice(0, 100)}…` : value);

const zone = '(?:Z|[+-]\\d\\d:\\d\\d)?';
const dateTime = new RegExp(`^-?\\d{4,}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?${zone}$`);
const date = new RegExp(`^-?\\d{4,}-\\d\\d-\\d\\d${zone}$`);
const time = new RegExp(`^\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?${zone}$`);
const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

function inRange(value: string, low: number, high: number): boolean {
  return /^\s*[+-]?\d+\s*$/.test(value) && Number(value) >= low && Number(value) <= high;
}

/** XSD's own types, as far as the EWS schemas use them. */
function builtIn(value: string, type: string): boolean {
  switch (type) {
    case 'x:boolean':
      return /^\s*(?:true|false|0|1)\s*$/.test(value);
    case 'x:int':
      return inRange(value, -2147483648, 2147483647);
    case 'x:unsignedInt':
      return inRange(value, 0, 4294967295);
    case 'x:short':
      return inRange(value, -32768, 32767);
    case 'x:unsignedShort':
      return inRange(value, 0, 65535);
    case 'x:unsignedByte':
      return inRange(value, 0, 255);
    case 'x:long':
    case 'x:integer':
      return inRange(value, -9.3e18, 9.3e18);
    case 'x:nonNegativeInteger':
      return inRange(value, 0, Number.POSITIVE_INFINITY);
    case 'x:positiveInteger':
      return inRange(value, 1, Number.POSITIVE_INFINITY);
    case 'x:double':
    case 'x:decimal':
    case 'x:float':
      return (
        /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(value) ||
        (type !== 'x:decimal' && /^(?:INF|-INF|NaN)$/.test(value))
      );
    case 'x:dateTime':
      return dateTime.test(value.trim()) && !Number.isNaN(Date.parse(value.trim().replace(/\.\d+/, '')));
    case 'x:date':
      return date.test(value.trim());
    case 'x:time':
      return time.test(value.trim());
    case 'x:duration':
      return /^\s*-?P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?\s*$/.test(value);
    case 'x:base64Binary':
      return isBase64(value);
    case 'x:language':
      return /^\s*[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\s*$/.test(value);
    default:
      return true;
  }
}

/** Cheap for the large ones: alphabet and length, white space left out. */
function isBase64(value: string): boolean {
  if (!base64.test(value)) return false;
  const length = /\s/.test(value) ? value.replace(/\s+/g, '').length : value.length;
  return length % 4 === 0;
}

const schemas = new Map<EwsVersion, Schema>();
/** The schema of a version; made once. */
export function schemaOf(version: EwsVersion): Schema {
  let schema = schemas.get(version);
  if (schema === undefined) schemas.set(version, (schema = new Schema(version)));
  return schema;
}
