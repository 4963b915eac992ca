import { child, childText, requiredChild, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import type { AutomaticReplies } from '#model/mailbox-settings.ts';
import { readTime, writeTime } from '../ews-time.ts';
import { typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';

const states = { Disabled: 'disabled', Enabled: 'enabled', Scheduled: 'scheduled' } as const;
const audiences = { None: 'none', Known: 'known', All: 'all' } as const;

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseroofsettings-operation */
export const getUserOofSettings: Operation<string, AutomaticReplies> = {
  name: 'GetUserOofSettings',
  subject: aboutItems(false),
  whole: { response: 'ResponseMessage' },
  answers: () => 1,
  write: (address) =>
    xml`<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>${address}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>`,
  reader: () => ({ read: (answer) => readReplies(requiredChild(answer, typesNamespace, 'OofSettings')) }),
};

function readReplies(element: XmlElement): AutomaticReplies {
  const text = (name: string): string => childText(element, typesNamespace, name) ?? '';
  const reply = (name: string): string => {
    const inner = child(element, typesNamespace, name);
    return (inner && childText(inner, typesNamespace, 'Message')) ?? '';
  };
  const state = states[text('OofState') as keyof typeof states];
  if (state === undefined) throw new XmlFault('malformed', 'automatic replies have no state', 0);
  const duration = child(element, typesNamespace, 'Duration');
  const [start, end] = ['StartTime', 'EndTime'].map((name) =>
    readTime((duration && childText(duration, typesNamespace, name)) ?? ''),
  );
  return {
    state,
    audience: audiences[text('ExternalAudience') as keyof typeof audiences] ?? 'none',
    // Servers keep the last schedule when none is in force.
    schedule: state === 'scheduled' && start !== undefined && end !== undefined ? { start, end } : null,
    internal: reply('InternalReply'),
    external: reply('ExternalReply'),
  };
}

const named = <Word extends string>(words: Readonly<Record<string, Word>>, word: Word): string =>
  Object.keys(words).find((name) => words[name] === word) ?? '';

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/setuseroofsettings-operation */
export const setUserOofSettings: Operation<{ readonly address: string; readonly replies: AutomaticReplies }, null> = {
  name: 'SetUserOofSettings',
  subject: aboutItems(true),
  whole: { response: 'ResponseMessage' },
  answers: () => 1,
  write: ({ address, replies: { state, audience, schedule, internal, external } }) => {
    const duration =
      schedule === null
        ? null
        : xml`<t:Duration><t:StartTime>${writeTime(schedule.start)}</t:StartTime><t:EndTime>${writeTime(schedule.end)}</t:EndTime></t:Duration>`;
    return xml`<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>${address}</t:Address></t:Mailbox><t:UserOofSettings><t:OofState>${named(states, state)}</t:OofState><t:ExternalAudience>${named(audiences, audience)}</t:ExternalAudience>${duration}<t:InternalReply><t:Message>${internal}</t:Message></t:InternalReply><t:ExternalReply><t:Message>${external}</t:Message></t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>`;
  },
  reader: () => ({ read: () => null }),
};
