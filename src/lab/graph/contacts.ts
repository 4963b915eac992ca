import { bytesOf, type PropertyBag, textOf } from '../mapi/message.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import { tag } from '../mapi/tags.ts';
import type { Item } from '../world/item.ts';
import { key, lidKey, type PropertyKey, sets, tagKey } from '../world/property.ts';
import { page, select, subjectOf, texts } from './collection.ts';
import type { Context } from './context.ts';
import { extendedJson, withExtended } from './extended-json.ts';
import { badRequest, notFound } from './graph-error.ts';
import { entriesOf, type ItemFamily, itemFeed } from './item-feed.ts';
import { changeKeyOf, etagOf, isoTime, plainText, propertyOfItem, textsOf } from './item-values.ts';
import { MapiEdit } from './mapi-edit.ts';
import { checkMatch, touchLater } from './messages.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';
import { type FolderFamily, typedFolderOf, typedFolderRoutes } from './typed-folders.ts';

// learn.microsoft.com/graph/api/resources/contact; [MS-OXOCNTC] 2.2.1

const address = (lid: number): PropertyKey => lidKey(sets.Address, lid);

/** Texts: name in JSON → property. */
const simple: Readonly<Record<string, PropertyKey>> = {
  assistantName: tagKey(0x3a30),
  businessHomePage: tagKey(0x3a51),
  companyName: tagKey(0x3a16),
  department: tagKey(0x3a18),
  displayName: tagKey(0x3001),
  fileAs: address(0x8005),
  generation: tagKey(0x3a05),
  givenName: tagKey(0x3a06),
  initials: tagKey(0x3a0a),
  jobTitle: tagKey(0x3a17),
  manager: tagKey(0x3a4e),
  middleName: tagKey(0x3a44),
  mobilePhone: tagKey(0x3a1c),
  nickName: tagKey(0x3a4f),
  officeLocation: tagKey(0x3a19),
  profession: tagKey(0x3a46),
  spouseName: tagKey(0x3a48),
  surname: tagKey(0x3a11),
  title: tagKey(0x3a45),
  yomiCompanyName: address(0x802e),
  yomiGivenName: address(0x802c),
  yomiSurname: address(0x802d),
};
/** Several texts, each with a property of its own. */
const several: Readonly<Record<string, readonly PropertyKey[]>> = {
  businessPhones: [tagKey(0x3a08), tagKey(0x3a1b)],
  homePhones: [tagKey(0x3a09), tagKey(0x3a2f)],
  imAddresses: [address(0x8062)],
};
const childrenKey = tagKey(0x3a58);
const birthdayKey = tagKey(0x3a42);
/** Address, shown name, type of each of three. */
const mails: readonly (readonly [PropertyKey, PropertyKey, PropertyKey])[] = [0x8083, 0x8093, 0x80a3].map(
  (lid) => [address(lid), address(lid - 3), address(lid - 1)] as const,
);
const places: Readonly<Record<string, Readonly<Record<string, PropertyKey>>>> = {
  businessAddress: {
    street: address(0x8045),
    city: address(0x8046),
    state: address(0x8047),
    countryOrRegion: address(0x8049),
    postalCode: address(0x8048),
  },
  homeAddress: {
    street: tagKey(0x3a5d),
    city: tagKey(0x3a59),
    state: tagKey(0x3a5c),
    countryOrRegion: tagKey(0x3a5a),
    postalCode: tagKey(0x3a5b),
  },
  otherAddress: {
    street: tagKey(0x3a63),
    city: tagKey(0x3a5f),
    state: tagKey(0x3a62),
    countryOrRegion: tagKey(0x3a60),
    postalCode: tagKey(0x3a61),
  },
};

const isContact = (item: Item): boolean => !item.associated && /^ipm\.contact(?:\.|$)/i.test(item.itemClass);

function notesOf(bag: PropertyBag): string {
  const html = bytesOf(bag, tag.html);
  return html === null ? (textOf(bag, tag.body) ?? '') : plainText(html.toString());
}

