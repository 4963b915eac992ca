import { describe, expect, test } from 'vitest';
import type { MailFacts, MailHead } from '#model/mail.ts';
import { mailFields } from '#model/mail-properties.ts';
import { compareProperties } from './compare-properties.ts';

const state = { isRead: false, flagStatus: 0, categories: [], importance: 'normal', sensitivity: 'normal' };
const nothing = Object.fromEntries(mailFields.map((field) => [field, null]));
const head = (facts: Partial<MailFacts>): MailHead =>
  ({
    state,
    facts: { ...nothing, ...state, itemClass: 'IPM.Note', messageFlags: 0, readReceiptRequested: false, ...facts },
  }) as unknown as MailHead;
const differing = (left: Partial<MailFacts>, right: Partial<MailFacts>) =>
  compareProperties(head(left), head(right)).map(({ property }) => property);

describe('characters that XML cannot carry', () => {
  const whole = 'vertical\x0Btab and \x1F unit';
  const read = 'vertical\uFFFDtab and \uFFFD unit';

  test('are compared as they can be read, whichever side is read so', () => {
    expect(differing({ subject: read }, { subject: whole })).toEqual([]);
    expect(differing({ subject: whole }, { subject: read })).toEqual([]);
    expect(differing({ subject: read }, { subject: 'vertical\x0Btab and \uFFFD unit' })).toEqual([]);
    expect(differing({ conversationTopic: read }, { conversationTopic: whole })).toEqual([]);
  });

  test.each([
    ['lost', 'verticaltab and  unit'],
    ['made spaces', 'vertical tab and   unit'],
    ['others where both are known', 'vertical\x0Ctab and \x1F unit'],
  ])('%s are a difference', (_what, copy) => {
    expect(differing({ subject: whole }, { subject: copy })).toEqual(['subject']);
  });

  test('nothing else may stand for what cannot be read', () => {
    expect(differing({ subject: read }, { subject: 'vertical?tab and \x1F unit' })).toEqual(['subject']);
    expect(differing({ subject: 'a\uFFFDb' }, { subject: 'aüb' })).toEqual(['subject']);
    // An emoji is a character like any other, though UTF-16 writes it in two halves.
    expect(differing({ subject: '\u{1F600}' }, { subject: '\uFFFD\uFFFD' })).toEqual(['subject']);
  });
});

test('folding of a subject is none of its words; other spaces are', () => {
  expect(differing({ subject: 'a  b\r\n c ' }, { subject: 'a b c' })).toEqual([]);
  expect(differing({ subject: '山田\u3000太郎' }, { subject: '山田 太郎' })).toEqual(['subject']);
  expect(differing({ subject: '10\u00A0%' }, { subject: '10 %' })).toEqual(['subject']);
});
