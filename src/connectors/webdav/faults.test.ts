import { expect, test } from 'vitest';
import { describeFault } from '#kit/fault.ts';
import { type Subject, statusFault } from './faults.ts';

const subject = (about: Subject['about'], writes = false): Subject => ({ operation: 'PROPFIND', writes, about });
const said = (status: number, of: Subject) => {
  const fault = statusFault(status, of);
  if (fault === null) return null;
  if (fault.kind === 'poison') return fault.reason;
  return fault.kind === 'fatal' ? fault.code : fault.kind;
};

test.each([
  [200, subject('item'), null],
  [207, subject('item', true), null],
  [403, subject('mailbox'), 'access-denied'],
  [403, subject('item'), 'access-denied'],
  [403, subject('name', true), 'name-refused'],
  [404, subject('mailbox'), 'mailbox-gone'],
  [404, subject('item'), 'gone'],
  [405, subject('name', true), 'stale'],
  [405, subject('mailbox'), 'unsupported'],
  [406, subject('item', true), 'refused-by-target'],
  [406, subject('item'), 'corrupt'],
  [409, subject('item', true), 'gone'],
  [412, subject('item', true), 'stale'],
  [413, subject('item', true), 'too-large'],
  [423, subject('item', true), 'transient'],
  [440, subject('item', true), 'transient'],
  [500, subject('item'), 'transient'],
  [501, subject('mailbox'), 'unsupported'],
  [507, subject('item', true), 'quota'],
  [418, subject('item'), 'protocol'],
] as const)('HTTP %s is %s', (status, of, expected) => {
  expect(said(status, of)).toBe(expected);
});

test('only a write may have happened, and none that the log-on stood in front of', () => {
  expect(statusFault(500, subject('item', true))).toMatchObject({ mayHaveHappened: true });
  expect(statusFault(500, subject('item'))).toMatchObject({ mayHaveHappened: false });
  expect(statusFault(440, subject('item', true))).toMatchObject({ mayHaveHappened: false });
});

test('every status has a reaction, in words', () => {
  for (let status = 300; status < 600; status++)
    for (const about of ['mailbox', 'folder', 'item', 'name'] as const) {
      const fault = statusFault(status, subject(about, true));
      expect(fault === null ? '' : describeFault(fault)).not.toBe('');
    }
});
