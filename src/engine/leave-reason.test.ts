import { expect, test } from 'vitest';
import type { MailHead } from '#model/mail.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { leaveReason } from './join-left.ts';

const head = (itemClass: string) => ({ facts: { itemClass, receivedAt: null, sentAt: null } }) as unknown as MailHead;

test.each([
  'IPM.Appointment',
  'IPM.Appointment.Live Meeting Request',
  'ipm.contact',
  'IPM.DistList',
  'IPM.Task',
  'IPM.StickyNote',
])('%s in a mail folder is no mail', (itemClass) => {
  expect(leaveReason(head(itemClass), defaultMailPolicy)).toBe('no-mail');
});

test.each([
  'IPM.Note',
  'IPM.Schedule.Meeting.Request',
  'IPM.TaskRequest',
  'REPORT.IPM.Note.NDR',
  '',
])('%s is mail', (itemClass) => {
  expect(leaveReason(head(itemClass), defaultMailPolicy)).toBeNull();
});
