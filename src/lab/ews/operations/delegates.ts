import type { XmlElement } from '#formats/text/xml-read.ts';
import {
  type CalendarLevel,
  calendarLevels,
  calendarRightsOf,
  type Delegate,
  requestDeliveries,
} from '../../world/calendar-rights.ts';
import type { Mailbox } from '../../world/mailbox.ts';
import { asEwsError } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { child, childText, isTrue, kids } from '../request.ts';
import { esc, t, type Xml } from '../xml-out.ts';

function ownerOf(request: XmlElement, context: Context): Mailbox {
  return context.mailboxAt(childText(child(request, 'Mailbox') ?? request, 'EmailAddress') ?? '');
}

/** A user of the organization by `t:UserId`; delegates of other organizations there are not. */
function userOf(context: Context, element: XmlElement): string {
  const user = element.name === 'UserId' ? element : (child(element, 'UserId') ?? element);
  const address = childText(user, 'PrimarySmtpAddress') ?? '';
  if (context.organization.entry(address) === null)
    throw new EwsError('ErrorDelegateNoUser', 'The delegate is no user of the organization.');
  return address.toLowerCase();
}

const otherFolders = ['Tasks', 'Inbox', 'Contacts', 'Notes', 'Journal'];

/** What a request gives a delegate. (EWS doc: delegateuser) */
function delegateIn(user: XmlElement, address: string, before: Delegate | null): Delegate {
  const permissions = child(user, 'DelegatePermissions') ?? user;
  const asked = childText(permissions, 'CalendarFolderPermissionLevel') ?? before?.level ?? 'None';
  const elsewhere = Object.fromEntries(
    otherFolders.flatMap((name) => {
      const level = childText(permissions, `${name}FolderPermissionLevel`) ?? before?.elsewhere?.[name];
      return level === undefined ? [] : [[name, level]];
    }),
  );
  const flag = (name: string, otherwise: boolean): boolean => {
    const text = childText(user, name);
    return text === null ? otherwise : isTrue(text);
  };
  const delegate: Delegate = {
    address,
    level: calendarLevels.find((one): one is CalendarLevel => one === asked) ?? 'None',
    receivesCopies: flag('ReceiveCopiesOfMeetingMessages', before?.receivesCopies ?? false),
    seesPrivate: flag('ViewPrivateItems', before?.seesPrivate ?? false),
    elsewhere,
  };
  // (EWS doc: receivecopiesofmeetingmessages: an editor of the calendar)
  if (delegate.receivesCopies && delegate.level !== 'Editor')
    throw new EwsError('ErrorDelegateMissingConfiguration', 'Copies are for editors of the calendar.');
  return delegate;
}

function delegateXml(context: Context, delegate: Delegate): string {
  const name = context.organization.entry(delegate.address)?.displayName ?? delegate.address;
  const level = delegate.level.startsWith('FreeBusy') ? 'None' : delegate.level === 'Owner' ? 'Custom' : delegate.level;
  return `<m:DelegateUser><t:UserId>${t('PrimarySmtpAddress', delegate.address)}${t('DisplayName', name)}</t:UserId><t:DelegatePermissions>${t('CalendarFolderPermissionLevel', level)}${otherFolders.map((folder) => t(`${folder}FolderPermissionLevel`, delegate.elsewhere?.[folder] ?? 'None')).join('')}</t:DelegatePermissions>${t('ReceiveCopiesOfMeetingMessages', delegate.receivesCopies)}${t('ViewPrivateItems', delegate.seesPrivate)}</m:DelegateUser>`;
}

/** One message per user: what went well, and what did not. */
function each(users: readonly XmlElement[], run: (user: XmlElement) => string): readonly Xml[] {
  return users.map((user) => {
    try {
      return `<m:DelegateUserResponseMessageType ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>${run(user)}</m:DelegateUserResponseMessageType>`;
    } catch (thrown) {
      const error = asEwsError(thrown);
      return `<m:DelegateUserResponseMessageType ResponseClass="Error"><m:MessageText>${esc(error.message)}</m:MessageText><m:ResponseCode>${error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:DelegateUserResponseMessageType>`;
    }
  });
}

