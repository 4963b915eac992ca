import { expect, test } from 'vitest';
import { compareContents } from './compare-contents.ts';

const message = (parts: readonly string[], kind = 'mixed') =>
  Buffer.from(
    `Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/${kind}; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`,
  );
const part = (type: string, content: string, more = '') => `Content-Type: ${type}\r\n${more}\r\n${content}`;
const file = (name: string) => `Content-Disposition: attachment; filename="${name}"\r\n`;
const text = part('text/plain', 'Hello');
const calendar = 'BEGIN:VCALENDAR\r\nEND:VCALENDAR';
const names = (left: Buffer, right: Buffer) =>
  compareContents({ mime: left, bcc: [] }, { mime: right, bcc: [] }).map(({ path }) => path);

test('a text for which an item has no place may be a file with the same words', () => {
  const left = message([text, part('text/calendar', calendar)], 'alternative');
  const asFile = (content: string) => message([text, part('text/calendar', content, file('ATT00001.ics'))]);
  expect(names(left, asFile(calendar))).toEqual([]);
  expect(names(left, asFile(`${calendar}x`))).not.toEqual([]);
  expect(names(left, message([text]))).not.toEqual([]);
  // The first text has its place.
  expect(names(message([text, text]), message([part('text/plain', 'Hello', file('a.txt'))]))).not.toEqual([]);
});

test('a file without a name may get one that is made up, and none loses its own', () => {
  const unnamed = message([text, part('application/pdf', 'abc', 'Content-Disposition: attachment\r\n')]);
  const named = (name: string) => message([text, part('application/pdf', 'abc', file(name))]);
  expect(names(unnamed, named('ATT00001.pdf'))).toEqual([]);
  expect(names(unnamed, named('report.pdf'))).toEqual(['attachments[0].fileName']);
  expect(names(named('ATT00001.pdf'), unnamed)).toEqual(['attachments[0].fileName']);
});
