import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import { must } from '#kit/assert.ts';
import type { EwsVersion } from '../../seams.ts';
import type {
  ComplexType,
  Entry,
  Particle,
  SchemaTable,
  SimpleType,
  TypeDefinition,
  TypeReference,
} from './schema-table.ts';

/** The two schema files of one version, as text. */
export interface SchemaFiles {
  readonly version: EwsVersion;
  readonly messages: string;
  readonly types: string;
}

/**
 * Types that travelled through php-ews, which wrote lists in place of Microsoft's reference to the substitution group and forgot
 * `Contains` in the set of 2007. They are put back as the 2013 and SE sets, which came another way, have them.
 */
const repaired: Readonly<Record<string, ComplexType>> = {
  't:RestrictionType': { kind: 'complex', content: ['s', [['r', 't:SearchExpression', 1, 1]], 1, 1] },
  't:NotType': { kind: 'complex', content: ['s', [['s', [['r', 't:SearchExpression', 1, 1]], 1, 1]], 1, 1] },
};

/**
 * Makes the table out of XSDs: what is reachable from `roots` in each version, equal definitions kept once. `fixed` and
 * `default` are left out (two sets fix the version attribute, servers do not), and so is documentation.
 */
export function compileSchemas(files: readonly SchemaFiles[], roots: readonly string[]): SchemaTable {
  const merged = {
    elements: new Merger<string>(),
    types: new Merger<TypeDefinition>(),
    substitutes: new Merger<readonly string[]>(),
  };
  for (const file of files) compileOne(file, roots, merged);
  return {
    elements: merged.elements.entries(),
    types: merged.types.entries(),
    substitutes: merged.substitutes.entries(),
  };
}