const answer = (name: string, messages: readonly Xml[], rest = ''): Xml => [
  `<m:${name}Response ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`,
  messages.length === 0 ? '' : ['<m:ResponseMessages>', messages, '</m:ResponseMessages>'],
  `${rest}</m:${name}Response>`,
];

/** @param check throws what is wrong with making somebody that delegate, given what they are now. */
function writing(
  name: 'AddDelegate' | 'UpdateDelegate',
  check: (address: string, before: Delegate | null, mailbox: Mailbox) => void,
): Operation {
  return {
    request: name,
    name,
    since: 'Exchange2007_SP1',
    run(request, context): Xml {
      const mailbox = ownerOf(request, context);
      const rights = calendarRightsOf(mailbox.organization);
      const wanted = childText(request, 'DeliverMeetingRequests');
      const delivery = requestDeliveries.find((one) => one === wanted);
      if (delivery !== undefined) rights.setDelivery(mailbox.address, delivery);
      mailbox.markDirty();
      return answer(
        name,
        each(kids(child(request, 'DelegateUsers')), (user) => {
          const address = userOf(context, user);
          const before = rights.delegate(mailbox.address, address);
          check(address, before, mailbox);
          const delegate = delegateIn(user, address, before);
          rights.add(mailbox.address, delegate);
          return delegateXml(context, delegate);
        }),
      );
    },
  };
}

/** EWS doc: adddelegate-operation. */
export const addDelegate = writing('AddDelegate', (address, before, mailbox) => {
  if (address === mailbox.address) throw new EwsError('ErrorDelegateCannotAddOwner', 'The owner is no delegate.');
  if (before !== null) throw new EwsError('ErrorDelegateAlreadyExists', 'The user is a delegate already.');
});

/** EWS doc: updatedelegate-operation. */
export const updateDelegate = writing('UpdateDelegate', (_address, before) => {
  if (before === null) throw new EwsError('ErrorNotDelegate', 'The user is no delegate.');
});

/** EWS doc: getdelegate-operation. */
export const getDelegate: Operation = {
  request: 'GetDelegate',
  name: 'GetDelegate',
  since: 'Exchange2007_SP1',
  run(request, context): Xml {
    const mailbox = ownerOf(request, context);
    const rights = calendarRightsOf(mailbox.organization);
    const asked = kids(child(request, 'UserIds'));
    const all = rights.of(mailbox.address);
    const messages =
      asked.length > 0
        ? each(asked, (user) => {
            const delegate = rights.delegate(mailbox.address, userOf(context, user));
            if (delegate === null) throw new EwsError('ErrorNotDelegate', 'The user is no delegate.');
            return delegateXml(context, delegate);
          })
        : all.map(
            (delegate) =>
              `<m:DelegateUserResponseMessageType ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>${delegateXml(context, delegate)}</m:DelegateUserResponseMessageType>`,
          );
    return answer(
      'GetDelegate',
      messages,
      `<m:DeliverMeetingRequests>${rights.delivery(mailbox.address)}</m:DeliverMeetingRequests>`,
    );
  },
};

/** EWS doc: removedelegate-operation. */
export const removeDelegate: Operation = {
  request: 'RemoveDelegate',
  name: 'RemoveDelegate',
  since: 'Exchange2007_SP1',
  run(request, context): Xml {
    const mailbox = ownerOf(request, context);
    mailbox.markDirty();
    return answer(
      'RemoveDelegate',
      each(kids(child(request, 'UserIds')), (user) => {
        if (!calendarRightsOf(mailbox.organization).remove(mailbox.address, userOf(context, user)))
          throw new EwsError('ErrorNotDelegate', 'The user is no delegate.');
        return '';
      }),
    );
  },
};
