import type { EwsVersion } from '../seams.ts';
import { ewsVersions } from '../seams.ts';
import { calendarRefusals } from './calendar-refusals.ts';

/** What a row's request may refer to: things of the mailbox it is sent to, made fresh for each run. */
export interface RefusalStage {
  /** Folder ids. */
  readonly inbox: string;
  /** A folder that was deleted. */
  readonly goneFolder: string;
  /** A message in the inbox, with its change key, and the change key it had before its last change. */
  readonly item: string;
  readonly changeKey: string;
  readonly staleKey: string;
  /** A received message in the inbox, a draft, an appointment and a task. */
  readonly sent: string;
  readonly sentKey: string;
  readonly draft: string;
  readonly draftKey: string;
  readonly appointment: string;
  /** A single appointment; a series of six Thursdays from 13 March 2031 on whose fifth was deleted; its second occurrence. */
  readonly single: string;
  readonly series: string;
  readonly occurrence: string;
  /** A series of one. */
  readonly lonelySeries: string;
  readonly task: string;
  /** An item that was deleted, one of another mailbox, one of no mailbox at all. */
  readonly goneItem: string;
  readonly strangeItem: string;
  readonly strangeFolder: string;
  readonly unknownMailboxItem: string;
  /** Folder below the inbox named `taken`. */
  readonly childFolder: string;
  /** Address of another mailbox of the organization. */
  readonly stranger: string;
}

export interface RefusalRow {
  readonly id: string;
  /** Versions in which it is so; default: all. */
  readonly versions?: readonly EwsVersion[];
  /** Inside `soap:Body`, or a whole document when it begins with `<?xml` or `<s:`. */
  readonly request: (stage: RefusalStage) => string;
  /** `RequestServerVersion`; default: the newest of the version. Null: without the header. */
  readonly requestVersion?: string | null;
  /** More SOAP headers. */
  readonly header?: (stage: RefusalStage) => string;
  readonly as?: 'owner' | 'stranger' | 'admin';
  /** ResponseCode of the first response message, or of the SOAP fault. `http` for an answer without SOAP. */
  readonly code: string;
  readonly kind: 'fault' | 'message' | 'http';
  /** EWS doc page, XSD type, or another source; `assumed` where only practice speaks. */
  readonly source: string;
}

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];
const since2013: readonly EwsVersion[] = ['2013', '2016', 'se'];

const idOnly = '<t:BaseShape>IdOnly</t:BaseShape>';
const folderShape = `<m:FolderShape>${idOnly}</m:FolderShape>`;
const itemShape = `<m:ItemShape>${idOnly}</m:ItemShape>`;
const inboxId = '<t:DistinguishedFolderId Id="inbox"/>';
const mimeText = 'U3ViamVjdDogeA0KDQp5DQo=';

const getFolder = (id: string, shape = folderShape): string =>
  `<m:GetFolder>${shape}<m:FolderIds>${id}</m:FolderIds></m:GetFolder>`;
const getItem = (id: string, shape = itemShape): string =>
  `<m:GetItem>${shape}<m:ItemIds>${id}</m:ItemIds></m:GetItem>`;
const itemId = (id: string, changeKey?: string): string =>
  `<t:ItemId Id="${id}"${changeKey === undefined ? '' : ` ChangeKey="${changeKey}"`}/>`;
const folderId = (id: string): string => `<t:FolderId Id="${id}"/>`;
const create = (item: string, attributes = ' MessageDisposition="SaveOnly"', folder = inboxId): string =>
  `<m:CreateItem${attributes}>${folder === '' ? '' : `<m:SavedItemFolderId>${folder}</m:SavedItemFolderId>`}<m:Items>${item}</m:Items></m:CreateItem>`;
const update = (
  id: string,
  change: string,
  attributes = ' ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"',
): string =>
  `<m:UpdateItem${attributes}><m:ItemChanges><t:ItemChange>${id}<t:Updates>${change}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`;
const setField = (uri: string, field: string, element = 'Message'): string =>
  `<t:SetItemField><t:FieldURI FieldURI="${uri}"/><t:${element}>${field}</t:${element}></t:SetItemField>`;
const setExtended = (path: string, value: string): string =>
  `<t:SetItemField>${path}<t:Message><t:ExtendedProperty>${path}${value}</t:ExtendedProperty></t:Message></t:SetItemField>`;
const extended = (attributes: string): string => `<t:ExtendedFieldURI ${attributes}/>`;
const withProperties = (paths: string): string =>
  `<m:ItemShape>${idOnly}<t:AdditionalProperties>${paths}</t:AdditionalProperties></m:ItemShape>`;
const findItem = (parts: {
  view?: string;
  restriction?: string;
  sort?: string;
  shape?: string;
  folder?: string;
  traversal?: string;
  tail?: string;
}): string =>
  `<m:FindItem Traversal="${parts.traversal ?? 'Shallow'}">${parts.shape ?? itemShape}${parts.view ?? ''}${parts.restriction === undefined ? '' : `<m:Restriction>${parts.restriction}</m:Restriction>`}${
    parts.sort === undefined ? '' : `<m:SortOrder>${parts.sort}</m:SortOrder>`
  }<m:ParentFolderIds>${parts.folder ?? inboxId}</m:ParentFolderIds>${parts.tail ?? ''}</m:FindItem>`;
const findFolder = (parts: { view?: string; restriction?: string; traversal?: string; folder?: string }): string =>
  `<m:FindFolder Traversal="${parts.traversal ?? 'Shallow'}">${folderShape}${parts.view ?? ''}${parts.restriction === undefined ? '' : `<m:Restriction>${parts.restriction}</m:Restriction>`}<m:ParentFolderIds>${parts.folder ?? inboxId}</m:ParentFolderIds></m:FindFolder>`;
const sync = (tail: string, shape = itemShape, folder = inboxId): string =>
  `<m:SyncFolderItems>${shape}<m:SyncFolderId>${folder}</m:SyncFolderId>${tail}</m:SyncFolderItems>`;
const createFolder = (folder: string, parent = inboxId): string =>
  `<m:CreateFolder><m:ParentFolderId>${parent}</m:ParentFolderId><m:Folders>${folder}</m:Folders></m:CreateFolder>`;
const updateFolder = (id: string, change: string): string =>
  `<m:UpdateFolder><m:FolderChanges><t:FolderChange>${id}<t:Updates>${change}</t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`;
const impersonate = (address: string): string =>
  `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`;
const mailboxFolder = (address: string): string =>
  `<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>${address}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`;
const subscribe = (inner: string): string => `<m:Subscribe>${inner}</m:Subscribe>`;
const pull = (parts: {
  folders?: string;
  events?: string;
  timeout?: string;
  attributes?: string;
  watermark?: string;
}): string =>
  subscribe(
    `<m:PullSubscriptionRequest${parts.attributes ?? ''}>${parts.folders ?? `<t:FolderIds>${inboxId}</t:FolderIds>`}<t:EventTypes>${parts.events ?? '<t:EventType>CreatedEvent</t:EventType>'}</t:EventTypes>${parts.watermark ?? ''}<t:Timeout>${parts.timeout ?? '10'}</t:Timeout></m:PullSubscriptionRequest>`,
  );

type Row = Omit<RefusalRow, 'kind' | 'source'>;
const schema = (type: string, rows: readonly Omit<Row, 'code'>[]): readonly RefusalRow[] =>
  rows.map((row) => ({ ...row, code: 'ErrorSchemaValidation', kind: 'fault', source: `XSD ${type}` }));
const message = (source: string, rows: readonly Row[]): readonly RefusalRow[] =>
  rows.map((row) => ({ ...row, kind: 'message', source }));
const fault = (source: string, rows: readonly Row[]): readonly RefusalRow[] =>
  rows.map((row) => ({ ...row, kind: 'fault', source }));
const http = (source: string, rows: readonly Omit<Row, 'code'>[]): readonly RefusalRow[] =>
  rows.map((row) => ({ ...row, code: '', kind: 'http', source }));

const soap = 'http://schemas.xmlsoap.org/soap/envelope/';
const wrong = 'http://schemas.microsoft.com/exchange/services/2007/messages';