function contactJson(context: Context, item: Item, query: Query): Json {
  const bag = messageOfItem(item).properties;
  const json: Record<string, unknown> = {
    '@odata.etag': etagOf(item),
    id: context.idOf(item),
    createdDateTime: isoTime(item.createdAtMs),
    lastModifiedDateTime: isoTime(item.modifiedAtMs),
    changeKey: changeKeyOf(item),
    categories: textsOf(item, key.keywords),
    parentFolderId: idOfFolder(item.folder),
  };
  const birthday = bag.get(birthdayKey)?.value;
  json['birthday'] = typeof birthday === 'number' ? isoTime(birthday) : null;
  for (const [name, at] of Object.entries(simple)) json[name] = textOf(bag, at);
  for (const [name, keys] of Object.entries(several))
    json[name] = keys.flatMap((at) => textOf(bag, at) ?? []).filter((text) => text !== '');
  const children = bag.get(childrenKey)?.value;
  json['children'] = Array.isArray(children) ? children.map(String) : [];
  json['emailAddresses'] = mails.flatMap(([at, name]) => {
    const mail = textOf(bag, at);
    return mail === null || mail === '' ? [] : [{ name: textOf(bag, name) ?? mail, address: mail }];
  });
  for (const [name, parts] of Object.entries(places))
    json[name] = Object.fromEntries(
      Object.entries(parts).flatMap(([part, at]) => {
        const text = textOf(bag, at);
        return text === null || text === '' ? [] : [[part, text]];
      }),
    );
  json['personalNotes'] = notesOf(bag);
  return { ...select(json, query), ...extendedJson(query.expand, (at) => propertyOfItem(item, at)) };
}

const family: ItemFamily = {
  name: 'contacts',
  type: '#microsoft.graph.contact',
  has: isContact,
  json: contactJson,
  subject: (item) =>
    withExtended(
      item,
      subjectOf(
        {
          displayName: () => propertyText(item, simple['displayName']),
          givenName: () => propertyText(item, simple['givenName']),
          surname: () => propertyText(item, simple['surname']),
          companyName: () => propertyText(item, simple['companyName']),
          fileAs: () => propertyText(item, simple['fileAs']),
          createdDateTime: () => isoTime(item.createdAtMs),
          lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
        },
        {
          categories: () => texts(textsOf(item, key.keywords)),
          emailAddresses: () =>
            mails.flatMap(([at]) => {
              const mail = propertyText(item, at);
              return mail === null ? [] : [subjectOf({ address: () => mail })];
            }),
        },
      ),
    ),
};
function propertyText(item: Item, at: PropertyKey | undefined): string | null {
  const value = at === undefined ? undefined : propertyOfItem(item, at)?.value;
  return typeof value === 'string' ? value : null;
}

const readOnly: ReadonlySet<string> = new Set([
  'id',
  'createddatetime',
  'lastmodifieddatetime',
  'changekey',
  'parentfolderid',
  'singlevalueextendedproperties',
  'multivalueextendedproperties',
]);

/** Takes the fields of a request. @throws GraphError */
function take(edit: MapiEdit, json: Json): void {
  for (const [name, value] of Object.entries(json)) {
    if (name.startsWith('@') || readOnly.has(name.toLowerCase())) continue;
    setField(edit, name, value);
  }
  edit.setExtended(json);
}

const textIn = (name: string, value: unknown): string | null => {
  if (value !== null && typeof value !== 'string') throw badRequest(`'${name}' is a text.`);
  return value;
};
const textsIn = (name: string, value: unknown): readonly string[] => {
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    throw badRequest(`'${name}' is a list of texts.`);
  return value as readonly string[];
};

function setField(edit: MapiEdit, name: string, value: unknown): void {
  const at = simple[name];
  if (at !== undefined) {
    edit.set(at, 'String', textIn(name, value));
    return;
  }
  const keys = several[name];
  if (keys !== undefined) {
    const all = textsIn(name, value);
    if (all.length > keys.length && name !== 'imAddresses') throw badRequest(`'${name}' holds ${keys.length} at most.`);
    for (const [place, one] of keys.entries()) edit.set(one, 'String', all[place] ?? null);
    return;
  }
  const parts = places[name];
  if (parts !== undefined) {
    const given = (value ?? {}) as Json;
    for (const [part, one] of Object.entries(parts)) edit.set(one, 'String', textIn(part, given[part] ?? null));
    return;
  }
  switch (name) {
    case 'birthday': {
      const text = textIn(name, value);
      const ms = text === null ? null : Date.parse(text);
      if (ms !== null && Number.isNaN(ms)) throw badRequest('A birthday is a time.');
      edit.set(birthdayKey, 'SystemTime', ms);
      return;
    }
    case 'categories':
      edit.set(key.keywords, 'StringArray', textsIn(name, value));
      return;
    case 'children':
      edit.set(childrenKey, 'StringArray', textsIn(name, value));
      return;
    case 'personalNotes':
      edit.setBody({ type: 'Text', text: textIn(name, value) ?? '' });
      return;
    case 'emailAddresses': {
      if (!Array.isArray(value)) throw badRequest('emailAddresses is a list.');
      if (value.length > mails.length) throw badRequest('A contact has three addresses at most.');
      for (const [place, [mail, shown, kind]] of mails.entries()) {
        const one = (value as readonly Json[])[place];
        const given = one === undefined ? null : textIn('address', one['address'] ?? null);
        edit.set(mail, 'String', given);
        edit.set(shown, 'String', one === undefined ? null : (textIn('name', one['name'] ?? null) ?? given));
        edit.set(kind, 'String', given === null ? null : 'SMTP');
      }
      return;
    }
    default:
      throw badRequest(`The property '${name}' does not exist on type 'microsoft.graph.contact'.`);
  }
}

