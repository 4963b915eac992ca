import { parseXmlBytes, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { escapeAttribute } from '#formats/text/xml-write.ts';

/** A category list is a few kilobytes; anything much larger is something else. */
const bytesMax = 1 << 20;

/**
 * The master category list of the target with those categories of the source that it lacks, by name; what the target has stays as it is.
 * ([MS-OXOCFG] 2.2.5.2: one `category` element each, names are told apart without regard to case.)
 *
 * @param given, before XML in base64
 * @returns base64; null when there is nothing to add, or the source's cannot be read
 */
export function mergeCategories(given: string | null, before: string | null): string | null {
  const source = read(given);
  if (source === null || source.children.length === 0) return null;
  if (before === null) return given;
  const target = read(before);
  if (target === null) return null;
  const nameOf = (one: XmlElement): string => (one.attributes.get('name') ?? '').toLowerCase();
  const known = new Set(target.children.map(nameOf));
  const fresh = source.children.filter(
    (one) => one.name === 'category' && nameOf(one) !== '' && !known.has(nameOf(one)),
  );
  if (fresh.length === 0) return null;
  const list = written({ ...target, children: [...target.children, ...fresh] }, true);
  return Buffer.from(`<?xml version="1.0"?>\n${list}`, 'utf8').toString('base64');
}

function read(base64: string | null): XmlElement | null {
  if (base64 === null) return null;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.length > bytesMax) return null;
  try {
    const { root } = parseXmlBytes(bytes, { bytesMax });
    return root.name === 'categories' ? root : null;
  } catch (error) {
    if (error instanceof XmlFault) return null;
    throw error;
  }
}

/** The list has one namespace and no text. */
function written({ name, ns, attributes, children }: XmlElement, isRoot: boolean): string {
  const own = [...attributes].filter(([key]) => key !== 'xmlns' && !key.includes('|'));
  const namespace = isRoot && ns !== '' ? ` xmlns="${escapeAttribute(ns)}"` : '';
  const inner = children.map((one) => written(one, false)).join('');
  const open = `<${name}${namespace}${own.map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`).join('')}`;
  return inner === '' ? `${open}/>` : `${open}>${inner}</${name}>`;
}
