import { child, children, childText, requiredChild, XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import type { Instant } from '#model/mail.ts';
import type { BusyTime } from '../../contract.ts';
import { showAsNamed } from '../calendar/event-codec.ts';
import { readTime, writeTime } from '../ews-time.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';

export interface AvailabilityRequest {
  readonly address: string;
  readonly from: Instant;
  /** At most 42 days later: that is what the oldest servers look ahead. */
  readonly to: Instant;
}

/** Times are asked for and answered in UTC. A month of 0 means that the offset never changes. */
const universalTime = xml`<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`;

/**
 * What the organization tells anybody about a person's time. Asked as whoever signs in: the operation takes no impersonation.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation
 */
export const getUserAvailability: Operation<AvailabilityRequest, readonly BusyTime[]> = {
  name: 'GetUserAvailability',
  subject: aboutFolders(false),
  asSelf: true,
  messages: { name: 'FreeBusyResponse', response: 'ResponseMessage' },
  answers: () => 1,
  write: ({ address, from, to }) =>
    xml`<m:GetUserAvailabilityRequest>${universalTime}<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>${address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>${writeTime(from)}</t:StartTime><t:EndTime>${writeTime(to)}</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>Detailed</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`,
  reader: () => ({
    read(message) {
      const view = requiredChild(message, messagesNamespace, 'FreeBusyView');
      const events = child(view, typesNamespace, 'CalendarEventArray');
      if (events === null) return [];
      return children(events, typesNamespace, 'CalendarEvent').flatMap((event): readonly BusyTime[] => {
        const text = (name: string) => childText(event, typesNamespace, name) ?? '';
        const [start, end] = [readTime(text('StartTime')), readTime(text('EndTime'))];
        if (start === undefined || end === undefined)
          throw new XmlFault('malformed', 'an entry of a free/busy view has no times', 0);
        // NoData is no statement; free is nothing to tell.
        const showAs = showAsNamed(text('BusyType')) ?? 'free';
        return showAs === 'free' ? [] : [{ start, end, showAs }];
      });
    },
  }),
};
