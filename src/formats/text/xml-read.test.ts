import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { reference } from './reference.fixture.ts';
import {
  attribute,
  child,
  descend,
  descendants,
  elementsNamed,
  parseXml,
  parseXmlBytes,
  readXml,
  requiredChild,
  textOf,
  XmlFault,
  type XmlLimits,
} from './xml-read.ts';
import { XmlTokenizer } from './xml-tokenizer.ts';

type Event =
  | readonly [kind: 'open', ns: string, name: string, attributes: readonly (readonly [string, string])[]]
  | readonly ['text', string]
  | readonly ['close', string];

/** Events with neighbouring texts joined. */
function joined(events: readonly Event[]): readonly Event[] {
  const out: Event[] = [];
  for (const event of events) {
    const last = out[out.length - 1];
    if (event[0] === 'text' && last?.[0] === 'text') out[out.length - 1] = ['text', last[1] + event[1]];
    else out.push(event);
  }
  return out;
}

function ours(bytes: Uint8Array, cuts: readonly number[] = [], limits: Partial<XmlLimits> = {}): readonly Event[] {
  const events: Event[] = [];
  const tokenizer = new XmlTokenizer(
    {
      open: (name, attributes) => events.push(['open', name.ns, name.name, [...attributes]]),
      text: (value) => events.push(['text', value]),
      close: (name) => events.push(['close', name.name]),
    },
    limits,
  );
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    tokenizer.write(bytes.subarray(at, cut));
    at = Math.max(at, cut);
  }
  tokenizer.write(bytes.subarray(at));
  tokenizer.finish();
  return joined(events);
}

function theirs(text: string): readonly Event[] {
  const events: Event[] = [];
  const parser = new SaxesParser({ xmlns: true });
  let depth = 0;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    depth++;
    const attributes = Object.values(tag.attributes)
      .filter((a) => a.prefix !== 'xmlns' && a.name !== 'xmlns')
      .map((a) => [a.prefix === '' ? a.local : `${a.uri}|${a.local}`, a.value] as const);
    events.push(['open', tag.uri, tag.local, attributes]);
  });
  const text2 = (value: string) => {
    if (value !== '' && depth > 0) events.push(['text', value]);
  };
  parser.on('text', text2);
  parser.on('cdata', text2);
  parser.on('closetag', (tag) => {
    depth--;
    events.push(['close', tag.local]);
  });
  parser.write(text).close();
  return joined(events);
}

const reasonOf = (bytes: Uint8Array | string, limits: Partial<XmlLimits> = {}): string => {
  try {
    parseXmlBytes(bytes, limits);
    return 'none';
  } catch (error) {
    if (error instanceof XmlFault) return error.reason;
    throw error;
  }
};

// Names and texts that meet every branch: references, line ends, CDATA, comments, wide characters, white space in tags.
const name = fc.constantFrom('a', 'Item', 'größe', 'x-1.y', '名');
const prefix = fc.constantFrom('', 'p:', 'q:');
const space = fc.constantFrom(' ', '\n', '\t ', '\r\n', ' \r');
const plain = fc.string({
  unit: fc.constantFrom(
    'a',
    'é',
    '€',
    '😀',
    ' ',
    '\n',
    '\r',
    '\t',
    '>',
    '"',
    "'",
    ';',
    '#',
    '-',
    '/',
    '=',
    '\u0085',
    '\u2028',
  ),
});
const ref = fc.constantFrom(
  '&amp;',
  '&lt;',
  '&gt;',
  '&quot;',
  '&apos;',
  '&#65;',
  '&#x20AC;',
  '&#x1F600;',
  '&#13;',
  '&#10;',
  '&#x9;',
  '&#x000041;',
  '&#xFFFD;',
);
const content = fc.array(fc.oneof(plain, ref), { maxLength: 5 }).map((parts) => parts.join(''));
const attr = fc.tuple(
  space,
  fc.constantFrom('b', 'Id', 'p:c', 'q:c', 'xml:lang', 'é'),
  fc.constantFrom('=', ' = ', '=\n'),
  fc.constantFrom('"', "'"),
  content,
);
const attrs = fc
  .uniqueArray(attr, { maxLength: 4, selector: ([, key]) => key.slice(-1) })
  .map((list) =>
    list
      .map(([gap, key, eq, quote, value]) => `${gap}${key}${eq}${quote}${value.replaceAll(quote, '')}${quote}`)
      .join(''),
  );
