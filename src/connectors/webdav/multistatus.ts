import { child, childText, readXml, type XmlElement, XmlTreeBuilder } from '#formats/text/xml-read.ts';
import { type DavName, davKey, davNamespace, replNamespace } from './dav-names.ts';
import { repairNames } from './repair-names.ts';
import { valuesOf } from './value-forms.ts';

/** One `D:response` of an answer of several: what is said of one resource. */
export interface DavResponse {
  readonly href: string;
  /** Status of the resource itself; null when only its properties have one. */
  readonly status: number | null;
  /** Of a manifest: what happened to it. */
  readonly changeType: string | null;
  /** Where it is now, of a move. */
  readonly location: string | null;
  /** Properties that were found or written, by `davKey`. */
  readonly properties: ReadonlyMap<string, XmlElement>;
  /** Status of those that were not, by `davKey`: 404 not there, 403 not writable, 422… */
  readonly refused: ReadonlyMap<string, number>;
  /** Ids of subscriptions it speaks of. */
  readonly element: XmlElement;
}

export interface Multistatus {
  /** What stands beside the responses. */
  readonly root: XmlElement;
  /** Oddities by name: names that no XML has, characters that no XML has. */
  readonly oddities: Readonly<Record<string, number>>;
}

/** Answers are read up to this many bytes; responses are handed on one by one and not kept. */
const answerLimits = { bytesMax: 512 * 1024 * 1024, depthMax: 32, elementsMax: 8_000_000 } as const;

/** Reads an answer, handing out each response as it ends. Throws XmlFault. */
export async function readMultistatus(
  bytes: AsyncIterable<Uint8Array>,
  take: (response: DavResponse) => void,
): Promise<Multistatus> {
  const builder = new XmlTreeBuilder((element) => {
    if (element.name !== 'response' || element.ns !== davNamespace) return false;
    take(responseOf(element));
    return true;
  });
  let digits = 0;
  const repairs = await readXml(
    repairNames(bytes, () => digits++),
    builder,
    answerLimits,
  );
  return {
    root: builder.root,
    oddities: {
      ...(digits > 0 ? { 'name that begins with a digit': digits } : {}),
      ...(repairs > 0 ? { 'forbidden character': repairs } : {}),
    },
  };
}

const noProperties: ReadonlyMap<string, never> = new Map<string, never>();

function responseOf(element: XmlElement): DavResponse {
  let properties: Map<string, XmlElement> | null = null;
  let refused: Map<string, number> | null = null;
  for (const propstat of element.children) {
    if (propstat.name !== 'propstat' || propstat.ns !== davNamespace) continue;
    const status = statusOf(childText(propstat, davNamespace, 'status')) ?? 200;
    const prop = child(propstat, davNamespace, 'prop');
    for (const property of prop?.children ?? []) {
      const key = davKey(property);
      if (status >= 200 && status < 300) (properties ??= new Map()).set(key, property);
      else (refused ??= new Map()).set(key, status);
    }
  }
  return {
    href: childText(element, davNamespace, 'href') ?? '',
    status: statusOf(childText(element, davNamespace, 'status')),
    changeType: childText(element, replNamespace, 'changetype'),
    location: childText(element, davNamespace, 'location'),
    properties: properties ?? noProperties,
    refused: refused ?? noProperties,
    element,
  };
}

/** `HTTP/1.1 200 OK` */
function statusOf(text: string | null): number | null {
  const digits = /^\s*HTTP\/\d\.\d\s+(\d{3})/.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Text of a property; null when it is not there. */
export function shownText({ properties }: DavResponse, name: DavName): string | null {
  return properties.get(davKey(name))?.text ?? null;
}

/** Texts of a property; null when it is not there. */
export function shownTexts({ properties }: DavResponse, name: DavName): readonly string[] | null {
  const element = properties.get(davKey(name));
  return element === undefined ? null : valuesOf(element);
}
