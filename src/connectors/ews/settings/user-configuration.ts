import { child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { StoredConfiguration } from '#model/mailbox-settings.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';
import type { FolderRef } from '../operations/ids.ts';

export interface ConfigurationName {
  readonly name: string;
  readonly folder: Exclude<FolderRef, string>;
}

function written(element: string, { name, folder }: ConfigurationName): XmlFragment {
  const mailbox =
    folder.mailbox === null ? null : xml`<t:Mailbox><t:EmailAddress>${folder.mailbox}</t:EmailAddress></t:Mailbox>`;
  return xml`${rawXml(`<${element}`)} Name="${name}"><t:DistinguishedFolderId Id="${folder.distinguished}">${mailbox}</t:DistinguishedFolderId>${rawXml(`</${element}>`)}`;
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuserconfiguration-operation */
export const getUserConfiguration: Operation<ConfigurationName, StoredConfiguration> = {
  name: 'GetUserConfiguration',
  subject: aboutItems(false),
  answers: () => 1,
  write: (of) =>
    xml`<m:GetUserConfiguration>${written('m:UserConfigurationName', of)}<m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`,
  reader: () => ({
    read(message) {
      const found = child(message, messagesNamespace, 'UserConfiguration');
      const text = (name: string): string | null => (found && childText(found, typesNamespace, name)?.trim()) || null;
      const dictionary = found && child(found, typesNamespace, 'Dictionary');
      return {
        dictionary: dictionary && children(dictionary, typesNamespace, 'DictionaryEntry').map(readEntry),
        xml: text('XmlData'),
        binary: text('BinaryData'),
      };
    },
  }),
};

function readEntry(entry: XmlElement): NonNullable<StoredConfiguration['dictionary']>[number] {
  const of = (name: string) => {
    const object = child(entry, typesNamespace, name);
    return {
      type: (object && childText(object, typesNamespace, 'Type')) ?? 'String',
      values: object === null ? [] : children(object, typesNamespace, 'Value').map(({ text }) => text),
    };
  };
  const { type, values } = of('DictionaryKey');
  return { key: { type, value: values[0] ?? '' }, value: of('DictionaryValue') };
}

export interface ConfigurationUpdate extends ConfigurationName {
  readonly content: StoredConfiguration;
}

function writing(name: 'CreateUserConfiguration' | 'UpdateUserConfiguration'): Operation<ConfigurationUpdate, null> {
  return {
    name,
    subject: aboutItems(true),
    answers: () => 1,
    write: ({ content, ...of }) => {
      const dictionary =
        content.dictionary === null
          ? null
          : xml`<t:Dictionary>${content.dictionary.map(
              ({ key, value }) =>
                xml`<t:DictionaryEntry><t:DictionaryKey><t:Type>${key.type}</t:Type><t:Value>${key.value}</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>${value.type}</t:Type>${value.values.map((one) => xml`<t:Value>${one}</t:Value>`)}</t:DictionaryValue></t:DictionaryEntry>`,
            )}</t:Dictionary>`;
      const xmlData = content.xml === null ? null : xml`<t:XmlData>${content.xml}</t:XmlData>`;
      const binary = content.binary === null ? null : xml`<t:BinaryData>${content.binary}</t:BinaryData>`;
      return xml`${rawXml(`<m:${name}>`)}<m:UserConfiguration>${written('t:UserConfigurationName', of)}${dictionary}${xmlData}${binary}</m:UserConfiguration>${rawXml(`</m:${name}>`)}`;
    },
    reader: () => ({ read: () => null }),
  };
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/createuserconfiguration-operation */
export const createUserConfiguration = writing('CreateUserConfiguration');
/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateuserconfiguration-operation */
export const updateUserConfiguration = writing('UpdateUserConfiguration');
