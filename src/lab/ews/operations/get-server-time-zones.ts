import { windowsZone, windowsZoneIds } from '../../world/zone.ts';
import { responses, success } from '../answer.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';
import { zoneDefinitionXml } from '../zone-xml.ts';

/** EWS doc: getservertimezones-operation. */
export const getServerTimeZones: Operation = {
  request: 'GetServerTimeZones',
  name: 'GetServerTimeZones',
  since: 'Exchange2010',
  run(request, context) {
    const full =
      attribute(request, 'ReturnFullTimeZoneData') === null || isTrue(attribute(request, 'ReturnFullTimeZoneData'));
    const ids = child(request, 'Ids');
    const wanted = ids === null ? windowsZoneIds : kids(ids).map(({ text }) => text);
    const year = new Date(context.nowMs).getUTCFullYear();
    const found = wanted.map(windowsZone).filter((zone) => zone !== null);
    return responses('GetServerTimeZones', [
      success(
        'GetServerTimeZonesResponseMessage',
        `<m:TimeZoneDefinitions>${found.map((zone) => zoneDefinitionXml('TimeZoneDefinition', zone, year, full)).join('')}</m:TimeZoneDefinitions>`,
      ),
    ]);
  },
};
