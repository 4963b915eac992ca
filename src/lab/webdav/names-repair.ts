/**
 * Clients send element names that begin with a digit (`<g:32900>`), which is no XML. The store takes them; here they are written as
 * XML wants them (`_x0033_2900`) before the request is parsed. Bytes inside of quotes, comments and CDATA are left alone.
 */
export function repairNames(xml: string): { readonly xml: string; readonly repaired: number } {
  let repaired = 0;
  const fixed = xml.replace(
    /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<(\/?)([A-Za-z_][\w.-]*:)(\d)/g,
    (whole, slash: string | undefined, prefix: string | undefined, digit: string | undefined) => {
      if (prefix === undefined || digit === undefined) return whole;
      repaired++;
      return `<${slash ?? ''}${prefix}_x003${digit}_`;
    },
  );
  return { xml: fixed, repaired };
}
