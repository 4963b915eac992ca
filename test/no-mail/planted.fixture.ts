/** Tests that must fail, each with a mail of another kind; run by `watch-labs.test.ts`, and by nobody else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLab, type Lab, withEws } from '#lab/lab.ts';
import { letSend } from './labs.ts';

const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const messages = 'http://schemas.microsoft.com/exchange/services/2006/messages';

const newLab = (): Lab => createLab({ organizations: [{ name: 'source', version: '2016' }], mailboxes: 2 });

/** Creates a meeting tomorrow with the second person, in the mailbox of the first, as the account of a migration. */
async function book(lab: Lab, send: 'SendToNone' | 'SendToAllAndSaveCopy'): Promise<void> {
  const { orgs } = await lab.listen();
  const { admin, ewsPlain, mailboxes } = withEws(orgs[0]);
  const [owner, guest] = mailboxes.map(({ address }) => address);
  const at = (hours: number) => new Date(lab.clock.nowMs() + hours * 3_600_000).toISOString();
  const isSent = `<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="Appointment" PropertyId="33321" PropertyType="Boolean"/><t:Value>true</t:Value></t:ExtendedProperty>`;
  const body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="${types}" xmlns:m="${messages}"><s:Header><t:RequestServerVersion Version="Exchange2010_SP2"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${owner}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body><m:CreateItem SendMeetingInvitations="${send}"><m:SavedItemFolderId><t:DistinguishedFolderId Id="calendar"/></m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>Plan</t:Subject>${isSent}<t:Start>${at(24)}</t:Start><t:End>${at(25)}</t:End><t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>${guest}</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees></t:CalendarItem></m:Items></m:CreateItem></s:Body></s:Envelope>`;
  const answer = await fetch(ewsPlain, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${admin.user}:${admin.password}`).toString('base64')}`,
      'content-type': 'text/xml',
    },
    body,
  });
  expect(await answer.text()).toContain('ResponseCode>NoError</');
  await lab.close();
}

test('an invitation', () => book(newLab(), 'SendToAllAndSaveCopy'));
test('what the Repair Assistant sends one night later', () => book(newLab(), 'SendToNone'));
test('on purpose, which is no fault', () => book(letSend(newLab()), 'SendToAllAndSaveCopy'));
test('nothing, which is no fault', () => {
  expect(newLab().outbox).toEqual([]);
});

let lab: Lab;
beforeAll(() => {
  lab = newLab();
});
test('in a lab that several tests share', () => book(lab, 'SendToAllAndSaveCopy'));
test('after it nothing, which is no fault', () => {});
afterAll(() => lab.close());
