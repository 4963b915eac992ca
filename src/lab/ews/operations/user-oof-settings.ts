import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Mailbox } from '../../world/mailbox.ts';
import { asEwsError } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { child, childText, serialize } from '../request.ts';
import { esc, type Xml } from '../xml-out.ts';

const setting = 'oof';
const initial =
  '<t:OofSettings><t:OofState>Disabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience></t:OofSettings>';

function ownMailbox(request: XmlElement, context: Context): Mailbox {
  const address = childText(child(request, 'Mailbox') ?? request, 'Address') ?? '';
  // Impersonation does not reach these operations in 2007. (blogs.msdn.com/mstehle, 24 June 2009)
  if (context.serverVersion === '2007' && context.actingAs !== context.caller.user)
    throw new EwsError('ErrorAccessDenied');
  const mailbox = context.mailboxAt(address);
  if (mailbox.address !== context.actingAs) throw new EwsError('ErrorAccessDenied');
  return mailbox;
}

function message(error: EwsError | null): string {
  return error === null
    ? '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'
    : `<m:ResponseMessage ResponseClass="Error"><m:MessageText>${esc(error.message)}</m:MessageText><m:ResponseCode>${error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage>`;
}

/** EWS doc: getuseroofsettings-operation. */
export const getUserOofSettings: Operation = {
  request: 'GetUserOofSettingsRequest',
  name: 'GetUserOofSettings',
  since: 'Exchange2007',
  run(request, context): Xml {
    try {
      const stored = ownMailbox(request, context).settings.get(setting) ?? initial;
      return `<m:GetUserOofSettingsResponse>${message(null)}${stored}<m:AllowExternalOof>All</m:AllowExternalOof></m:GetUserOofSettingsResponse>`;
    } catch (thrown) {
      return `<m:GetUserOofSettingsResponse>${message(asEwsError(thrown))}</m:GetUserOofSettingsResponse>`;
    }
  },
};

/** EWS doc: setuseroofsettings-operation. */
export const setUserOofSettings: Operation = {
  request: 'SetUserOofSettingsRequest',
  name: 'SetUserOofSettings',
  since: 'Exchange2007',
  run(request, context): Xml {
    try {
      const mailbox = ownMailbox(request, context);
      const settings = child(request, 'UserOofSettings');
      if (settings === null) throw new EwsError('ErrorInvalidUserOofSettings', 'The settings are missing.');
      if (childText(settings, 'OofState') === 'Scheduled' && child(settings, 'Duration') === null)
        throw new EwsError('ErrorInvalidUserOofSettings', 'A schedule needs a duration.');
      mailbox.settings.set(setting, serialize({ ...settings, name: 'OofSettings' }));
      mailbox.markDirty();
      return `<m:SetUserOofSettingsResponse>${message(null)}</m:SetUserOofSettingsResponse>`;
    } catch (thrown) {
      return `<m:SetUserOofSettingsResponse>${message(asEwsError(thrown))}</m:SetUserOofSettingsResponse>`;
    }
  },
};
