import { responses, success } from '../answer.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';

/** Windows zones that the lab knows: standard bias, and daylight saving by month, day of week and occurrence. */
const zones = [
  { id: 'UTC', name: '(UTC) Coordinated Universal Time', bias: 'PT0S', daylight: null },
  {
    id: 'GMT Standard Time',
    name: '(UTC+00:00) Dublin, Edinburgh, Lisbon, London',
    bias: 'PT0S',
    daylight: { bias: '-PT1H', starts: '03', ends: '10', offset: 'PT1H' },
  },
  {
    id: 'W. Europe Standard Time',
    name: '(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna',
    bias: '-PT1H',
    daylight: { bias: '-PT2H', starts: '03', ends: '10', offset: 'PT2H' },
  },
  {
    id: 'Eastern Standard Time',
    name: '(UTC-05:00) Eastern Time (US & Canada)',
    bias: 'PT5H',
    daylight: { bias: 'PT4H', starts: '03', ends: '11', offset: 'PT2H' },
  },
] as const;

function definition(zone: (typeof zones)[number], full: boolean): string {
  const name = zone.name.replaceAll('&', '&amp;');
  if (!full) return `<t:TimeZoneDefinition Id="${zone.id}" Name="${name}"/>`;
  const standard = `${zone.id}/Standard`;
  const daylight = `${zone.id}/Daylight`;
  const periods = `<t:Period Bias="${zone.bias}" Name="Standard" Id="${standard}"/>${zone.daylight === null ? '' : `<t:Period Bias="${zone.daylight.bias}" Name="Daylight" Id="${daylight}"/>`}`;
  const recurring = (to: string, month: string): string =>
    `<t:RecurringDayTransition><t:To Kind="Period">${to}</t:To><t:TimeOffset>${zone.daylight?.offset ?? 'PT0S'}</t:TimeOffset><t:Month>${Number(month)}</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>`;
  const transitions =
    zone.daylight === null
      ? `<t:Transition><t:To Kind="Period">${standard}</t:To></t:Transition>`
      : recurring(daylight, zone.daylight.starts) + recurring(standard, zone.daylight.ends);
  return `<t:TimeZoneDefinition Id="${zone.id}" Name="${name}"><t:Periods>${periods}</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0">${transitions}</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>`;
}

/** EWS doc: getservertimezones-operation. */
export const getServerTimeZones: Operation = {
  request: 'GetServerTimeZones',
  name: 'GetServerTimeZones',
  since: 'Exchange2010',
  run(request) {
    const full =
      attribute(request, 'ReturnFullTimeZoneData') === null || isTrue(attribute(request, 'ReturnFullTimeZoneData'));
    const ids = child(request, 'Ids');
    const wanted = new Set(kids(ids).map(({ text }) => text));
    const found = zones.filter(({ id }) => ids === null || wanted.has(id));
    return responses('GetServerTimeZones', [
      success(
        'GetServerTimeZonesResponseMessage',
        `<m:TimeZoneDefinitions>${found.map((zone) => definition(zone, full)).join('')}</m:TimeZoneDefinitions>`,
      ),
    ]);
  },
};
