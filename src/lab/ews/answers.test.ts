import { describe, expect, test } from 'vitest';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { ewsVersions } from '../seams.ts';
import { EwsBench, type Reply } from './ews.fixture.ts';

const idOnly = '<t:BaseShape>IdOnly</t:BaseShape>';
const inbox = '<t:DistinguishedFolderId Id="inbox"/>';
const mime = Buffer.from('From: a@x.test\r\nTo: b@x.test\r\nSubject: s\r\n\r\nhello\r\n').toString('base64');
const idOf = (reply: Reply, name = 'ItemId'): string => reply.one(name).attributes.get('Id') ?? '';

describe.skipIf(!haveSchemas()).each(ewsVersions)(
  'Exchange %s: every operation is asked and answered by the schema',
  (version) => {
    test('from a folder’s creation to its deletion', async () => {
      const ews = new EwsBench(version, { items: 60 });
      const recent = version !== '2007';
      ews.onEnvelope = (kind, v, bytes) =>
        expect(validateEnvelope(v, bytes), `${kind} ${bytes.toString().slice(0, 3000)}`).toEqual([]);
      const ok = async (body: string): Promise<Reply> => {
        const reply = await ews.call(body);
        expect(new Set(reply.codes), body).toEqual(new Set(['NoError']));
        return reply;
      };
      const folder = idOf(
        await ok(
          `<m:CreateFolder><m:ParentFolderId>${inbox}</m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>work</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`,
        ),
        'FolderId',
      );
      const other = idOf(
        await ok(
          `<m:CreateFolder><m:ParentFolderId>${inbox}</m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>other</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`,
        ),
        'FolderId',
      );
      await ok(
        `<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="${folder}"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>play</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`,
      );
      const subscribed = await ok(
        `<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:FolderId Id="${folder}"/></t:FolderIds><t:EventTypes>${['Created', 'Modified', 'Moved', 'Copied', 'Deleted'].map((e) => `<t:EventType>${e}Event</t:EventType>`).join('')}</t:EventTypes><t:Timeout>5</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`,
      );
      const created = await ok(
        `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="${folder}"/></m:SavedItemFolderId><m:Items><t:Message><t:MimeContent>${mime}</t:MimeContent><t:Categories><t:String>Blue</t:String></t:Categories><t:Importance>High</t:Importance></t:Message></m:Items></m:CreateItem>`,
      );
      const item = idOf(created);
      await ok(
        `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="${item}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>t</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`,
      );
      const attached = await ok(
        `<m:CreateAttachment><m:ParentItemId Id="${item}"/><m:Attachments><t:FileAttachment><t:Name>a.bin</t:Name><t:Content>aGVsbG8=</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
      );
      const attachment = idOf(attached, 'AttachmentId');
      expect(
        (
          await ok(
            `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="${attachment}"/></m:AttachmentIds></m:GetAttachment>`,
          )
        ).one('Content').text,
      ).toBe('aGVsbG8=');
      const whole = await ok(
        `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="${item}"/></m:ItemIds></m:GetItem>`,
      );
      expect([whole.one('Subject').text, whole.one('HasAttachments').text]).toEqual(['t', 'true']);
      await ok(
        `<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="${attachment}"/></m:AttachmentIds></m:DeleteAttachment>`,
      );
      const copy = idOf(
        await ok(
          `<m:CopyItem><m:ToFolderId><t:FolderId Id="${other}"/></m:ToFolderId><m:ItemIds><t:ItemId Id="${item}"/></m:ItemIds></m:CopyItem>`,
        ),
      );
      const moved = idOf(
        await ok(
          `<m:MoveItem><m:ToFolderId><t:FolderId Id="${other}"/></m:ToFolderId><m:ItemIds><t:ItemId Id="${item}"/></m:ItemIds></m:MoveItem>`,
        ),
      );
      expect(new Set([item, copy, moved]).size).toBe(3);
      const events = await ok(
        `<m:GetEvents><m:SubscriptionId>${subscribed.one('SubscriptionId').text}</m:SubscriptionId><m:Watermark>${subscribed.one('Watermark').text}</m:Watermark></m:GetEvents>`,
      );
      for (const name of ['CreatedEvent', 'ModifiedEvent', 'MovedEvent'])
        expect(events.all(name).length).toBeGreaterThan(0);
      await ok(
        `<m:Unsubscribe><m:SubscriptionId>${subscribed.one('SubscriptionId').text}</m:SubscriptionId></m:Unsubscribe>`,
      );
      const hex = await ok(
        `<m:ConvertId DestinationFormat="HexEntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="${moved}" Mailbox="x@y.test"/></m:SourceIds></m:ConvertId>`,
      );
      expect(hex.one('AlternateId').attributes.get('Mailbox')).toBe(ews.mailbox().address);
      const draft = (
        await ok(
          `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>go</t:Subject><t:Body BodyType="Text">b</t:Body><t:ToRecipients><t:Mailbox><t:EmailAddress>${ews.mailbox(1).address}</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>`,
        )
      ).one('ItemId').attributes;
      await ok(
        `<m:SendItem SaveItemToFolder="true"><m:ItemIds><t:ItemId Id="${draft.get('Id')}" ChangeKey="${draft.get('ChangeKey')}"/></m:ItemIds></m:SendItem>`,
      );
      expect([...ews.mailbox(1).folder('inbox').newest()][0]?.text('0x0037')).toBe('go');
      await ok(
        `<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>anna</m:UnresolvedEntry></m:ResolveNames>`,
      );
      await ok(
        `<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>${ews.mailbox().address}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>`,
      );
      await ok(
        `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></m:Restriction><m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder><m:ParentFolderIds>${inbox}</m:ParentFolderIds></m:FindItem>`,
      );
      if (recent) {
        await ok('<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>');
        const data = (await ok(`<m:ExportItems><m:ItemIds><t:ItemId Id="${moved}"/></m:ItemIds></m:ExportItems>`)).one(
          'Data',
        ).text;
        await ok(
          `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="${other}"/><t:Data>${data}</t:Data></t:Item></m:Items></m:UploadItems>`,
        );
        await ok(
          '<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>',
        );
      }
      await ok(
        `<m:DeleteItem DeleteType="MoveToDeletedItems"><m:ItemIds><t:ItemId Id="${copy}"/></m:ItemIds></m:DeleteItem>`,
      );
      await ok(
        `<m:MoveFolder><m:ToFolderId><t:FolderId Id="${other}"/></m:ToFolderId><m:FolderIds><t:FolderId Id="${folder}"/></m:FolderIds></m:MoveFolder>`,
      );
      if (recent)
        await ok(
          `<m:EmptyFolder DeleteType="SoftDelete" DeleteSubFolders="true"><m:FolderIds><t:FolderId Id="${other}"/></m:FolderIds></m:EmptyFolder>`,
        );
      await ok(
        `<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="${other}"/></m:FolderIds></m:DeleteFolder>`,
      );
      await ok(`<m:SyncFolderHierarchy><m:FolderShape>${idOnly}</m:FolderShape></m:SyncFolderHierarchy>`);
    });
  },
);
