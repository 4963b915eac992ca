import { attribute, child, children, childText, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment, xml } from '#formats/text/xml-write.ts';
import { FaultError } from '#kit/fault.ts';
import type { Delegate, DelegateFolder, Delegates } from '#model/mailbox-settings.ts';
import { faultOfMessage } from '../faults.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';

/** In the order of the schema. */
const folders = {
  calendar: 'Calendar',
  tasks: 'Tasks',
  inbox: 'Inbox',
  contacts: 'Contacts',
  notes: 'Notes',
  journal: 'Journal',
} as const satisfies Record<DelegateFolder, string>;
const levels = { None: 'none', Reviewer: 'reviewer', Author: 'author', Editor: 'editor', Custom: 'custom' } as const;
const deliveries = {
  DelegatesOnly: 'delegates-only',
  DelegatesAndMe: 'delegates-and-me',
  DelegatesAndSendInformationToMe: 'delegates-and-information-to-me',
} as const;
const nameIn = <Word extends string>(words: Readonly<Record<string, Word>>, word: Word): string =>
  Object.keys(words).find((name) => words[name] === word) ?? '';

const owner = (address: string): XmlFragment => xml`<m:Mailbox><t:EmailAddress>${address}</t:EmailAddress></m:Mailbox>`;

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getdelegate-operation */
export const getDelegate: Operation<string, Delegates> = {
  name: 'GetDelegate',
  subject: aboutItems(false),
  whole: true,
  answers: () => 1,
  write: (address) => xml`<m:GetDelegate IncludePermissions="true">${owner(address)}</m:GetDelegate>`,
  reader: () => ({
    read(answer) {
      const delivery = childText(answer, messagesNamespace, 'DeliverMeetingRequests')?.trim() ?? '';
      return {
        delegates: usersIn(answer).flatMap((message) => {
          // An entry whose person is gone is answered with an error of its own; Outlook leaves such entries behind.
          if (attribute(message, 'ResponseClass') === 'Error') return [];
          const user = child(message, messagesNamespace, 'DelegateUser');
          return user === null ? [] : [readDelegate(user)];
        }),
        requestsGoTo: deliveries[delivery as keyof typeof deliveries] ?? 'delegates-and-information-to-me',
      };
    },
  }),
};

function usersIn(answer: XmlElement): readonly XmlElement[] {
  const list = child(answer, messagesNamespace, 'ResponseMessages');
  return list === null ? [] : children(list, messagesNamespace, 'DelegateUserResponseMessageType');
}

function readDelegate(user: XmlElement): Delegate {
  const id = child(user, typesNamespace, 'UserId');
  const address = id && childText(id, typesNamespace, 'PrimarySmtpAddress');
  if (!id || !address) throw new XmlFault('malformed', 'a delegate has no address', 0);
  const permissions = child(user, typesNamespace, 'DelegatePermissions');
  const rights: Partial<Record<DelegateFolder, Delegate['rights'][DelegateFolder]>> = {};
  for (const [folder, name] of Object.entries(folders)) {
    const level = permissions && childText(permissions, typesNamespace, `${name}FolderPermissionLevel`)?.trim();
    if (level) rights[folder as DelegateFolder] = levels[level as keyof typeof levels] ?? 'custom';
  }
  const flag = (name: string): boolean => childText(user, typesNamespace, name)?.trim() === 'true';
  return {
    address,
    name: childText(id, typesNamespace, 'DisplayName') ?? '',
    rights: rights as Delegate['rights'],
    receivesCopies: flag('ReceiveCopiesOfMeetingMessages'),
    seesPrivate: flag('ViewPrivateItems'),
  };
}

/** `custom` rights cannot be written as a level: the folder's permissions carry them. */
function writeDelegate({ address, rights, receivesCopies, seesPrivate }: Delegate): XmlFragment {
  const permissions = Object.entries(folders).flatMap(([folder, name]) => {
    const right = rights[folder as DelegateFolder];
    return right === undefined || right === 'custom'
      ? []
      : [
          xml`${rawXml(`<t:${name}FolderPermissionLevel>`)}${nameIn(levels, right)}${rawXml(`</t:${name}FolderPermissionLevel>`)}`,
        ];
  });
  return xml`<t:DelegateUser><t:UserId><t:PrimarySmtpAddress>${address}</t:PrimarySmtpAddress></t:UserId><t:DelegatePermissions>${permissions}</t:DelegatePermissions><t:ReceiveCopiesOfMeetingMessages>${receivesCopies}</t:ReceiveCopiesOfMeetingMessages><t:ViewPrivateItems>${seesPrivate}</t:ViewPrivateItems></t:DelegateUser>`;
}

interface DelegatesUpdate {
  readonly address: string;
  readonly delegates: readonly Delegate[];
  readonly requestsGoTo: Delegates['requestsGoTo'];
}

/** A user that is refused is refused with the others done: it is thrown, and the whole is asked again. */
function writing(name: 'AddDelegate' | 'UpdateDelegate'): Operation<DelegatesUpdate, null> {
  return {
    name,
    subject: aboutItems(true),
    whole: true,
    answers: () => 1,
    write: ({ address, delegates, requestsGoTo }) =>
      xml`${rawXml(`<m:${name}>`)}${owner(address)}<m:DelegateUsers>${delegates.map(writeDelegate)}</m:DelegateUsers><m:DeliverMeetingRequests>${nameIn(deliveries, requestsGoTo)}</m:DeliverMeetingRequests>${rawXml(`</m:${name}>`)}`,
    reader: () => ({ read: allOf }),
  };
}

function allOf(answer: XmlElement): null {
  for (const message of usersIn(answer)) {
    const fault = faultOfMessage(message, aboutItems(true));
    if (fault !== null) throw new FaultError(fault);
  }
  return null;
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/adddelegate-operation */
export const addDelegate = writing('AddDelegate');
/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/updatedelegate-operation */
export const updateDelegate = writing('UpdateDelegate');

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/removedelegate-operation */
export const removeDelegate: Operation<{ readonly address: string; readonly users: readonly string[] }, null> = {
  name: 'RemoveDelegate',
  subject: aboutItems(true),
  whole: true,
  answers: () => 1,
  write: ({ address, users }) =>
    xml`<m:RemoveDelegate>${owner(address)}<m:UserIds>${users.map((user) => xml`<t:UserId><t:PrimarySmtpAddress>${user}</t:PrimarySmtpAddress></t:UserId>`)}</m:UserIds></m:RemoveDelegate>`,
  reader: () => ({ read: allOf }),
};