const decls = fc.constantFrom('', ' xmlns="urn:d"', " xmlns:p='urn:p2'", ' xmlns:q="urn:q&amp;2" xmlns=""');
const misc = fc.oneof(
  content,
  content,
  plain.map((text) => `<!--${text.replaceAll('-', '')}-->`),
  fc
    .string({ unit: fc.constantFrom('a', '&', '<', '>', ']', 'é', '\r', '\n', '&lt;', '\r\n') })
    .map((text) => `<![CDATA[${text.replace(/\]+>/g, '>')}]]>`),
  fc.constant('<?pi some > data?>'),
);
const { element } = fc.letrec<{ element: string; body: string }>((tie) => ({
  element: fc
    .tuple(
      prefix,
      name,
      decls,
      attrs,
      fc.option(fc.array(fc.oneof({ depthSize: 'small' }, misc, tie('element')), { maxLength: 4 })),
      space,
    )
    .map(([p, n, d, a, inner, gap]) => {
      const tag = `${p}${n}`;
      return inner === null ? `<${tag}${d}${a}${gap}/>` : `<${tag}${d}${a}>${inner.join('')}</${tag}${gap}>`;
    }),
  body: fc.constant(''),
}));
const document = fc
  .tuple(
    fc.constantFrom(
      '',
      '\uFEFF',
      '<?xml version="1.0" encoding="utf-8"?>',
      '\uFEFF<?xml version="1.0"?>\r\n',
      '<!-- c -->\n',
    ),
    element,
  )
  .map(([head, body]) => `${head}<root xmlns:p="urn:p" xmlns:q="urn:q">${body}</root>\r\n`);