/** What a name is made of when nobody says it. (contact: displayName, fileAs) */
function fillNames(edit: MapiEdit): void {
  const { bag } = edit;
  const text = (name: string): string => textOf(bag, simple[name] ?? '') ?? '';
  const full = [text('givenName'), text('middleName'), text('surname')].filter((part) => part !== '').join(' ');
  const displayName = text('displayName') || full || text('companyName');
  edit.set(simple['displayName'] ?? '', 'String', displayName);
  if (text('fileAs') === '') {
    const fileAs =
      text('surname') === '' ? displayName : [text('surname'), text('givenName')].filter(Boolean).join(', ');
    edit.set(simple['fileAs'] ?? '', 'String', fileAs);
  }
  edit.set(key.subject, 'String', displayName);
  edit.set(key.normalizedSubject, 'String', displayName);
}

const folders: FolderFamily = {
  path: 'users/{user}/contactFolders',
  parameter: 'contactFolder',
  kind: 'contactFolders',
  containerClass: 'IPF.Contact',
  role: 'contacts',
  // (user-list-contactfolders: the folders in the default contacts folder)
  listsDefault: false,
  reads: 'contactsRead',
  writes: 'contactsWrite',
  json: (folder) => ({
    id: idOfFolder(folder),
    parentFolderId: folder.parent === null ? null : idOfFolder(folder.parent),
    displayName: folder.name,
  }),
};

function contactOf(context: Context, parameters: Parameters): Item {
  const item = context.item(parameters['contact'] ?? '');
  if (!isContact(item)) throw notFound();
  if (parameters['contactFolder'] !== undefined && item.folder !== typedFolderOf(context, folders, parameters))
    throw notFound();
  return item;
}

const entity = (context: Context, item: Item): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/contacts/$entity`),
  ...contactJson(context, item, context.query),
});

function create(context: Context, parameters: Parameters): Reply {
  const folder = typedFolderOf(context, folders, parameters);
  const edit = new MapiEdit(null, 'IPM.Contact');
  take(edit, context.json());
  fillNames(edit);
  const item = context.mailbox.create(
    folder,
    { content: edit.content(context.mailbox), messageFlags: 1, isRead: true },
    context.hand(),
  );
  touchLater(context, item);
  return created(entity(context, item));
}

function change(context: Context, item: Item): Reply {
  checkMatch(context, item);
  const edit = new MapiEdit(item, item.itemClass);
  take(edit, context.json());
  context.mailbox.update(item, edit.content(context.mailbox), context.hand());
  touchLater(context, item);
  return ok(entity(context, item));
}

const lists = ['users/{user}/contacts', 'users/{user}/contactFolders/{contactFolder}/contacts'];

export const contactRoutes: readonly Route[] = [
  ...typedFolderRoutes(folders),
  ...lists.flatMap((path): readonly Route[] => [
    {
      method: 'GET',
      path,
      needs: 'contactsRead',
      run: (context, parameters) =>
        ok(
          page(
            context,
            `${context.userTail}/contacts`,
            entriesOf(context, typedFolderOf(context, folders, parameters).newest(), family),
          ),
        ),
    },
    { method: 'POST', path, needs: 'contactsWrite', run: create },
    {
      method: 'GET',
      path: `${path}/delta`,
      needs: 'contactsRead',
      run: (context, parameters) => itemFeed(context, typedFolderOf(context, folders, parameters), family),
    },
    {
      method: 'GET',
      path: `${path}/{contact}`,
      needs: 'contactsRead',
      run: (context, parameters) => ok(entity(context, contactOf(context, parameters))),
    },
    {
      method: 'PATCH',
      path: `${path}/{contact}`,
      needs: 'contactsWrite',
      run: (context, parameters) => change(context, contactOf(context, parameters)),
    },
    {
      method: 'DELETE',
      path: `${path}/{contact}`,
      needs: 'contactsWrite',
      run(context, parameters) {
        const item = contactOf(context, parameters);
        checkMatch(context, item);
        context.mailbox.remove(item, 'MoveToDeletedItems', context.hand());
        return noContent;
      },
    },
    {
      method: 'POST',
      path: `${path}/{contact}/permanentDelete`,
      needs: 'contactsWrite',
      run(context, parameters) {
        context.mailbox.remove(contactOf(context, parameters), 'HardDelete', context.hand());
        return noContent;
      },
    },
  ]),
];
