import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MethodRewriter } from './any-method.ts';

const requests = [
  'BPROPFIND /a HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nPOLL / HTTP/',
  'GET / HTTP/1.1\r\nHost: x\r\nX-Lab-Method: POLL\r\n\r\n',
  'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nPOLL /\r\n3;x=y\r\n\r\n\r\r\n0\r\n\r\n',
  'X-MS-ENUMATTS /b HTTP/1.1\r\nHost: x\r\n\r\n',
].join('');
const rewritten = [
  'SEARCH /a HTTP/1.1\r\nx-lab-method: BPROPFIND\r\nHost: x\r\nContent-Length: 12\r\n\r\nPOLL / HTTP/',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nPOLL /\r\n3;x=y\r\n\r\n\r\r\n0\r\n\r\n',
  'SEARCH /b HTTP/1.1\r\nx-lab-method: X-MS-ENUMATTS\r\nHost: x\r\n\r\n',
].join('');

test('methods are rewritten where requests begin, in whatever pieces they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (sizes) => {
      const rewriter = new MethodRewriter();
      const bytes = Buffer.from(requests, 'latin1');
      const out: Buffer[] = [];
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        out.push(rewriter.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(Buffer.concat(out).toString('latin1')).toBe(rewritten);
    }),
  );
});

test('what is no HTTP goes through as it is', () => {
  const bytes = Buffer.from('\x16\x03\x01 nonsense\r\nPOLL / HTTP/1.1\r\n\r\n', 'latin1');
  expect(new MethodRewriter().push(bytes)).toEqual(bytes);
});
