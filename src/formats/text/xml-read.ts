import { XmlFault, type XmlLimits, type XmlRepair } from './xml-fault.ts';
import type { XmlAttributes, XmlName } from './xml-names.ts';
import { type XmlHandler, XmlTokenizer } from './xml-tokenizer.ts';

export {
  XmlFault,
  type XmlFaultReason,
  type XmlLimits,
  type XmlRepair,
} from './xml-fault.ts';
export { XmlAttributes, type XmlName } from './xml-names.ts';
export { type XmlHandler, XmlTokenizer } from './xml-tokenizer.ts';

/** A document in one piece or as it arrives. */
export type XmlInput = Uint8Array | AsyncIterable<Uint8Array>;

/** An element with all that is inside it. Comments, instructions and the prefixes of names are not kept. */
export interface XmlElement {
  readonly ns: string;
  /** Local name. */
  readonly name: string;
  /** Key: the local name, or `namespace|name` when the attribute has a prefix. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The text directly inside, joined; text of child elements is theirs. */
  readonly text: string;
  /** Forbidden characters that were replaced in `text` or `attributes`; nearly always empty. */
  readonly repairs: readonly XmlRepair[];
  /** Index among the payloads of the document when the text was spooled (`parseXmlSpooled`), otherwise null. */
  readonly payload: number | null;
}

export interface XmlDocument {
  readonly root: XmlElement;
  /** How many characters of the whole document were replaced. */
  readonly repairs: number;
}

const noChildren: readonly XmlElement[] = [];
const noRepairs: readonly XmlRepair[] = [];

class TreeElement implements XmlElement {
  readonly ns: string;
  readonly name: string;
  readonly attributes: XmlAttributes;
  children: readonly XmlElement[] = noChildren;
  text = '';
  repairs: readonly XmlRepair[] = noRepairs;
  payload: number | null = null;
  constructor(ns: string, name: string, attributes: XmlAttributes) {
    this.ns = ns;
    this.name = name;
    this.attributes = attributes;
  }
}

/** Builds elements out of events. Elements for which `take` answers true are handed out instead of being put into their parent. */
export class XmlTreeBuilder implements XmlHandler {
  #root: TreeElement | null = null;
  readonly #open: TreeElement[] = [];
  /** Finished elements whose parent is open, those of the innermost last; `#firstDone` says where each parent's begin. */
  readonly #done: XmlElement[] = [];
  readonly #firstDone: number[] = [];
  #pending: XmlRepair[] | null = null;
  readonly #take: ((element: XmlElement) => boolean) | null;

  constructor(take: ((element: XmlElement) => boolean) | null = null) {
    this.#take = take;
  }

