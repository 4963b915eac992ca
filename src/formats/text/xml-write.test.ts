import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Payload, payloadOfBytes } from '#kit/payload.ts';
import { parseXmlBytes } from './xml-read.ts';
import { escapeAttribute, escapeText, rawXml, xml, xmlBody, xmlText } from './xml-write.ts';

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '&',
      '<',
      '>',
      '"',
      "'",
      '\r',
      '\n',
      '\t',
      '\u0000',
      '\u001f',
      '\ud800',
      '\udc00',
      '\uffff',
      '😀',
      ']',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});
/** What XML can carry of a text: each forbidden character is one U+FFFD. */
const carried = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, '\uFFFD');
const read = async (body: ReturnType<typeof xmlBody>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
};

describe('every text comes back', () => {
  test('from text and from attributes', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (a, b) => {
        const body = xmlBody(xml`<t:a xmlns:t="urn:t" b="${a}" c='${b}'>${a}<t:d>${b}</t:d></t:a>`);
        const bytes = await read(body);
        expect(bytes.length).toBe(body.contentLength);
        const { root, repairs } = parseXmlBytes(bytes);
        expect(repairs).toBe(0);
        expect([root.attributes.get('b'), root.attributes.get('c'), root.text, root.children[0]?.text]).toEqual([
          carried(a),
          carried(b),
          carried(a),
          carried(b),
        ]);
        const lost = (text: string): number =>
          [...carried(text)].filter((c) => c === '\uFFFD').length - [...text].filter((c) => c === '\uFFFD').length;
        expect(body.replaced).toBe(2 * (lost(a) + lost(b)));
      }),
    );
  });
  test('the plain forms', () => {
    expect(escapeText(`a&b<c>"d"'\r\n\t`)).toBe('a&amp;b&lt;c&gt;&quot;d&quot;&apos;&#13;\n\t');
    expect(escapeAttribute('\r\n\t')).toBe('&#13;&#10;&#9;');
  });
});

describe('fragments', () => {
  test('nest, repeat, and leave out nothing', () => {
    const ids = ['1', '<2>'].map((id) => xml`<i id="${id}"/>`);
    expect(xmlText(xml`<a n="${3}" b="${true}">${ids}${null}${undefined}${rawXml('<r/>')}${12n}</a>`)).toBe(
      '<a n="3" b="true"><i id="1"/><i id="&lt;2&gt;"/><r/>12</a>',
    );
  });
  test('a hole that follows an element is text again', () => {
    expect(xmlText(xml`<a b="x">${'\n'}<c/>${'\t'}</a>${'\n'}`)).toBe('<a b="x">\n<c/>\t</a>\n');
  });
});

describe('payloads', () => {
  const streamed = (content: Buffer): Payload => ({ ...payloadOfBytes(content), inMemoryBase64: null });
  test.each([0, 1, 2, 3, 1000, 2_000_000])('of %i bytes have the length that was announced', async (size) => {
    const content = Buffer.alloc(size, 'Zx9');
    for (const payload of [payloadOfBytes(content), streamed(content)]) {
      const body = xmlBody(xml`<a><m>${payload}</m><n>${'ä'}</n></a>`);
      const bytes = await read(body);
      expect(bytes.length).toBe(body.contentLength);
      expect((await read(body)).equals(bytes)).toBe(true);
      expect(body.whole !== null).toBe(size < 2_000_000 && payload.inMemoryBase64 !== null);
      expect(Buffer.from(parseXmlBytes(bytes).root.children[0]?.text ?? '', 'base64').equals(content)).toBe(true);
    }
  });
});