class Merger<T> {
  readonly #byContent = new Map<string, { name: string; versions: EwsVersion[]; is: T }>();
  add(version: EwsVersion, name: string, is: T): void {
    const content = `${name} ${JSON.stringify(is)}`;
    const known = this.#byContent.get(content);
    if (known === undefined) this.#byContent.set(content, { name, versions: [version], is });
    else known.versions.push(version);
  }
  entries(): readonly Entry<T>[] {
    return [...this.#byContent.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

interface Merged {
  readonly elements: Merger<string>;
  readonly types: Merger<TypeDefinition>;
  readonly substitutes: Merger<readonly string[]>;
}

function compileOne(file: SchemaFiles, roots: readonly string[], merged: Merged): void {
  const globals = new Map<string, { element: XmlElement; prefix: string }>();
  for (const [prefix, text] of [
    ['m', file.messages],
    ['t', file.types],
  ] as const) {
    for (const element of parseXmlBytes(text).root.children) {
      const name = element.attributes.get('name');
      if (name !== undefined) globals.set(`${element.name} ${prefix}:${name}`, { element, prefix });
    }
  }
  const substitutes = new Map<string, string[]>();
  for (const [key, { element, prefix }] of globals) {
    const head = element.attributes.get('substitutionGroup');
    if (head === undefined) continue;
    const list = substitutes.get(qualified(head, prefix)) ?? [];
    list.push(key.slice('element '.length));
    substitutes.set(qualified(head, prefix), list);
  }
  const seenTypes = new Set<string>();
  const seenElements = new Set<string>();

  function element(name: string): void {
    if (seenElements.has(name)) return;
    seenElements.add(name);
    const global = globals.get(`element ${name}`);
    if (global === undefined) return;
    for (const member of substitutes.get(name) ?? []) element(member);
    if (substitutes.has(name)) merged.substitutes.add(file.version, name, must(substitutes.get(name), 'just seen'));
    const declared = global.element.attributes.get('type');
    if (declared !== undefined) merged.elements.add(file.version, name, named(declared, global.prefix));
    else {
      const inline = global.element.children.find((c) => c.name === 'complexType' || c.name === 'simpleType');
      if (inline === undefined) return;
      merged.elements.add(file.version, name, `${name} (inline)`);
      merged.types.add(file.version, `${name} (inline)`, definition(inline, global.prefix));
    }
  }

  function named(reference: string, prefix: string): string {
    const name = qualified(reference, prefix);
    if (!name.startsWith('x:') && !seenTypes.has(name)) {
      seenTypes.add(name);
      const repair = repaired[name];
      if (repair !== undefined) {
        element('t:SearchExpression');
        merged.types.add(file.version, name, repair);
        return name;
      }
      const global = globals.get(`complexType ${name}`) ?? globals.get(`simpleType ${name}`);
      merged.types.add(
        file.version,
        name,
        global === undefined ? { kind: 'complex', open: 1 } : definition(global.element, global.prefix),
      );
    }
    return name;
  }

  function definition(type: XmlElement, prefix: string): TypeDefinition {
    return type.name === 'simpleType' ? simple(type, prefix) : complex(type, prefix);
  }

  function typeOf(node: XmlElement, prefix: string): TypeReference {
    const reference = node.attributes.get('type');
    if (reference !== undefined) return named(reference, prefix);
    const inline = node.children.find((c) => c.name === 'complexType' || c.name === 'simpleType');
    return inline === undefined ? 'x:anyType' : definition(inline, prefix);
  }

  function simple(type: XmlElement, prefix: string): SimpleType {
    const [inner] = type.children.filter((c) => c.name !== 'annotation');
    if (inner === undefined) return { kind: 'simple' };
    if (inner.name === 'list')
      return {
        kind: 'simple',
        list: inner.attributes.has('itemType')
          ? named(must(inner.attributes.get('itemType'), 'itemType'), prefix)
          : typeOf(inner, prefix),
      };
    if (inner.name === 'union') {
      const members = (inner.attributes.get('memberTypes') ?? '')
        .split(/\s+/)
        .filter((m) => m !== '')
        .map((m): TypeReference => named(m, prefix));
      return {
        kind: 'simple',
        union: [...members, ...inner.children.filter((c) => c.name === 'simpleType').map((c) => simple(c, prefix))],
      };
    }
    return restriction(inner, prefix);
  }

  function restriction(node: XmlElement, prefix: string): SimpleType {
    const base = node.attributes.get('base');
    const inline = node.children.find((c) => c.name === 'simpleType');
    const facet = (name: string): readonly string[] =>
      node.children.filter((c) => c.name === name).map((c) => c.attributes.get('value') ?? '');
    const [min] = facet('minInclusive');
    const [max] = facet('maxInclusive');
    const [minLength] = facet('minLength');
    const [maxLength] = facet('maxLength');
    const values = facet('enumeration');
    const patterns = facet('pattern');
    return {
      kind: 'simple',
      ...(base !== undefined
        ? { base: named(base, prefix) }
        : inline !== undefined
          ? { base: simple(inline, prefix) }
          : {}),
      ...(values.length > 0 ? { values } : {}),
      ...(patterns.length > 0 ? { patterns } : {}),
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(minLength === undefined ? {} : { minLength: Number(minLength) }),
      ...(maxLength === undefined ? {} : { maxLength: Number(maxLength) }),
    };
  }

  function complex(type: XmlElement, prefix: string): ComplexType {
    const mixed = type.attributes.get('mixed') === 'true' ? { mixed: 1 as const } : {};
    const wrapper = type.children.find((c) => c.name === 'complexContent' || c.name === 'simpleContent');
    if (wrapper === undefined)
      return { kind: 'complex', ...attributesOf(type, prefix), ...contentOf(type, prefix), ...mixed };
    const derivation = must(
      wrapper.children.find((c) => c.name === 'extension' || c.name === 'restriction'),
      'a derivation',
    );
    const base = qualified(derivation.attributes.get('base') ?? '', prefix);
    const own = attributesOf(derivation, prefix);
    if (wrapper.name === 'simpleContent') {
      const baseGlobal = globals.get(`complexType ${base}`);
      if (baseGlobal === undefined)
        return { kind: 'complex', text: named(derivation.attributes.get('base') ?? '', prefix), ...own };
      const inherited = complex(baseGlobal.element, baseGlobal.prefix);
      return { ...inherited, attributes: { ...inherited.attributes, ...own.attributes } };
    }
    const content = contentOf(derivation, prefix);
    const baseGlobal = globals.get(`complexType ${base}`);
    if (derivation.name === 'restriction' || baseGlobal === undefined)
      return { kind: 'complex', ...own, ...content, ...mixed };
    const inherited = complex(baseGlobal.element, baseGlobal.prefix);
    const parts = [inherited.content, content.content].filter((part) => part !== undefined);
    return {
      kind: 'complex',
      ...(inherited.attributes !== undefined || own.attributes !== undefined
        ? { attributes: { ...inherited.attributes, ...own.attributes } }
        : {}),
      ...(parts.length === 0
        ? {}
        : { content: parts.length === 1 ? must(parts[0], 'one') : (['s', parts, 1, 1] as const) }),
      ...(inherited.mixed === undefined ? mixed : { mixed: 1 as const }),
    };
  }

  function attributesOf(node: XmlElement, prefix: string): Pick<ComplexType, 'attributes'> {
    const attributes: Record<string, readonly [TypeReference, 0 | 1]> = {};
    for (const child of node.children) {
      if (child.name === 'attribute') {
        const reference = child.attributes.get('ref');
        if (reference !== undefined) attributes[reference] = ['x:string', 0];
        else
          attributes[child.attributes.get('name') ?? ''] = [
            child.attributes.has('type') || child.children.length > 0 ? typeOf(child, prefix) : 'x:string',
            child.attributes.get('use') === 'required' ? 1 : 0,
          ];
      } else if (child.name === 'attributeGroup') {
        const group = must(
          globals.get(`attributeGroup ${qualified(child.attributes.get('ref') ?? '', prefix)}`),
          'an attribute group',
        );
        Object.assign(attributes, attributesOf(group.element, group.prefix).attributes);
      }
    }
    return Object.keys(attributes).length === 0 ? {} : { attributes };
  }

  function contentOf(node: XmlElement, prefix: string): Pick<ComplexType, 'content'> {
    const model = node.children.find((c) => ['sequence', 'choice', 'all', 'group'].includes(c.name));
    return model === undefined ? {} : { content: particle(model, prefix) };
  }

  function particle(node: XmlElement, prefix: string): Particle {
    const min = Number(node.attributes.get('minOccurs') ?? 1);
    const maxText = node.attributes.get('maxOccurs') ?? '1';
    const max = maxText === 'unbounded' ? -1 : Number(maxText);
    switch (node.name) {
      case 'element': {
        const reference = node.attributes.get('ref');
        if (reference !== undefined) {
          element(qualified(reference, prefix));
          return ['r', qualified(reference, prefix), min, max];
        }
        return ['e', `${prefix}:${node.attributes.get('name')}`, typeOf(node, prefix), min, max];
      }
      case 'any':
        return ['any', min, max];
      case 'group': {
        const group = must(globals.get(`group ${qualified(node.attributes.get('ref') ?? '', prefix)}`), 'a group');
        const model = must(
          group.element.children.find((c) => ['sequence', 'choice', 'all'].includes(c.name)),
          'its model',
        );
        return ['s', [particle(model, group.prefix)], min, max];
      }
      default: {
        const kind = node.name === 'choice' ? 'c' : node.name === 'all' ? 'a' : 's';
        return [
          kind,
          node.children
            .filter((c) => ['element', 'any', 'sequence', 'choice', 'all', 'group'].includes(c.name))
            .map((c) => particle(c, prefix)),
          min,
          max,
        ];
      }
    }
  }

  for (const root of roots) element(root);
}

/** `t:Name` and `xs:Name` as the files write them; a name without prefix belongs to the file's own namespace. */
function qualified(reference: string, prefix: string): string {
  const colon = reference.indexOf(':');
  if (colon < 0) return `${prefix}:${reference}`;
  const written = reference.slice(0, colon);
  return `${written === 'xs' || written === 'xsd' ? 'x' : written === 'm' || written === 't' ? written : '?'}:${reference.slice(colon + 1)}`;
}