  /** The outermost element; throws when there was none. */
  get root(): XmlElement {
    if (this.#root === null) throw new XmlFault('truncated', 'the document is empty', 0);
    return this.#root;
  }

  open(name: XmlName, attributes: XmlAttributes): void {
    const element = new TreeElement(name.ns, name.name, attributes);
    if (this.#pending !== null) {
      element.repairs = this.#pending;
      this.#pending = null;
    }
    if (this.#open.length === 0) this.#root = element;
    this.#open.push(element);
    this.#firstDone.push(this.#done.length);
  }

  text(value: string): void {
    const top = this.#open[this.#open.length - 1];
    if (top === undefined) return;
    if (this.#pending !== null) {
      top.repairs = [...top.repairs, ...this.#pending];
      this.#pending = null;
    }
    top.text = top.text === '' ? value : top.text + value;
  }

  close(_name: XmlName): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    const first = this.#firstDone.pop() ?? 0;
    if (first < this.#done.length) {
      // A copy of the exact length: a list that grows by one would keep room for sixteen more.
      element.children = this.#done.slice(first);
      this.#done.length = first;
    }
    const taken = this.#take?.(element) ?? false;
    if (!taken && this.#open.length > 0) this.#done.push(element);
  }

  repair(repair: XmlRepair): void {
    // A hostile text of nothing but forbidden characters must not cost a record each.
    if (this.#pending === null) this.#pending = [repair];
    else if (this.#pending.length < 100) this.#pending.push(repair);
  }

  /** Marks the innermost open element as one whose text is payload number `index`. */
  spooled(index: number): void {
    const top = this.#open[this.#open.length - 1];
    if (top !== undefined) top.payload = index;
  }
}

/** Handlers that do work between chunks, such as writing to a file. */
interface SettlingHandler extends XmlHandler {
  settle?(): Promise<void> | null;
}

/** Large single inputs are fed in pieces, so that a handler can write in between. */
const pieceBytes = 256 * 1024;

/**
 * Reads a document into `handler`, which is called synchronously; between chunks its `settle` is awaited.
 * Throws XmlFault. Returns how many characters were replaced.
 */
export async function readXml(
  input: XmlInput,
  handler: SettlingHandler,
  limits: Partial<XmlLimits> = {},
): Promise<number> {
  const tokenizer = new XmlTokenizer(handler, limits);
  if (input instanceof Uint8Array) {
    for (let at = 0; at < input.length; at += pieceBytes) {
      tokenizer.write(input.subarray(at, at + pieceBytes));
      const pending = handler.settle?.();
      if (pending) await pending;
    }
  } else {
    for await (const chunk of input) {
      tokenizer.write(chunk);
      const pending = handler.settle?.();
      if (pending) await pending;
    }
  }
  tokenizer.finish();
  const pending = handler.settle?.();
  if (pending) await pending;
  return tokenizer.repairs;
}

/** The whole document as a tree. Throws XmlFault. */
export async function parseXml(input: XmlInput, limits: Partial<XmlLimits> = {}): Promise<XmlDocument> {
  const builder = new XmlTreeBuilder();
  const repairs = await readXml(input, builder, limits);
  return { root: builder.root, repairs };
}

/** The same for a document that is in memory. Throws XmlFault. */
export function parseXmlBytes(bytes: Uint8Array | string, limits: Partial<XmlLimits> = {}): XmlDocument {
  const builder = new XmlTreeBuilder();
  const tokenizer = new XmlTokenizer(builder, limits);
  tokenizer.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  tokenizer.finish();
  return { root: builder.root, repairs: tokenizer.repairs };
}

/**
 * Each element with one of `names` (local names) in namespace `ns` as soon as it ends, so that a long answer is never held whole.
 * An element inside another one of these names comes as its child. The generator's return value is the rest of the document:
 * everything but the elements handed out. Throws XmlFault; what came before it was read correctly.
 */
export async function* elementsNamed(
  input: XmlInput,
  wanted: { readonly ns: string; readonly names: readonly string[] },
  limits: Partial<XmlLimits> = {},
): AsyncGenerator<XmlElement, XmlDocument> {
  const names = new Set(wanted.names);
  const isWanted = (name: XmlName) => names.has(name.name) && name.ns === wanted.ns;
  let ready: XmlElement[] = [];
  let inside = 0;
  const builder = new XmlTreeBuilder((element) => {
    if (!isWanted(element) || --inside > 0) return false;
    ready.push(element);
    return true;
  });
  const tokenizer = new XmlTokenizer(
    {
      open(name, attributes) {
        if (isWanted(name)) inside++;
        builder.open(name, attributes);
      },
      text: (value) => builder.text(value),
      close: (name) => builder.close(name),
      repair: (repair) => builder.repair(repair),
    },
    limits,
  );
  const drain = (): XmlElement[] => {
    const out = ready;
    ready = [];
    return out;
  };
  for await (const chunk of input instanceof Uint8Array ? pieces(input) : input) {
    tokenizer.write(chunk);
    if (ready.length > 0) yield* drain();
  }
  tokenizer.finish();
  yield* drain();
  return { root: builder.root, repairs: tokenizer.repairs };
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** The first child of that name. */
export function child(element: XmlElement, ns: string, name: string): XmlElement | null {
  for (const candidate of element.children) if (candidate.name === name && candidate.ns === ns) return candidate;
  return null;
}

/** All children of that name, in order. */
export function children(element: XmlElement, ns: string, name: string): readonly XmlElement[] {
  return element.children.filter((candidate) => candidate.name === name && candidate.ns === ns);
}

/** The first child of that name. Throws XmlFault `malformed` when there is none: the document is not what it should be. */
export function requiredChild(element: XmlElement, ns: string, name: string): XmlElement {
  const found = child(element, ns, name);
  if (found === null) throw new XmlFault('malformed', `<${element.name}> has no <${name}>`, 0);
  return found;
}

/** Text of the first child of that name; null when there is no such child, '' when it is empty. */
export function childText(element: XmlElement, ns: string, name: string): string | null {
  return child(element, ns, name)?.text ?? null;
}

/** The element below `element` that is reached by first children of those names, all in one namespace. */
export function descend(element: XmlElement, ns: string, ...names: readonly string[]): XmlElement | null {
  let at: XmlElement | null = element;
  for (const name of names) at = at === null ? null : child(at, ns, name);
  return at;
}

export function attribute(element: XmlElement, key: string): string | null {
  return element.attributes.get(key) ?? null;
}

/** All text inside an element, that of child elements included, in document order of the elements. */
export function textOf(element: XmlElement): string {
  return element.children.length === 0 ? element.text : element.text + element.children.map(textOf).join('');
}

/** Every element of that name below `element`, outermost first, `element` itself not included. */
export function* descendants(element: XmlElement, ns: string, name: string): Generator<XmlElement> {
  for (const inner of element.children) {
    if (inner.name === name && inner.ns === ns) yield inner;
    yield* descendants(inner, ns, name);
  }
}
