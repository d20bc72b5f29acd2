import { expect, test } from 'vitest';
import { countryOptions, currencyOf, guessCountry, zoneOptions } from './places';

test.each([
  ['Asia/Shanghai', ['en-US'], 'CN'],
  ['Europe/Berlin', ['en'], 'DE'],
  ['UTC', ['de-AT', 'en'], 'AT'],
  ['UTC', ['zh'], 'CN'],
  ['UTC', ['no such tag', 'fr'], 'FR'],
  ['UTC', ['eo-001'], 'US'],
  ['Etc/GMT+3', [], 'US'],
])('a browser at %s that speaks %j is in %s', (zone, languages, country) => {
  expect(guessCountry(zone, languages)).toBe(country);
});

test.each([['CN', 'CNY'], ['DE', 'EUR'], ['GB', 'GBP'], ['nowhere', 'USD']])('%s pays in %s', (country, currency) => {
  expect(currencyOf(country)).toBe(currency);
});

test('countries have names, and the zone in use is among the choices', () => {
  const countries = countryOptions('en');
  expect(countries.find(({ value }) => value === 'CN')?.label).toBe('China');
  expect(countries.filter(({ value, label }) => value === label)).toEqual([]);
  expect(zoneOptions('Mars/Base').map(({ value }) => value)).toEqual(expect.arrayContaining(['UTC', 'Mars/Base']));
});