describe('the same events as saxes', () => {
  test('for well-formed documents, whatever the chunks', () => {
    fc.assert(
      fc.property(document, fc.array(fc.nat(400), { maxLength: 12 }), (text, cuts) => {
        const bytes = Buffer.from(text);
        const expected = theirs(text);
        expect(ours(bytes)).toEqual(expected);
        expect(
          ours(
            bytes,
            cuts.filter((cut) => cut < bytes.length),
          ),
        ).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('when every byte comes alone', () => {
    fc.assert(
      fc.property(document, (text) => {
        const bytes = Buffer.from(text);
        expect(ours(bytes, Array.from(bytes.keys()))).toEqual(theirs(text));
      }),
      { numRuns: 150 },
    );
  });

  test('never reads as whole what was cut off, and never throws anything else than XmlFault', () => {
    fc.assert(
      fc.property(document, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (text, at) => {
        const bytes = Buffer.from(text.trimEnd());
        expect(reasonOf(bytes.subarray(0, Math.floor(at * bytes.length)))).toBe('truncated');
      }),
      { numRuns: 1000 },
    );
    for (const start of ['<', '<!', '<!-', '<!DOC', '<![CD', '<?', '<a/><!', '<a/><!-'])
      expect(reasonOf(start)).toBe('truncated');
  });

  test('random damage gives an XmlFault or a document, never another error', () => {
    fc.assert(
      fc.property(
        document,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (text, edits) => {
          const bytes = Buffer.from(text);
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          reasonOf(bytes);
        },
      ),
      { numRuns: 500 },
    );
  });

  const fixtures = reference('protocol/ews/fixtures');
  test.skipIf(fixtures === null)('for every recorded exchange', () => {
    const files = readdirSync(fixtures ?? '', { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.xml'),
    );
    expect(files.length).toBeGreaterThan(500);
    let compared = 0;
    for (const file of files) {
      const bytes = readFileSync(join(fixtures ?? '', file));
      let expected: readonly Event[];
      try {
        expected = theirs(bytes.toString('utf8'));
      } catch {
        continue;
      }
      expect(ours(bytes, [], { depthMax: 500 }), file).toEqual(expected);
      compared++;
    }
    expect(compared).toBeGreaterThan(500);
  });
});

describe('what servers send although XML forbids it', () => {
  const malformed = reference('protocol/ews/fixtures/malformed');
  test.skipIf(malformed === null)('a recorded answer with control characters', () => {
    const bytes = readFileSync(join(malformed ?? '', 'viewpoint-illegal-character-references.xml.txt'));
    const { root, repairs } = parseXmlBytes(bytes);
    const [body] = [...descendants(root, 'http://schemas.microsoft.com/exchange/services/2006/types', 'Body')];
    expect(repairs).toBe(29);
    expect(body?.repairs.length).toBe(29);
    expect(body?.repairs[0]?.raw).toBe('&#x0;');
    expect(bytes.toString('latin1', body?.repairs[28]?.offset, (body?.repairs[28]?.offset ?? 0) + 6)).toBe('&#x1F;');
    expect(body?.text).toBe(`Invalid characters: ${'\uFFFD '.repeat(29)}`);
  });
  test.skipIf(malformed === null)('a recorded answer with < in an attribute is refused', () => {
    expect(reasonOf(readFileSync(join(malformed ?? '', 'exchanger-unescaped-less-than-in-attribute.xml.txt')))).toBe(
      'malformed',
    );
  });
  test.each([
    ['&#x1F;', '&#x1F;'],
    ['&#xD800;', '&#xD800;'],
    ['&#57343;', '&#57343;'],
    ['&#xFFFE;', '&#xFFFE;'],
    ['&#x110000;', '&#x110000;'],
    ['&#0;', '&#0;'],
    ['\u0001', 'U+0001'],
    ['\u000b', 'U+000B'],
    ['\uFFFF', 'U+FFFF'],
  ])('%j becomes U+FFFD in text and in an attribute', (written, raw) => {
    const { root, repairs } = parseXmlBytes(`<a b="x${written}y">x${written}y</a>`);
    expect([root.text, attribute(root, 'b'), repairs]).toEqual(['x\uFFFDy', 'x\uFFFDy', 2]);
    expect(root.repairs.map((repair) => [repair.raw, repair.attribute])).toEqual([
      [raw, 'b'],
      [raw, null],
    ]);
  });
  test('ill-formed UTF-8 becomes U+FFFD, a true U+FFFD is no repair', () => {
    const { root, repairs } = parseXmlBytes(
      Buffer.concat([Buffer.from('<a>'), Buffer.from([0x61, 0xff, 0x62]), Buffer.from('</a>')]),
    );
    expect([root.text, repairs]).toEqual(['a\uFFFDb', 1]);
    expect(parseXmlBytes('<a>\uFFFD</a>').repairs).toBe(0);
  });
});

describe('refused', () => {
  test.each<[string, string | Uint8Array, string, Partial<XmlLimits>?]>([
    ['nothing', '', 'truncated'],
    ['half a byte order mark', Buffer.from([0xef, 0xbb]), 'truncated'],
    ['white space only', ' \r\n', 'truncated'],
    ['a login page', '<!DOCTYPE html><html><body>Sign in</body></html>', 'not-xml'],
    ['a login page without type', '<HTML><body></body></HTML>', 'not-xml'],
    ['plain text', 'Service unavailable', 'not-xml'],
    ['json', '{"error":1}', 'not-xml'],
    ['a document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'doctype'],
    ['an entity bomb', '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>', 'doctype'],
    ['an unknown entity', '<a>&nbsp;</a>', 'doctype'],
    ['a bare &', '<a>Tom & Jerry</a>', 'malformed'],
    ['UTF-16', Buffer.from('\uFEFF<a/>', 'utf16le'), 'encoding'],
    ['UTF-16 without mark', Buffer.from('<a/>', 'utf16le'), 'encoding'],
    ['Latin-1', '<?xml version="1.0" encoding="iso-8859-1"?><a/>', 'encoding'],
    ['crossed tags', '<a><b></a></b>', 'malformed'],
    ['a second root', '<a/><b/>', 'malformed'],
    ['text after the root', '<a/>x', 'malformed'],
    ['a doubled attribute', '<a b="1" b="2"/>', 'malformed'],
    ['a doubled attribute by namespace', '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>', 'malformed'],
    ['an unknown prefix', '<p:a/>', 'malformed'],
    ['an unknown attribute prefix', '<a p:b=""/>', 'malformed'],
    ['an unquoted value', '<a b=1/>', 'malformed'],
    ['a missing gap', '<a b="1"c="2"/>', 'malformed'],
    ['an empty prefix declaration', '<a xmlns:p=""/>', 'malformed'],
    ['another xml namespace', '<a xmlns:xml="urn:x"/>', 'malformed'],
    ['an impossible name', '<1a/>', 'malformed'],
    ['two colons', '<a:b:c xmlns:a="u"/>', 'malformed'],
    ['depth', '<a>'.repeat(11), 'too-deep', { depthMax: 10 }],
    ['elements', `<a>${'<b/>'.repeat(10)}</a>`, 'too-large', { elementsMax: 10 }],
    ['attributes', '<a b="" c="" d=""/>', 'too-large', { attributesMax: 2 }],
    ['a text', `<a>${'x'.repeat(101)}</a>`, 'too-large', { textBytesMax: 100 }],
    ['a text in pieces', `<a>${'xxxxx<!-- -->'.repeat(21)}</a>`, 'too-large', { textBytesMax: 100 }],
    ['everything', `<a>${'<b>x</b>'.repeat(20)}</a>`, 'too-large', { bytesMax: 100 }],
    ['an endless tag', `<a b="${'x'.repeat(5000)}`, 'too-large', { tagBytesMax: 1000 }],
    ['an endless name', `<${'x'.repeat(5000)}`, 'too-large', { tagBytesMax: 1000 }],
  ])('%s', (_what, text, reason, limits) => {
    expect(reasonOf(text, limits)).toBe(reason);
  });
  test('a message names a place, never content', () => {
    expect(() => parseXmlBytes('<a>secret & more</a>')).toThrow('a & that begins no reference (malformed, at byte 10)');
  });
});

describe('trees and streams', () => {
  const ns = 'urn:t';
  const text = `<e xmlns="${ns}"><state>1</state><list>${Array.from({ length: 500 }, (_, i) => `<item id="${i}"><n>${i}</n><item/></item>`).join('')}</list><state>2</state></e>`;
  async function* drip(size: number) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  test('helpers', async () => {
    const { root } = await parseXml(drip(7));
    expect(textOf(requiredChild(root, ns, 'state'))).toBe('1');
    expect(child(root, ns, 'nothing')).toBeNull();
    expect(child(root, 'urn:other', 'state')).toBeNull();
    expect(descend(root, ns, 'list', 'item', 'n')?.text).toBe('0');
    expect(() => requiredChild(root, ns, 'nothing')).toThrow(XmlFault);
    expect([...descendants(root, ns, 'n')].length).toBe(500);
  });
  test('elementsNamed hands out each as it ends and returns the rest', async () => {
    let given = 0;
    async function* counted() {
      for await (const chunk of drip(50)) {
        given += chunk.length;
        yield chunk;
      }
    }
    const stream = elementsNamed(counted(), { ns, names: ['item'] });
    const ids: (string | undefined)[] = [];
    for (;;) {
      const step = await stream.next();
      if (step.done) {
        expect(step.value.root.children.map((c) => [c.name, c.text, c.children.length])).toEqual([
          ['state', '1', 0],
          ['list', '', 0],
          ['state', '2', 0],
        ]);
        break;
      }
      if (ids.length === 0) expect(given).toBeLessThan(200);
      ids.push(step.value.attributes.get('id'));
      expect(step.value.children.length).toBe(2);
    }
    expect(ids).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });
  test('readXml reports as it goes, before the document ends', async () => {
    const seen: string[] = [];
    async function* live() {
      yield Buffer.from('<a><b>1</b><b>2');
      expect(seen).toEqual(['b1']);
      yield Buffer.from('</b></a>');
    }
    let last = '';
    await readXml(live(), {
      open: () => (last = ''),
      text: (v) => (last += v),
      close: (n) => n.name === 'b' && seen.push(n.name + last),
    });
    expect(seen).toEqual(['b1', 'b2']);
  });
});
