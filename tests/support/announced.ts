/** Of a file that is only announced the index holds no content, and a kind that may be out of date: it is no state. */
export const withoutKind = (listed: string): string =>
  listed.replaceAll(/\d{6} (?=e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 )/g, 'any ');