/** Requests that Exchange refuses, and how. Every row is sent to every version it names. */
export const refusals: readonly RefusalRow[] = [
  // Documents
  ...http('assumed: the web service stack answers 400 to what is no XML', [
    { id: 'not-xml', request: () => '<?xml version="1.0"?>hello' },
    { id: 'truncated', request: () => `<?xml version="1.0"?><s:Envelope xmlns:s="${soap}"><s:Body>` },
    {
      id: 'doctype',
      request: () =>
        `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><s:Envelope xmlns:s="${soap}"><s:Body/></s:Envelope>`,
    },
    {
      id: 'undeclared-prefix',
      request: () => `<?xml version="1.0"?><s:Envelope xmlns:s="${soap}"><s:Body><m:GetFolder/></s:Body></s:Envelope>`,
    },
  ]),
  ...schema('envelope', [
    { id: 'no-envelope', request: () => '<?xml version="1.0"?><GetFolder/>' },
    {
      id: 'soap-12',
      request: () =>
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
    },
    { id: 'empty-body', request: () => `<?xml version="1.0"?><s:Envelope xmlns:s="${soap}"><s:Body/></s:Envelope>` },
    { id: 'no-body', request: () => `<?xml version="1.0"?><s:Envelope xmlns:s="${soap}"><s:Header/></s:Envelope>` },
    { id: 'two-operations', request: () => getFolder(inboxId) + getFolder(inboxId) },
    { id: 'unknown-operation', request: () => '<m:DoSomething/>' },
    {
      id: 'operation-in-types',
      request: () => `<t:GetFolder>${folderShape}<m:FolderIds>${inboxId}</m:FolderIds></t:GetFolder>`,
    },
    {
      id: 'operation-in-wrong-namespace',
      request: () => `<w:GetFolder xmlns:w="${wrong}">${folderShape}</w:GetFolder>`,
    },
    { id: 'operation-without-namespace', request: () => '<GetFolder/>' },
    { id: 'response-as-request', request: () => '<m:GetFolderResponse/>' },
  ]),
  // Versions
  ...fault('EWS doc: requestserverversion', [
    {
      id: 'version-nonsense',
      requestVersion: 'Exchange2042',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    { id: 'version-empty', requestVersion: '', request: () => getFolder(inboxId), code: 'ErrorInvalidServerVersion' },
    {
      id: 'version-case',
      requestVersion: 'exchange2007',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    {
      id: 'version-newer-2010',
      versions: ['2007'],
      requestVersion: 'Exchange2010',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    {
      id: 'version-newer-2013',
      versions: ['2007', '2010'],
      requestVersion: 'Exchange2013',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    {
      id: 'version-newer-2016',
      versions: ['2007', '2010', '2013'],
      requestVersion: 'Exchange2016',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    {
      id: 'version-newer-2017',
      versions: ['2007', '2010', '2013', '2016'],
      requestVersion: 'V2017_07_11',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
    {
      id: 'version-online',
      requestVersion: 'V2018_01_08',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidServerVersion',
    },
  ]),
  ...fault('WSDL of the version; code assumed', [
    {
      id: 'operation-too-new-export',
      versions: since2010,
      requestVersion: 'Exchange2010',
      request: (s) => `<m:ExportItems><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:ExportItems>`,
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-export-2007',
      requestVersion: 'Exchange2007_SP1',
      request: (s) => `<m:ExportItems><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:ExportItems>`,
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-zones',
      requestVersion: 'Exchange2007_SP1',
      request: () => '<m:GetServerTimeZones/>',
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-empty',
      requestVersion: 'Exchange2007_SP1',
      request: () =>
        `<m:EmptyFolder DeleteType="SoftDelete" DeleteSubFolders="false"><m:FolderIds>${inboxId}</m:FolderIds></m:EmptyFolder>`,
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-stream',
      requestVersion: 'Exchange2007_SP1',
      request: () =>
        '<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>',
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-configuration',
      requestVersion: 'Exchange2007_SP1',
      request: () =>
        '<m:GetUserConfiguration><m:UserConfigurationName Name="x"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>',
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-mark-all',
      versions: ['2007', '2010'],
      request: () =>
        `<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts><m:FolderIds>${inboxId}</m:FolderIds></m:MarkAllItemsAsRead>`,
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-too-new-mark-all-asked',
      versions: since2013,
      requestVersion: 'Exchange2010_SP2',
      request: () =>
        `<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts><m:FolderIds>${inboxId}</m:FolderIds></m:MarkAllItemsAsRead>`,
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'operation-without-version',
      requestVersion: null,
      request: () => '<m:GetServerTimeZones/>',
      code: 'ErrorInvalidRequest',
    },
  ]),
  ...schema('types of an older version', [
    {
      id: 'old-suppress-update',
      versions: ['2007', '2010'],
      request: (s) =>
        update(
          itemId(s.item),
          setField('message:IsRead', '<t:IsRead>true</t:IsRead>'),
          ' ConflictResolution="AutoResolve" SuppressReadReceipts="true"',
        ),
    },
    {
      id: 'old-suppress-delete',
      versions: ['2007', '2010'],
      request: (s) =>
        `<m:DeleteItem DeleteType="SoftDelete" SuppressReadReceipts="true"><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:DeleteItem>`,
    },
    {
      id: 'asked-old-suppress',
      versions: since2013,
      requestVersion: 'Exchange2010_SP2',
      request: (s) =>
        `<m:DeleteItem DeleteType="SoftDelete" SuppressReadReceipts="true"><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:DeleteItem>`,
    },
    {
      id: 'old-flag-field',
      versions: ['2007', '2010'],
      request: (s) => getItem(itemId(s.item), withProperties('<t:FieldURI FieldURI="item:Flag"/>')),
    },
    {
      id: 'old-flag-element',
      versions: ['2007', '2010'],
      request: () => create('<t:Message><t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag></t:Message>'),
    },
    {
      id: 'old-conversation',
      requestVersion: 'Exchange2007_SP1',
      request: (s) => getItem(itemId(s.item), withProperties('<t:FieldURI FieldURI="item:ConversationId"/>')),
    },
    {
      id: 'old-recoverable',
      requestVersion: 'Exchange2007_SP1',
      request: () => getFolder('<t:DistinguishedFolderId Id="recoverableitemsdeletions"/>'),
    },
    {
      id: 'old-sync-issues',
      versions: ['2007', '2010'],
      request: () => getFolder('<t:DistinguishedFolderId Id="syncissues"/>'),
    },
    {
      id: 'old-sync-scope',
      requestVersion: 'Exchange2007_SP1',
      request: () => sync('<m:MaxChangesReturned>10</m:MaxChangesReturned><m:SyncScope>NormalItems</m:SyncScope>'),
    },
    {
      id: 'old-query-string',
      requestVersion: 'Exchange2007_SP1',
      request: () => findItem({ tail: '<m:QueryString>x</m:QueryString>' }),
    },
    {
      id: 'old-return-ids',
      requestVersion: 'Exchange2007_SP1',
      request: (s) =>
        `<m:MoveItem><m:ToFolderId>${inboxId}</m:ToFolderId><m:ItemIds>${itemId(s.item)}</m:ItemIds><m:ReturnNewItemIds>true</m:ReturnNewItemIds></m:MoveItem>`,
    },
    {
      id: 'old-streaming',
      requestVersion: 'Exchange2007_SP1',
      request: () =>
        subscribe(
          `<m:StreamingSubscriptionRequest><t:FolderIds>${inboxId}</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest>`,
        ),
    },
    {
      id: 'old-inline-attachment',
      requestVersion: 'Exchange2007_SP1',
      request: (s) =>
        `<m:CreateAttachment><m:ParentItemId Id="${s.item}"/><m:Attachments><t:FileAttachment><t:Name>a</t:Name><t:IsInline>true</t:IsInline><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
    },
  ]),
  // Element order, missing and unknown parts
  ...schema('GetFolderType', [
    {
      id: 'getfolder-order',
      request: () => `<m:GetFolder><m:FolderIds>${inboxId}</m:FolderIds>${folderShape}</m:GetFolder>`,
    },
    { id: 'getfolder-no-shape', request: () => `<m:GetFolder><m:FolderIds>${inboxId}</m:FolderIds></m:GetFolder>` },
    { id: 'getfolder-no-ids', request: () => `<m:GetFolder>${folderShape}</m:GetFolder>` },
    { id: 'getfolder-empty-ids', request: () => getFolder('') },
    { id: 'getfolder-item-id', request: (s) => getFolder(itemId(s.item)) },
    {
      id: 'getfolder-unknown-child',
      request: () => `<m:GetFolder>${folderShape}<m:FolderIds>${inboxId}</m:FolderIds><m:Extra/></m:GetFolder>`,
    },
    {
      id: 'getfolder-attribute',
      request: () => `<m:GetFolder Color="red">${folderShape}<m:FolderIds>${inboxId}</m:FolderIds></m:GetFolder>`,
    },
    {
      id: 'getfolder-text',
      request: () => `<m:GetFolder>hello${folderShape}<m:FolderIds>${inboxId}</m:FolderIds></m:GetFolder>`,
    },
    {
      id: 'getfolder-bad-shape',
      request: () => getFolder(inboxId, '<m:FolderShape><t:BaseShape>Everything</t:BaseShape></m:FolderShape>'),
    },
    {
      id: 'getfolder-shape-case',
      request: () => getFolder(inboxId, '<m:FolderShape><t:BaseShape>idonly</t:BaseShape></m:FolderShape>'),
    },
    {
      id: 'getfolder-shape-namespace',
      request: () => getFolder(inboxId, '<t:FolderShape><t:BaseShape>IdOnly</t:BaseShape></t:FolderShape>'),
    },
    { id: 'getfolder-shape-empty', request: () => getFolder(inboxId, '<m:FolderShape/>') },
    {
      id: 'getfolder-properties-empty',
      request: () => getFolder(inboxId, `<m:FolderShape>${idOnly}<t:AdditionalProperties/></m:FolderShape>`),
    },
    { id: 'getfolder-no-id', request: () => getFolder('<t:FolderId/>') },
    { id: 'getfolder-unknown-role', request: () => getFolder('<t:DistinguishedFolderId Id="attic"/>') },
    { id: 'getfolder-role-case', request: () => getFolder('<t:DistinguishedFolderId Id="Inbox"/>') },
    { id: 'getfolder-id-namespace', request: (s) => getFolder(`<m:FolderId Id="${s.inbox}"/>`) },
    {
      id: 'getfolder-unknown-field',
      request: () =>
        getFolder(
          inboxId,
          `<m:FolderShape>${idOnly}<t:AdditionalProperties><t:FieldURI FieldURI="folder:Colour"/></t:AdditionalProperties></m:FolderShape>`,
        ),
    },
  ]),
  ...schema('GetItemType', [
    {
      id: 'getitem-order',
      request: (s) => `<m:GetItem><m:ItemIds>${itemId(s.item)}</m:ItemIds>${itemShape}</m:GetItem>`,
    },
    { id: 'getitem-empty', request: () => getItem('') },
    {
      id: 'getitem-shape-order',
      request: (s) =>
        getItem(
          itemId(s.item),
          `<m:ItemShape><t:IncludeMimeContent>true</t:IncludeMimeContent>${idOnly}</m:ItemShape>`,
        ),
    },
    {
      id: 'getitem-bad-boolean',
      request: (s) =>
        getItem(itemId(s.item), `<m:ItemShape>${idOnly}<t:IncludeMimeContent>yes</t:IncludeMimeContent></m:ItemShape>`),
    },
    {
      id: 'getitem-bad-body-type',
      request: (s) => getItem(itemId(s.item), `<m:ItemShape>${idOnly}<t:BodyType>RTF</t:BodyType></m:ItemShape>`),
    },
    {
      id: 'getitem-unknown-field',
      request: (s) => getItem(itemId(s.item), withProperties('<t:FieldURI FieldURI="item:Smell"/>')),
    },
    {
      id: 'getitem-property-without-type',
      request: (s) => getItem(itemId(s.item), withProperties(extended('PropertyTag="0x0E07"'))),
    },
    {
      id: 'getitem-property-bad-type',
      request: (s) => getItem(itemId(s.item), withProperties(extended('PropertyTag="0x0E07" PropertyType="Number"'))),
    },
    {
      id: 'getitem-property-bad-tag',
      request: (s) => getItem(itemId(s.item), withProperties(extended('PropertyTag="flags" PropertyType="Integer"'))),
    },
    {
      id: 'getitem-property-bad-set',
      request: (s) =>
        getItem(
          itemId(s.item),
          withProperties(extended('DistinguishedPropertySetId="Mine" PropertyName="x" PropertyType="String"')),
        ),
    },
    {
      id: 'getitem-property-bad-guid',
      request: (s) =>
        getItem(
          itemId(s.item),
          withProperties(extended('PropertySetId="1234" PropertyName="x" PropertyType="String"')),
        ),
    },
    {
      id: 'getitem-indexed-without-index',
      request: (s) =>
        getItem(itemId(s.item), withProperties('<t:IndexedFieldURI FieldURI="item:InternetMessageHeader"/>')),
    },
  ]),
  ...schema('SyncFolderItemsType', [
    { id: 'sync-no-max', request: () => sync('') },
    { id: 'sync-zero', request: () => sync('<m:MaxChangesReturned>0</m:MaxChangesReturned>') },
    { id: 'sync-513', request: () => sync('<m:MaxChangesReturned>513</m:MaxChangesReturned>') },
    { id: 'sync-negative', request: () => sync('<m:MaxChangesReturned>-1</m:MaxChangesReturned>') },
    { id: 'sync-word', request: () => sync('<m:MaxChangesReturned>many</m:MaxChangesReturned>') },
    {
      id: 'sync-order',
      request: () => sync('<m:MaxChangesReturned>5</m:MaxChangesReturned><m:SyncState>x</m:SyncState>'),
    },
    {
      id: 'sync-two-folders',
      request: () => sync('<m:MaxChangesReturned>5</m:MaxChangesReturned>', itemShape, inboxId + inboxId),
    },
    {
      id: 'sync-bad-scope',
      versions: since2010,
      request: () => sync('<m:MaxChangesReturned>5</m:MaxChangesReturned><m:SyncScope>Everything</m:SyncScope>'),
    },
  ]),
  ...schema('FindItemType, FindFolderType', [
    {
      id: 'find-no-traversal',
      request: () => `<m:FindItem>${itemShape}<m:ParentFolderIds>${inboxId}</m:ParentFolderIds></m:FindItem>`,
    },
    { id: 'find-deep', request: () => findItem({ traversal: 'Deep' }) },
    {
      id: 'find-sort-before-view',
      request: () =>
        `<m:FindItem Traversal="Shallow">${itemShape}<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder></m:SortOrder><m:IndexedPageItemView MaxEntriesReturned="5" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds>${inboxId}</m:ParentFolderIds></m:FindItem>`,
    },
    {
      id: 'find-view-without-offset',
      request: () => findItem({ view: '<m:IndexedPageItemView MaxEntriesReturned="5" BasePoint="Beginning"/>' }),
    },
    {
      id: 'find-view-without-base',
      request: () => findItem({ view: '<m:IndexedPageItemView MaxEntriesReturned="5" Offset="0"/>' }),
    },
    {
      id: 'find-bad-base',
      request: () =>
        findItem({ view: '<m:IndexedPageItemView MaxEntriesReturned="5" Offset="0" BasePoint="Middle"/>' }),
    },
    {
      id: 'find-bad-order',
      request: () =>
        findItem({ sort: '<t:FieldOrder Order="Sideways"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder>' }),
    },
    { id: 'find-no-parents', request: () => `<m:FindItem Traversal="Shallow">${itemShape}</m:FindItem>` },
    {
      id: 'find-bad-comparison',
      request: () => findItem({ restriction: '<t:IsSimilarTo><t:FieldURI FieldURI="item:Subject"/></t:IsSimilarTo>' }),
    },
    {
      id: 'find-comparison-without-constant',
      request: () => findItem({ restriction: '<t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/></t:IsEqualTo>' }),
    },
    {
      id: 'find-bad-containment',
      request: () =>
        findItem({
          restriction:
            '<t:Contains ContainmentMode="Somewhere"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="x"/></t:Contains>',
        }),
    },
    {
      id: 'find-constant-without-value',
      request: () =>
        findItem({
          restriction:
            '<t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant><t:Constant/></t:FieldURIOrConstant></t:IsEqualTo>',
        }),
    },
    { id: 'findfolder-bad-traversal', request: () => findFolder({ traversal: 'Associated' }) },
    {
      id: 'findfolder-view-after',
      request: () =>
        `<m:FindFolder Traversal="Shallow">${folderShape}<m:ParentFolderIds>${inboxId}</m:ParentFolderIds><m:IndexedPageFolderView MaxEntriesReturned="5" Offset="0" BasePoint="Beginning"/></m:FindFolder>`,
    },
  ]),
  ...schema('CreateItemType, ItemType', [
    { id: 'create-bad-disposition', request: () => create('<t:Message/>', ' MessageDisposition="Keep"') },
    { id: 'create-no-items', request: () => create('') },
    { id: 'create-unknown-item', request: () => create('<t:Letter/>') },
    {
      id: 'create-mime-late',
      request: () =>
        create(`<t:Message><t:Subject>x</t:Subject><t:MimeContent>${mimeText}</t:MimeContent></t:Message>`),
    },
    {
      id: 'create-extended-early',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0E07" PropertyType="Integer"')}<t:Value>1</t:Value></t:ExtendedProperty><t:Subject>x</t:Subject></t:Message>`,
        ),
    },
    { id: 'create-body-without-type', request: () => create('<t:Message><t:Body>x</t:Body></t:Message>') },
    { id: 'create-bad-body-type', request: () => create('<t:Message><t:Body BodyType="Best">x</t:Body></t:Message>') },
    {
      id: 'create-bad-importance',
      request: () => create('<t:Message><t:Importance>Urgent</t:Importance></t:Message>'),
    },
    {
      id: 'create-bad-sensitivity',
      request: () => create('<t:Message><t:Sensitivity>Secret</t:Sensitivity></t:Message>'),
    },
    {
      id: 'create-isread-before-recipients',
      request: () =>
        create(
          '<t:Message><t:IsRead>true</t:IsRead><t:ToRecipients><t:Mailbox><t:EmailAddress>a@b.test</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message>',
        ),
    },
    { id: 'create-bad-isread', request: () => create('<t:Message><t:IsRead>maybe</t:IsRead></t:Message>') },
    { id: 'create-categories-bare', request: () => create('<t:Message><t:Categories>Blue</t:Categories></t:Message>') },
    {
      id: 'create-items-before-folder',
      request: () =>
        `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message/></m:Items><m:SavedItemFolderId>${inboxId}</m:SavedItemFolderId></m:CreateItem>`,
    },
    {
      id: 'create-extended-without-value',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0E07" PropertyType="Integer"')}</t:ExtendedProperty></t:Message>`,
        ),
    },
    { id: 'create-wrong-namespace-field', request: () => create('<t:Message><m:Subject>x</m:Subject></t:Message>') },
  ]),
  ...schema('UpdateItemType', [
    {
      id: 'update-no-resolution',
      request: (s) =>
        update(
          itemId(s.item),
          setField('message:IsRead', '<t:IsRead>true</t:IsRead>'),
          ' MessageDisposition="SaveOnly"',
        ),
    },
    {
      id: 'update-bad-resolution',
      request: (s) =>
        update(itemId(s.item), setField('message:IsRead', '<t:IsRead>true</t:IsRead>'), ' ConflictResolution="Guess"'),
    },
    {
      id: 'update-no-updates',
      request: (s) =>
        `<m:UpdateItem ConflictResolution="AutoResolve"><m:ItemChanges><t:ItemChange>${itemId(s.item)}</t:ItemChange></m:ItemChanges></m:UpdateItem>`,
    },
    {
      id: 'update-no-path',
      request: (s) =>
        update(itemId(s.item), '<t:SetItemField><t:Message><t:Subject>x</t:Subject></t:Message></t:SetItemField>'),
    },
    {
      id: 'update-path-late',
      request: (s) =>
        update(
          itemId(s.item),
          '<t:SetItemField><t:Message><t:Subject>x</t:Subject></t:Message><t:FieldURI FieldURI="item:Subject"/></t:SetItemField>',
        ),
    },
    {
      id: 'update-delete-with-value',
      request: (s) =>
        update(
          itemId(s.item),
          '<t:DeleteItemField><t:FieldURI FieldURI="item:Subject"/><t:Message/></t:DeleteItemField>',
        ),
    },
    {
      id: 'update-unknown-action',
      request: (s) =>
        update(itemId(s.item), '<t:ReplaceItemField><t:FieldURI FieldURI="item:Subject"/></t:ReplaceItemField>'),
    },
  ]),
  ...schema('DeleteItemType, MoveItemType, DeleteFolderType, EmptyFolderType', [
    { id: 'delete-no-type', request: (s) => `<m:DeleteItem><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:DeleteItem>` },
    {
      id: 'delete-bad-type',
      request: (s) => `<m:DeleteItem DeleteType="Shred"><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:DeleteItem>`,
    },
    { id: 'delete-no-items', request: () => '<m:DeleteItem DeleteType="SoftDelete"><m:ItemIds/></m:DeleteItem>' },
    {
      id: 'move-order',
      request: (s) =>
        `<m:MoveItem><m:ItemIds>${itemId(s.item)}</m:ItemIds><m:ToFolderId>${inboxId}</m:ToFolderId></m:MoveItem>`,
    },
    { id: 'move-no-target', request: (s) => `<m:MoveItem><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:MoveItem>` },
    {
      id: 'deletefolder-no-type',
      request: (s) => `<m:DeleteFolder><m:FolderIds>${folderId(s.childFolder)}</m:FolderIds></m:DeleteFolder>`,
    },
    {
      id: 'empty-no-subfolders',
      versions: since2010,
      request: (s) =>
        `<m:EmptyFolder DeleteType="SoftDelete"><m:FolderIds>${folderId(s.childFolder)}</m:FolderIds></m:EmptyFolder>`,
    },
    {
      id: 'send-no-save',
      request: (s) => `<m:SendItem><m:ItemIds>${itemId(s.draft, s.draftKey)}</m:ItemIds></m:SendItem>`,
    },
  ]),
  ...schema('CreateFolderType, UpdateFolderType', [
    {
      id: 'createfolder-order',
      request: () =>
        '<m:CreateFolder><m:Folders><t:Folder><t:DisplayName>x</t:DisplayName></t:Folder></m:Folders><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId></m:CreateFolder>',
    },
    {
      id: 'createfolder-name-before-class',
      request: () =>
        createFolder('<t:Folder><t:DisplayName>x</t:DisplayName><t:FolderClass>IPF.Note</t:FolderClass></t:Folder>'),
    },
    { id: 'createfolder-none', request: () => createFolder('') },
    {
      id: 'updatefolder-none',
      request: (s) =>
        `<m:UpdateFolder><m:FolderChanges><t:FolderChange>${folderId(s.childFolder)}</t:FolderChange></m:FolderChanges></m:UpdateFolder>`,
    },
  ]),
  ...schema('SubscribeType, ConvertIdType, ResolveNamesType', [
    { id: 'subscribe-timeout-zero', request: () => pull({ timeout: '0' }) },
    { id: 'subscribe-timeout-1441', request: () => pull({ timeout: '1441' }) },
    { id: 'subscribe-no-events', request: () => pull({ events: '' }) },
    { id: 'subscribe-bad-event', request: () => pull({ events: '<t:EventType>BirthdayEvent</t:EventType>' }) },
    {
      id: 'streaming-timeout-zero',
      versions: since2010,
      request: () =>
        '<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>0</m:ConnectionTimeout></m:GetStreamingEvents>',
    },
    {
      id: 'streaming-timeout-31',
      versions: since2010,
      request: () =>
        '<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>31</m:ConnectionTimeout></m:GetStreamingEvents>',
    },
    {
      id: 'convert-bad-format',
      request: (s) =>
        `<m:ConvertId DestinationFormat="Rot13"><m:SourceIds><t:AlternateId Format="EwsId" Id="${s.item}" Mailbox="a@b.test"/></m:SourceIds></m:ConvertId>`,
    },
    {
      id: 'convert-no-mailbox',
      request: (s) =>
        `<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="${s.item}"/></m:SourceIds></m:ConvertId>`,
    },
    {
      id: 'resolve-no-full',
      request: () => '<m:ResolveNames><m:UnresolvedEntry>a</m:UnresolvedEntry></m:ResolveNames>',
    },
    {
      id: 'resolve-empty',
      request: () =>
        '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry></m:UnresolvedEntry></m:ResolveNames>',
    },
  ]),
  // Ids
  ...message('EWS doc: ews-identifiers-in-exchange, responsecode', [
    { id: 'folder-id-empty', request: () => getFolder(folderId('')), code: 'ErrorInvalidIdEmpty' },
    { id: 'folder-id-garbled', request: () => getFolder(folderId('AAMkAGhlbGxv')), code: 'ErrorInvalidIdMalformed' },
    {
      id: 'folder-id-case',
      request: (s) => getFolder(folderId(s.inbox.toLowerCase())),
      code: 'ErrorInvalidIdMalformed',
    },
    { id: 'folder-id-cut', request: (s) => getFolder(folderId(s.inbox.slice(0, -4))), code: 'ErrorInvalidIdMalformed' },
    { id: 'folder-id-too-long', request: () => getFolder(folderId('A'.repeat(2000))), code: 'ErrorInvalidIdTooLong' },
    { id: 'folder-id-of-item', request: (s) => getFolder(folderId(s.item)), code: 'ErrorCannotUseItemIdForFolderId' },
    { id: 'folder-gone', request: (s) => getFolder(folderId(s.goneFolder)), code: 'ErrorFolderNotFound' },
    {
      id: 'folder-change-key',
      request: (s) => getFolder(`<t:FolderId Id="${s.inbox}" ChangeKey="zzz"/>`),
      code: 'ErrorInvalidChangeKey',
    },
    { id: 'folder-of-other-mailbox', request: (s) => getFolder(folderId(s.strangeFolder)), code: 'ErrorAccessDenied' },
    { id: 'item-id-empty', request: () => getItem(itemId('')), code: 'ErrorInvalidIdEmpty' },
    { id: 'item-id-garbled', request: () => getItem(itemId('hello')), code: 'ErrorInvalidIdMalformed' },
    { id: 'item-id-of-folder', request: (s) => getItem(itemId(s.inbox)), code: 'ErrorCannotUseFolderIdForItemId' },
    { id: 'item-gone', request: (s) => getItem(itemId(s.goneItem)), code: 'ErrorItemNotFound' },
    { id: 'item-change-key', request: (s) => getItem(itemId(s.item, 'zzz')), code: 'ErrorInvalidChangeKey' },
    { id: 'item-of-other-mailbox', request: (s) => getItem(itemId(s.strangeItem)), code: 'ErrorAccessDenied' },
    { id: 'item-of-no-mailbox', request: (s) => getItem(itemId(s.unknownMailboxItem)), code: 'ErrorItemNotFound' },
    {
      id: 'item-update-gone',
      request: (s) => update(itemId(s.goneItem), setField('item:Subject', '<t:Subject>x</t:Subject>')),
      code: 'ErrorItemNotFound',
    },
    {
      id: 'item-delete-gone',
      request: (s) =>
        `<m:DeleteItem DeleteType="SoftDelete"><m:ItemIds>${itemId(s.goneItem)}</m:ItemIds></m:DeleteItem>`,
      code: 'ErrorItemNotFound',
    },
    {
      id: 'item-move-gone',
      request: (s) =>
        `<m:MoveItem><m:ToFolderId>${inboxId}</m:ToFolderId><m:ItemIds>${itemId(s.goneItem)}</m:ItemIds></m:MoveItem>`,
      code: 'ErrorItemNotFound',
    },
    {
      id: 'move-to-gone',
      request: (s) =>
        `<m:MoveItem><m:ToFolderId>${folderId(s.goneFolder)}</m:ToFolderId><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:MoveItem>`,
      code: 'ErrorToFolderNotFound',
    },
    {
      id: 'create-in-gone',
      request: (s) => create('<t:Message/>', ' MessageDisposition="SaveOnly"', folderId(s.goneFolder)),
      code: 'ErrorFolderNotFound',
    },
    {
      id: 'attachment-garbled',
      request: () => '<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="x"/></m:AttachmentIds></m:GetAttachment>',
      code: 'ErrorInvalidAttachmentId',
    },
    {
      id: 'attachment-missing',
      request: (s) =>
        `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="${s.item}QQAH"/></m:AttachmentIds></m:GetAttachment>`,
      code: 'ErrorItemNotFound',
    },
    {
      id: 'convert-garbled',
      request: () =>
        '<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="HexEntryId" Id="xyz" Mailbox="a@b.test"/></m:SourceIds></m:ConvertId>',
      code: 'ErrorInvalidIdMalformed',
    },
    {
      id: 'no-archive',
      versions: since2010,
      request: () => getFolder('<t:DistinguishedFolderId Id="archiveroot"/>'),
      code: 'ErrorFolderNotFound',
    },
    {
      id: 'no-public-folders',
      request: () => getFolder('<t:DistinguishedFolderId Id="publicfoldersroot"/>'),
      code: 'ErrorFolderNotFound',
    },
  ]),
  // Feeds
  ...message('EWS doc: handling-synchronization-related-errors-in-ews-in-exchange', [
    {
      id: 'sync-garbled-state',
      request: () => sync('<m:SyncState>H4sIAAA=</m:SyncState><m:MaxChangesReturned>5</m:MaxChangesReturned>'),
      code: 'ErrorInvalidSyncStateData',
    },
    {
      id: 'sync-word-state',
      request: () => sync('<m:SyncState>x</m:SyncState><m:MaxChangesReturned>5</m:MaxChangesReturned>'),
      code: 'ErrorInvalidSyncStateData',
    },
    {
      id: 'sync-gone-folder',
      request: (s) => sync('<m:MaxChangesReturned>5</m:MaxChangesReturned>', itemShape, folderId(s.goneFolder)),
      code: 'ErrorSyncFolderNotFound',
    },
    {
      id: 'hierarchy-garbled-state',
      request: () => `<m:SyncFolderHierarchy>${folderShape}<m:SyncState>x</m:SyncState></m:SyncFolderHierarchy>`,
      code: 'ErrorInvalidSyncStateData',
    },
    {
      id: 'hierarchy-gone-folder',
      request: (s) =>
        `<m:SyncFolderHierarchy>${folderShape}<m:SyncFolderId>${folderId(s.goneFolder)}</m:SyncFolderId></m:SyncFolderHierarchy>`,
      code: 'ErrorSyncFolderNotFound',
    },
  ]),
  // Properties
  ...message('EWS doc: extendedfielduri, extendedproperty', [
    {
      id: 'property-named-tag',
      request: (s) => getItem(itemId(s.item), withProperties(extended('PropertyTag="0x8000" PropertyType="Integer"'))),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'property-tag-and-name',
      request: (s) =>
        getItem(
          itemId(s.item),
          withProperties(extended('PropertyTag="0x0E07" PropertyName="x" PropertyType="Integer"')),
        ),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'property-name-without-set',
      request: (s) => getItem(itemId(s.item), withProperties(extended('PropertyName="x" PropertyType="String"'))),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'property-set-alone',
      request: (s) =>
        getItem(itemId(s.item), withProperties(extended('DistinguishedPropertySetId="Common" PropertyType="String"'))),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'property-two-sets',
      request: (s) =>
        getItem(
          itemId(s.item),
          withProperties(
            extended(
              'DistinguishedPropertySetId="Common" PropertySetId="00062008-0000-0000-C000-000000000046" PropertyId="1" PropertyType="String"',
            ),
          ),
        ),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'property-name-and-id',
      request: (s) =>
        getItem(
          itemId(s.item),
          withProperties(
            extended('DistinguishedPropertySetId="Common" PropertyName="x" PropertyId="1" PropertyType="String"'),
          ),
        ),
      code: 'ErrorInvalidExtendedProperty',
    },
    {
      id: 'value-not-integer',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0E07" PropertyType="Integer"')}<t:Value>one</t:Value></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'value-too-large',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x3F00" PropertyType="Integer"')}<t:Value>99999999999</t:Value></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'value-not-time',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0039" PropertyType="SystemTime"')}<t:Value>yesterday</t:Value></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'value-not-binary',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0071" PropertyType="Binary"')}<t:Value>***</t:Value></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'value-single-for-array',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('DistinguishedPropertySetId="PublicStrings" PropertyName="Keywords" PropertyType="StringArray"')}<t:Value>x</t:Value></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'value-list-for-single',
      request: () =>
        create(
          `<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x0E07" PropertyType="Integer"')}<t:Values><t:Value>1</t:Value></t:Values></t:ExtendedProperty></t:Message>`,
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
    {
      id: 'folder-field-of-item',
      request: () =>
        getFolder(
          inboxId,
          `<m:FolderShape>${idOnly}<t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:FolderShape>`,
        ),
      code: 'ErrorInvalidPropertyRequest',
    },
    {
      id: 'item-field-of-folder',
      request: (s) => getItem(itemId(s.item), withProperties('<t:FieldURI FieldURI="folder:DisplayName"/>')),
      code: 'ErrorInvalidPropertyRequest',
    },
    {
      id: 'find-body',
      request: () => findItem({ shape: withProperties('<t:FieldURI FieldURI="item:Body"/>') }),
      code: 'ErrorInvalidPropertyRequest',
    },
    {
      id: 'find-mime',
      request: () => findItem({ shape: withProperties('<t:FieldURI FieldURI="item:MimeContent"/>') }),
      code: 'ErrorInvalidPropertyRequest',
    },
    {
      id: 'find-recipients',
      request: () => findItem({ shape: withProperties('<t:FieldURI FieldURI="message:ToRecipients"/>') }),
      code: 'ErrorInvalidPropertyRequest',
    },
  ]),
  // Finds
  ...message('EWS doc: how-to-perform-paged-searches, finditem', [
    {
      id: 'find-max-zero',
      versions: since2013,
      request: () =>
        findItem({ view: '<m:IndexedPageItemView MaxEntriesReturned="0" Offset="0" BasePoint="Beginning"/>' }),
      code: 'ErrorInvalidPagingMaxRows',
    },
    {
      id: 'find-offset-negative',
      request: () =>
        findItem({ view: '<m:IndexedPageItemView MaxEntriesReturned="5" Offset="-1" BasePoint="Beginning"/>' }),
      code: 'ErrorInvalidIndexedPagingParameters',
    },
    {
      id: 'findfolder-offset-negative',
      request: () =>
        findFolder({ view: '<m:IndexedPageFolderView MaxEntriesReturned="5" Offset="-1" BasePoint="Beginning"/>' }),
      code: 'ErrorInvalidIndexedPagingParameters',
    },
    {
      id: 'find-fraction',
      request: () =>
        findItem({ view: '<m:FractionalPageItemView MaxEntriesReturned="5" Numerator="3" Denominator="2"/>' }),
      code: 'ErrorInvalidFractionalPagingParameters',
    },
    {
      id: 'find-fraction-zero',
      request: () =>
        findItem({ view: '<m:FractionalPageItemView MaxEntriesReturned="5" Numerator="1" Denominator="0"/>' }),
      code: 'ErrorInvalidFractionalPagingParameters',
    },
    {
      id: 'find-by-mime',
      request: () => findItem({ restriction: '<t:Exists><t:FieldURI FieldURI="item:MimeContent"/></t:Exists>' }),
      code: 'ErrorUnsupportedPathForQuery',
    },
    {
      id: 'find-by-attachments',
      request: () => findItem({ restriction: '<t:Exists><t:FieldURI FieldURI="item:Attachments"/></t:Exists>' }),
      code: 'ErrorUnsupportedPathForQuery',
    },
    {
      id: 'find-calendar-view-of-inbox',
      request: () =>
        findItem({ view: '<m:CalendarView StartDate="2030-01-01T00:00:00Z" EndDate="2030-01-02T00:00:00Z"/>' }),
      code: 'ErrorCalendarFolderIsInvalidForCalendarView',
    },
    {
      id: 'find-soft-deleted',
      versions: since2010,
      request: () => findItem({ traversal: 'SoftDeleted' }),
      code: 'ErrorTraversalNotAllowed',
    },
    {
      id: 'find-query-and-restriction',
      versions: since2010,
      request: () =>
        findItem({
          restriction: '<t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists>',
          tail: '<m:QueryString>x</m:QueryString>',
        }),
      code: 'ErrorInvalidRequest',
    },
    {
      id: 'find-gone-folder',
      request: (s) => findItem({ folder: folderId(s.goneFolder) }),
      code: 'ErrorFolderNotFound',
    },
    {
      id: 'findfolder-gone',
      request: (s) => findFolder({ folder: folderId(s.goneFolder) }),
      code: 'ErrorFolderNotFound',
    },
  ]),
  // Creates and updates
  ...message('EWS doc: createitem', [
    {
      id: 'create-no-disposition',
      request: () => create('<t:Message><t:Subject>x</t:Subject></t:Message>', ''),
      code: 'ErrorMessageDispositionRequired',
    },
    {
      id: 'create-event-no-invitations',
      request: () => create('<t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem>', ''),
      code: 'ErrorSendMeetingInvitationsRequired',
    },
    {
      id: 'create-mime-not-base64',
      request: () => create('<t:Message><t:MimeContent>***</t:MimeContent></t:Message>'),
      code: 'ErrorMimeContentInvalidBase64String',
    },
    {
      id: 'create-mime-cut',
      request: () => create('<t:Message><t:MimeContent>U3ViamVjdDo</t:MimeContent></t:Message>'),
      code: 'ErrorMimeContentInvalidBase64String',
    },
    {
      id: 'create-mime-empty',
      request: () => create('<t:Message><t:MimeContent></t:MimeContent></t:Message>'),
      code: 'ErrorMimeContentInvalid',
    },
    {
      id: 'create-received-time',
      request: () => create('<t:Message><t:DateTimeReceived>2020-01-01T00:00:00Z</t:DateTimeReceived></t:Message>'),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'create-sent-time',
      request: () => create('<t:Message><t:DateTimeSent>2020-01-01T00:00:00Z</t:DateTimeSent></t:Message>'),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'create-size',
      request: () => create('<t:Message><t:Size>5</t:Size></t:Message>'),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'create-draft-flag',
      request: () => create('<t:Message><t:IsDraft>false</t:IsDraft></t:Message>'),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'create-contact-class',
      request: () => create('<t:Message><t:ItemClass>IPM.Contact</t:ItemClass></t:Message>'),
      code: 'ErrorObjectTypeChanged',
    },
    {
      id: 'create-send-to-nobody',
      request: () => create('<t:Message><t:Subject>x</t:Subject></t:Message>', ' MessageDisposition="SendAndSaveCopy"'),
      code: 'ErrorMissingRecipients',
    },
    {
      id: 'create-flag-dates',
      versions: since2013,
      request: () =>
        create(
          '<t:Message><t:Flag><t:FlagStatus>NotFlagged</t:FlagStatus><t:StartDate>2030-01-01T00:00:00Z</t:StartDate><t:DueDate>2030-01-02T00:00:00Z</t:DueDate></t:Flag></t:Message>',
        ),
      code: 'ErrorInvalidArgument',
    },
    {
      id: 'suppress-nothing-pending',
      request: (s) => create(`<t:SuppressReadReceipt><t:ReferenceItemId Id="${s.item}"/></t:SuppressReadReceipt>`, ''),
      code: 'ErrorReadReceiptNotPending',
    },
    {
      id: 'create-for-nobody',
      request: () => create('<t:Message/>', ' MessageDisposition="SaveOnly"', mailboxFolder('nobody@contoso.test')),
      code: 'ErrorNonExistentMailbox',
    },
  ]),
  ...message('EWS doc: updateitem, conflictresolution', [
    {
      id: 'update-stale',
      request: (s) =>
        update(
          itemId(s.item, s.staleKey),
          setField('item:Subject', '<t:Subject>x</t:Subject>'),
          ' ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly"',
        ),
      code: 'ErrorIrresolvableConflict',
    },
    {
      id: 'update-no-change-key',
      request: (s) =>
        update(
          itemId(s.item),
          setField('item:Subject', '<t:Subject>x</t:Subject>'),
          ' ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly"',
        ),
      code: 'ErrorChangeKeyRequired',
    },
    {
      id: 'update-no-change-key-auto',
      request: (s) =>
        update(
          itemId(s.item),
          setField('item:Subject', '<t:Subject>x</t:Subject>'),
          ' ConflictResolution="AutoResolve" MessageDisposition="SaveOnly"',
        ),
      code: 'ErrorChangeKeyRequired',
    },
    {
      id: 'update-no-disposition',
      request: (s) =>
        update(
          itemId(s.item),
          setField('item:Subject', '<t:Subject>x</t:Subject>'),
          ' ConflictResolution="AlwaysOverwrite"',
        ),
      code: 'ErrorMessageDispositionRequired',
    },
    {
      id: 'update-event-no-invitations',
      request: (s) =>
        update(
          itemId(s.appointment),
          setField('item:Subject', '<t:Subject>x</t:Subject>', 'CalendarItem'),
          ' ConflictResolution="AlwaysOverwrite"',
        ),
      code: 'ErrorSendMeetingInvitationsOrCancellationsRequired',
    },
    {
      id: 'update-two-properties',
      request: (s) =>
        update(
          itemId(s.item),
          setField('item:Subject', '<t:Subject>x</t:Subject><t:Sensitivity>Normal</t:Sensitivity>'),
        ),
      code: 'ErrorIncorrectUpdatePropertyCount',
    },
    {
      id: 'update-no-property',
      request: (s) => update(itemId(s.item), setField('item:Subject', '')),
      code: 'ErrorIncorrectUpdatePropertyCount',
    },
    {
      id: 'update-mismatch',
      request: (s) => update(itemId(s.item), setField('item:Subject', '<t:Sensitivity>Normal</t:Sensitivity>')),
      code: 'ErrorUpdatePropertyMismatch',
    },
    {
      id: 'update-extended-mismatch',
      request: (s) =>
        update(
          itemId(s.item),
          `<t:SetItemField>${extended('PropertyTag="0x3F00" PropertyType="Integer"')}<t:Message><t:ExtendedProperty>${extended('PropertyTag="0x3F01" PropertyType="Integer"')}<t:Value>1</t:Value></t:ExtendedProperty></t:Message></t:SetItemField>`,
        ),
      code: 'ErrorUpdatePropertyMismatch',
    },
    {
      id: 'update-read-only',
      request: (s) => update(itemId(s.item), setField('item:Size', '<t:Size>5</t:Size>')),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'update-received-time',
      request: (s) =>
        update(
          itemId(s.item),
          setField('item:DateTimeReceived', '<t:DateTimeReceived>2020-01-01T00:00:00Z</t:DateTimeReceived>'),
        ),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'update-delete-class',
      request: (s) =>
        update(itemId(s.item), '<t:DeleteItemField><t:FieldURI FieldURI="item:ItemClass"/></t:DeleteItemField>'),
      code: 'ErrorInvalidPropertyDelete',
    },
    {
      id: 'update-delete-isread',
      request: (s) =>
        update(itemId(s.item), '<t:DeleteItemField><t:FieldURI FieldURI="message:IsRead"/></t:DeleteItemField>'),
      code: 'ErrorInvalidPropertyDelete',
    },
    {
      id: 'update-append-subject',
      request: (s) =>
        update(
          itemId(s.item),
          '<t:AppendToItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>x</t:Subject></t:Message></t:AppendToItemField>',
        ),
      code: 'ErrorInvalidPropertyAppend',
    },
    {
      id: 'update-sent-recipients',
      request: (s) =>
        update(
          itemId(s.sent),
          setField(
            'message:ToRecipients',
            '<t:ToRecipients><t:Mailbox><t:EmailAddress>a@b.test</t:EmailAddress></t:Mailbox></t:ToRecipients>',
          ),
        ),
      code: 'ErrorInvalidPropertyUpdateSentMessage',
    },
    {
      id: 'update-other-kind',
      request: (s) => update(itemId(s.item), setField('item:Subject', '<t:Subject>x</t:Subject>', 'Contact')),
      code: 'ErrorObjectTypeChanged',
    },
    {
      id: 'update-bad-value',
      request: (s) =>
        update(
          itemId(s.item),
          setExtended(extended('PropertyTag="0x1090" PropertyType="Integer"'), '<t:Value>x</t:Value>'),
        ),
      code: 'ErrorInvalidExtendedPropertyValue',
    },
  ]),
  ...message('EWS doc: deleteitem, senditem', [
    {
      id: 'delete-event-no-cancellations',
      request: (s) =>
        `<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>${itemId(s.appointment)}</m:ItemIds></m:DeleteItem>`,
      code: 'ErrorSendMeetingCancellationsRequired',
    },
    {
      id: 'delete-task-no-occurrences',
      request: (s) => `<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>${itemId(s.task)}</m:ItemIds></m:DeleteItem>`,
      code: 'ErrorAffectedTaskOccurrencesRequired',
    },
    {
      id: 'send-no-change-key',
      request: (s) => `<m:SendItem SaveItemToFolder="true"><m:ItemIds>${itemId(s.draft)}</m:ItemIds></m:SendItem>`,
      code: 'ErrorChangeKeyRequired',
    },
    {
      id: 'send-sent',
      request: (s) =>
        `<m:SendItem SaveItemToFolder="true"><m:ItemIds>${itemId(s.sent, s.sentKey)}</m:ItemIds></m:SendItem>`,
      code: 'ErrorInvalidOperation',
    },
    {
      id: 'send-no-recipients',
      request: (s) =>
        `<m:SendItem SaveItemToFolder="true"><m:ItemIds>${itemId(s.draft, s.draftKey)}</m:ItemIds></m:SendItem>`,
      code: 'ErrorMissingRecipients',
    },
    {
      id: 'send-folder-without-saving',
      request: (s) =>
        `<m:SendItem SaveItemToFolder="false"><m:ItemIds>${itemId(s.draft, s.draftKey)}</m:ItemIds><m:SavedItemFolderId>${inboxId}</m:SavedItemFolderId></m:SendItem>`,
      code: 'ErrorInvalidSendItemSaveSettings',
    },
  ]),
  // Folders
  ...message('EWS doc: createfolder, updatefolder, movefolder, deletefolder, emptyfolder', [
    {
      id: 'folder-exists',
      request: () => createFolder('<t:Folder><t:DisplayName>taken</t:DisplayName></t:Folder>'),
      code: 'ErrorFolderExists',
    },
    {
      id: 'folder-exists-case',
      request: () => createFolder('<t:Folder><t:DisplayName>TAKEN</t:DisplayName></t:Folder>'),
      code: 'ErrorFolderExists',
    },
    { id: 'folder-no-name', request: () => createFolder('<t:Folder/>'), code: 'ErrorFolderSavePropertyError' },
    {
      id: 'folder-empty-name',
      request: () => createFolder('<t:Folder><t:DisplayName></t:DisplayName></t:Folder>'),
      code: 'ErrorFolderSavePropertyError',
    },
    {
      id: 'folder-long-name',
      request: () => createFolder(`<t:Folder><t:DisplayName>${'n'.repeat(300)}</t:DisplayName></t:Folder>`),
      code: 'ErrorFolderSavePropertyError',
    },
    {
      id: 'folder-parent-gone',
      request: (s) => createFolder('<t:Folder><t:DisplayName>x</t:DisplayName></t:Folder>', folderId(s.goneFolder)),
      code: 'ErrorParentFolderNotFound',
    },
    {
      id: 'folder-count-set',
      request: () =>
        createFolder('<t:Folder><t:DisplayName>x</t:DisplayName><t:TotalCount>5</t:TotalCount></t:Folder>'),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'calendar-folder-class',
      request: () =>
        createFolder(
          '<t:CalendarFolder><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>x</t:DisplayName></t:CalendarFolder>',
        ),
      code: 'ErrorNoFolderClassOverride',
    },
    {
      id: 'folder-rename-role',
      request: () =>
        updateFolder(
          inboxId,
          '<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>x</t:DisplayName></t:Folder></t:SetFolderField>',
        ),
      code: 'ErrorAccessDenied',
    },
    {
      id: 'folder-rename-empty',
      request: (s) =>
        updateFolder(
          folderId(s.childFolder),
          '<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName></t:DisplayName></t:Folder></t:SetFolderField>',
        ),
      code: 'ErrorFolderSavePropertyError',
    },
    {
      id: 'folder-set-class',
      request: (s) =>
        updateFolder(
          folderId(s.childFolder),
          '<t:SetFolderField><t:FieldURI FieldURI="folder:FolderClass"/><t:Folder><t:FolderClass>IPF.Task</t:FolderClass></t:Folder></t:SetFolderField>',
        ),
      code: 'ErrorInvalidPropertySet',
    },
    {
      id: 'folder-update-mismatch',
      request: (s) =>
        updateFolder(
          folderId(s.childFolder),
          '<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:FolderClass>IPF.Note</t:FolderClass></t:Folder></t:SetFolderField>',
        ),
      code: 'ErrorUpdatePropertyMismatch',
    },
    {
      id: 'folder-delete-name',
      request: (s) =>
        updateFolder(
          folderId(s.childFolder),
          '<t:DeleteFolderField><t:FieldURI FieldURI="folder:DisplayName"/></t:DeleteFolderField>',
        ),
      code: 'ErrorInvalidPropertyDelete',
    },
    {
      id: 'folder-move-role',
      request: () =>
        `<m:MoveFolder><m:ToFolderId><t:DistinguishedFolderId Id="drafts"/></m:ToFolderId><m:FolderIds>${inboxId}</m:FolderIds></m:MoveFolder>`,
      code: 'ErrorMoveDistinguishedFolder',
    },
    {
      id: 'folder-move-into-itself',
      request: (s) =>
        `<m:MoveFolder><m:ToFolderId>${folderId(s.childFolder)}</m:ToFolderId><m:FolderIds>${folderId(s.childFolder)}</m:FolderIds></m:MoveFolder>`,
      code: 'ErrorMoveCopyFailed',
    },
    {
      id: 'folder-move-to-gone',
      request: (s) =>
        `<m:MoveFolder><m:ToFolderId>${folderId(s.goneFolder)}</m:ToFolderId><m:FolderIds>${folderId(s.childFolder)}</m:FolderIds></m:MoveFolder>`,
      code: 'ErrorToFolderNotFound',
    },
    {
      id: 'folder-delete-role',
      request: () => `<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds>${inboxId}</m:FolderIds></m:DeleteFolder>`,
      code: 'ErrorDeleteDistinguishedFolder',
    },
    {
      id: 'folder-delete-gone',
      request: (s) =>
        `<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds>${folderId(s.goneFolder)}</m:FolderIds></m:DeleteFolder>`,
      code: 'ErrorFolderNotFound',
    },
    {
      id: 'folder-empty-calendar',
      versions: since2010,
      request: () =>
        '<m:EmptyFolder DeleteType="SoftDelete" DeleteSubFolders="false"><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:EmptyFolder>',
      code: 'ErrorCannotEmptyFolder',
    },
  ]),
  // Rights
  ...message('EWS doc: impersonation-and-ews-in-exchange, delegate-access', [
    { id: 'mailbox-of-other', request: (s) => getFolder(mailboxFolder(s.stranger)), code: 'ErrorAccessDenied' },
    {
      id: 'mailbox-of-nobody',
      request: () => getFolder(mailboxFolder('nobody@contoso.test')),
      code: 'ErrorNonExistentMailbox',
    },
    { id: 'mailbox-no-address', request: () => getFolder(mailboxFolder('nobody')), code: 'ErrorInvalidSmtpAddress' },
    { id: 'admin-without-mailbox', as: 'admin', request: () => getFolder(inboxId), code: 'ErrorMissingEmailAddress' },
    {
      id: 'admin-without-impersonation',
      as: 'admin',
      request: (s) => getFolder(folderId(s.inbox)),
      code: 'ErrorAccessDenied',
    },
    { id: 'stranger-item', as: 'stranger', request: (s) => getItem(itemId(s.item)), code: 'ErrorAccessDenied' },
    {
      id: 'stranger-delete',
      as: 'stranger',
      request: (s) => `<m:DeleteItem DeleteType="SoftDelete"><m:ItemIds>${itemId(s.item)}</m:ItemIds></m:DeleteItem>`,
      code: 'ErrorAccessDenied',
    },
  ]),
  ...fault('EWS doc: exchangeimpersonation, responsecode', [
    {
      id: 'impersonate-denied',
      as: 'stranger',
      header: (s) => impersonate(s.stranger).replace(s.stranger, 'anna.adler@contoso.test'),
      request: () => getFolder(inboxId),
      code: 'ErrorImpersonateUserDenied',
    },
    {
      id: 'impersonate-nobody',
      as: 'admin',
      header: () => impersonate('nobody@contoso.test'),
      request: () => getFolder(inboxId),
      code: 'ErrorNonExistentMailbox',
    },
    {
      id: 'impersonate-sid',
      as: 'admin',
      header: () =>
        '<t:ExchangeImpersonation><t:ConnectingSID><t:SID>S-1-5-21-1</t:SID></t:ConnectingSID></t:ExchangeImpersonation>',
      request: () => getFolder(inboxId),
      code: 'ErrorInvalidExchangeImpersonationHeaderData',
    },
    {
      id: 'impersonate-empty',
      as: 'admin',
      header: () => '<t:ExchangeImpersonation/>',
      request: () => getFolder(inboxId),
      code: 'ErrorSchemaValidation',
    },
  ]),
  // Notifications, names, streams
  ...message('EWS doc: handling-notification-related-errors-in-ews-in-exchange', [
    {
      id: 'events-unknown',
      request: () =>
        '<m:GetEvents><m:SubscriptionId>eA==</m:SubscriptionId><m:Watermark>eA==</m:Watermark></m:GetEvents>',
      code: 'ErrorSubscriptionNotFound',
    },
    {
      id: 'unsubscribe-unknown',
      request: () => '<m:Unsubscribe><m:SubscriptionId>eA==</m:SubscriptionId></m:Unsubscribe>',
      code: 'ErrorSubscriptionNotFound',
    },
    {
      id: 'subscribe-all-and-some',
      versions: since2010,
      request: () => pull({ attributes: ' SubscribeToAllFolders="true"' }),
      code: 'ErrorInvalidSubscriptionRequest',
    },
    {
      id: 'subscribe-none',
      versions: since2010,
      request: () => pull({ folders: '' }),
      code: 'ErrorInvalidSubscriptionRequest',
    },
    {
      id: 'subscribe-bad-watermark',
      request: () => pull({ watermark: '<t:Watermark>AAAA</t:Watermark>' }),
      code: 'ErrorInvalidWatermark',
    },
    {
      id: 'subscribe-gone-folder',
      request: (s) => pull({ folders: `<t:FolderIds>${folderId(s.goneFolder)}</t:FolderIds>` }),
      code: 'ErrorFolderNotFound',
    },
    {
      id: 'streaming-unknown',
      versions: since2010,
      request: () =>
        '<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>',
      code: 'ErrorInvalidSubscription',
    },
    {
      id: 'resolve-nobody',
      request: () =>
        '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>zzzzzz</m:UnresolvedEntry></m:ResolveNames>',
      code: 'ErrorNameResolutionNoResults',
    },
    {
      id: 'configuration-unknown',
      versions: since2010,
      request: () =>
        '<m:GetUserConfiguration><m:UserConfigurationName Name="Nothing"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>',
      code: 'ErrorItemNotFound',
    },
    {
      id: 'upload-garbage',
      versions: since2010,
      request: (s) =>
        `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="${s.inbox}"/><t:Data>aGVsbG8gd29ybGQ=</t:Data></t:Item></m:Items></m:UploadItems>`,
      code: 'ErrorCorruptData',
    },
    {
      id: 'export-gone',
      versions: since2010,
      request: (s) => `<m:ExportItems><m:ItemIds>${itemId(s.goneItem)}</m:ItemIds></m:ExportItems>`,
      code: 'ErrorItemNotFound',
    },
  ]),
  ...message('EWS doc: createattachment', [
    {
      id: 'attach-to-gone',
      request: (s) =>
        `<m:CreateAttachment><m:ParentItemId Id="${s.goneItem}"/><m:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
      code: 'ErrorItemNotFound',
    },
    {
      id: 'attach-no-name',
      request: (s) =>
        `<m:CreateAttachment><m:ParentItemId Id="${s.item}"/><m:Attachments><t:FileAttachment><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
      code: 'ErrorRequiredPropertyMissing',
    },
    {
      id: 'attach-no-content',
      request: (s) =>
        `<m:CreateAttachment><m:ParentItemId Id="${s.item}"/><m:Attachments><t:FileAttachment><t:Name>a</t:Name></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
      code: 'ErrorRequiredPropertyMissing',
    },
  ]),
  ...calendarRefusals,
];

export const versionsOf = (row: RefusalRow): readonly EwsVersion[] => row.versions ?? ewsVersions;
